"""Whether a run is told to stop, by the rule of its configuration or by a function."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ganfield.configuration import StopRule, stop_rule
from ganfield.runs._tables import METRICS, SIGNS, Value, as_written
from ganfield.training._result import Record

StopWhen = Callable[[Record], object]
"""``stop_when(record)``: what is true stops the run; a text says why."""

_BY_FUNCTION = "stop_when"


class Watch:
    """What a run has recorded so far, held against its rules.

    Args:
        rule: that of the configuration, in words, or None.
        stop_when: that of the caller, or None.
    """

    def __init__(self, rule: str | None, stop_when: StopWhen | None):
        self._rule = None if rule is None else stop_rule(rule)
        self._stop_when = stop_when
        self._columns: dict[str, dict[str, list[Any]]] = {"metrics": {}, "scores": {}}

    @property
    def is_idle(self) -> bool:
        """Whether there are no rules, and so no record is needed."""
        return self._rule is None and self._stop_when is None

    def begin(self, **tables: Mapping[str, np.ndarray]) -> None:
        """Take what is there already of ``metrics`` and ``scores``: column → array."""
        for name, columns in tables.items():
            self._columns[name] = {each: values.tolist() for each, values in columns.items()}

    def add(self, table: str, row: Mapping[str, Value]) -> None:
        """Take another row of a table."""
        if not self.is_idle:
            for name, value in row.items():
                self._columns[table].setdefault(name, []).append(as_written(value))

    def why(self) -> str:
        """Return what stops the run now, in words, or nothing.

        Raises:
            ValueError: the rule is on a metric that is not there.
        """
        if self.is_idle or not self._columns["metrics"]:
            return ""
        tables = {
            table: {name: _array(name, column) for name, column in columns.items()}
            for table, columns in self._columns.items()
        }
        record = Record(**tables)
        said = ""
        # Of a score that nothing was scored for yet nobody knows whether it will be there.
        if self._rule is not None and (record.scores or not _is_score(self._rule)):
            said = self._rule(record)
        if not said and self._stop_when is not None:
            answer = self._stop_when(record)
            said = (answer if isinstance(answer, str) else _BY_FUNCTION) if answer else ""
        return said


def check_rules(text: str | None, stop_when: Any, evaluate: Sequence[Any]) -> None:
    """Raise a ``ValueError`` where a rule is none, or on a metric that will not be there.

    Args:
        text: the configuration's rule, or None.
        stop_when: the caller's, or None.
        evaluate: what gives scores. Those that have no ``names`` are known by their first scores.
    """
    if not (stop_when is None or callable(stop_when)):
        raise ValueError(
            f"stop_when must be a function of a Record, got {stop_when!r:.60}: a rule in words is "
            "config.stop"
        )
    if text is None:
        return
    rule = stop_rule(text)
    told = [getattr(each, "names", None) for each in evaluate]
    if not _is_score(rule) or None in told:
        return
    known = [*METRICS, *SIGNS, "norm_v", *(name for names in told for name in names or ())]
    try:
        rule.check(known)
    except ValueError as error:
        hint = "" if evaluate else ". Scores are there with evaluate=[…]"
        raise ValueError(f"{error}{hint}") from error


def _is_score(rule: StopRule) -> bool:
    return rule.metric not in (*METRICS, *SIGNS, "norm_v")


def _array(name: str, values: Sequence[Any]) -> np.ndarray:
    # As a file's columns, whatever they looked like there.
    dtype = {"step": np.int64, "warnings": np.str_}.get(name, np.float64)
    return np.array(values, dtype)
