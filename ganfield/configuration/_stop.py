"""When training stops by itself: a rule in a line of words, and what it makes of a record."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ganfield.checks import lookup, unknown

_VERBS = ("within", "below", "above", "no")
_NORM = "norm_v"
_NO_METRICS = ("step", "seconds", "warnings")
_ROUNDING = 1e-6  # of float32, in which metrics are


class Recorded(Protocol):
    """What a rule looks at: the tables of a run, each column → array, its steps in ``step``."""

    @property
    def metrics(self) -> Mapping[str, np.ndarray]:
        """Those of ``metrics.csv``."""

    @property
    def scores(self) -> Mapping[str, np.ndarray]:
        """Those of ``scores.csv``; empty where nothing was scored."""


@dataclass(frozen=True)
class StopRule:
    """A rule by which a run stops, a pure function of what it has recorded; `stop_rule` makes it.

    Attributes:
        metric: a column of the metrics or of the scores, or ``norm_v``.
        verb: "within", "below", "above", "no lower" or "no higher".
        numbers: tolerance and middle of "within"; the bound of "below" and "above".
        how: "for", where every row of the window has to be so; "over", where their mean has to.
        steps: the window's; 0 for the last row alone.
    """

    metric: str
    verb: str
    numbers: tuple[float, ...] = ()
    how: str = "for"
    steps: int = 0

    def __str__(self) -> str:
        numbers = " of ".join(repr(number).removesuffix(".0") for number in self.numbers)
        window = f"{self.how} {self.steps} steps" if self.steps else ""
        return " ".join(part for part in (self.metric, self.verb, numbers, window) if part)

    def __call__(self, record: Recorded) -> str:
        """Return what stops a run with this record, in words; nothing where it goes on.

        Args:
            record: what has ``metrics`` and ``scores``: a `ganfield.training.Record`, or a run that
                `ganfield.runs.load` gave back.

        Raises:
            ValueError: the record has no such metric.
        """
        self.check(metrics_of(record))
        at, values = self._column(record)
        if not len(at):
            return ""
        now = at[-1]
        if self.verb.startswith("no "):
            return self._improves_no_more(at, values)
        if self.how == "over":
            value = float(np.mean(values[at >= now - self.steps]))
            holds = bool(self._allows(np.array([value]))[0]) and at[0] <= now - self.steps
        else:
            value = float(values[-1])
            fails = np.flatnonzero(~self._allows(values))
            first = int(fails[-1]) + 1 if fails.size else 0
            holds = first < len(at) and now - at[first] >= self.steps
        return f"{self} ({value:.4g})" if holds else ""

    def check(self, known: Iterable[str]) -> None:
        """Raise a ``ValueError`` unless the metric is a known one."""
        names = [*known]
        if self.metric not in names:
            raise ValueError(unknown(names, self.metric, argument="metric in stop"))

    def _column(self, record: Recorded) -> tuple[np.ndarray, np.ndarray]:
        """Return the metric's steps and values."""
        table = record.metrics if self.metric in metrics_of(record, scores=False) else record.scores
        if self.metric == _NORM:
            values = np.hypot(table["norm_v_theta"], table["norm_v_phi"])
        else:
            values = table[self.metric]
        return np.asarray(table["step"]), np.asarray(values, np.float64)

    def _allows(self, values: np.ndarray) -> np.ndarray:
        """Return which values are as the rule says; NaN is not."""
        if self.verb == "within":
            tolerance, middle = self.numbers
            return np.abs(values - middle) <= tolerance + _ROUNDING * (tolerance + abs(middle))
        (bound,) = self.numbers
        return values < bound if self.verb == "below" else values > bound

    def _improves_no_more(self, at: np.ndarray, values: np.ndarray) -> str:
        way = self.verb.removeprefix("no ")
        signed = values if way == "lower" else -values
        if np.isnan(signed).all():
            return ""
        best = int(np.nanargmin(signed))
        if at[-1] - at[best] < self.steps:
            return ""
        return f"{self} ({values[best]:.4g} at step {at[best]})"


def stop_rule(text: str) -> StopRule:
    """Return the rule that a line of words says.

    - ``METRIC within NUMBER of NUMBER``, ``METRIC below NUMBER``, ``METRIC above NUMBER``: of the
      last row; with ``for COUNT steps`` of every row for so long; with ``over COUNT steps`` of the
      mean over so many steps, which is what the noise of single batches asks for.
    - ``METRIC no lower for COUNT steps``, ``METRIC no higher for COUNT steps``: the least (largest)
      value so far is that old.

    Metrics are the columns of ``metrics.csv`` and ``scores.csv``, and ``norm_v``, which is
    ‖v‖ = √(‖v_θ‖² + ‖v_φ‖²). Rows are there every ``record_every`` (``evaluate_every``) steps.

    Args:
        text: the words.

    Returns:
        A `StopRule`.

    Raises:
        ValueError: it is no such line. Whether there is such a metric, training finds out.

    Example:
        >>> rule = stop_rule("accuracy_fake within .02 of .5 over 500 steps")
        >>> rule.metric, rule.numbers, str(rule)
        ('accuracy_fake', (0.02, 0.5), 'accuracy_fake within 0.02 of 0.5 over 500 steps')
        >>> stop_rule("norm_v bellow 1e-3")
        Traceback (most recent call last):
        ...
        ValueError: unknown word in stop 'bellow': did you mean 'below'? Known: ...
    """
    words = text.split()
    if len(words) > 1:
        lookup(dict.fromkeys(_VERBS), words[1], argument="word in stop")
    rule: StopRule | None = None
    match words:
        case [metric, "within", tolerance, "of", middle, *rest]:
            rule = _held(metric, "within", (_number(tolerance, least=0), _number(middle)), rest)
        case [metric, "below" | "above" as verb, bound, *rest]:
            rule = _held(metric, verb, (_number(bound),), rest)
        case [metric, "no", "lower" | "higher" as way, *rest] if rest[:1] == ["for"]:
            rule = _held(metric, f"no {way}", (), rest)
    if rule is None:
        raise ValueError(
            "stop must be a line such as 'accuracy_fake within 0.02 of 0.5 over 500 steps', "
            "'norm_v below 0.001', 'saturated above 0.9 for 500 steps' or 'fid no lower for 5000 "
            f"steps', got {text!r:.100}"
        )
    return rule


def metrics_of(record: Recorded, *, scores: bool = True) -> list[str]:
    """Return what rules about this record may name."""
    names = [*record.metrics, *(record.scores if scores else ())]
    norms = [_NORM] if "norm_v_theta" in record.metrics else []
    return [*norms, *(name for name in names if name not in _NO_METRICS)]


def _held(
    metric: str, verb: str, numbers: tuple[float, ...], rest: Sequence[str]
) -> StopRule | None:
    """Return a rule with the window that the rest of a line says, None where it says no such."""
    if not rest:
        return StopRule(metric, verb, numbers)
    match rest:
        case ["for" | "over" as how, count, "steps"] if count.isdecimal() and int(count) > 0:
            return StopRule(metric, verb, numbers, how, int(count))
    return None


def _number(text: str, *, least: float = -math.inf) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= least):
        wanted = "a finite number" if least < 0 else f"a finite number ≥ {least:g}"
        raise ValueError(f"stop must have {wanted} where it has {text!r:.40}")
    return number
