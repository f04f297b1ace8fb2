"""Rows of numbers by step, in a .csv file that a killed run leaves fit to be continued."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ganfield._files import naming, read_bytes, reason_of, write_file

Value = float | int | str
Columns = dict[str, np.ndarray]

_MOST = 1 << 30  # bytes
_TEXTS = ("warnings",)  # the columns that hold no numbers

METRICS = (
    "loss_theta",
    "loss_phi",
    "norm_v_theta",
    "norm_v_phi",
    "norm_grad_L",
    "accuracy_real",
    "accuracy_fake",
    "saturated",
    "diversity",
)
SIGNS = ("agreement_theta", "agreement_phi", "precision", "recall")
"""Further ones, which earlier versions did not write.

The columns of ``metrics.csv`` are ``step``, ``seconds``, `METRICS`, these, and ``warnings``.
"""
SKETCH = 8
"""Numbers that stand for a player's parameters in ``path.csv``."""
PATH = (
    "norm_theta",
    "norm_phi",
    *(f"{player}_{i}" for player in ("theta", "phi") for i in range(1, SKETCH + 1)),
)
"""The columns of ``path.csv`` after ``step``."""


def as_written(value: Value) -> Value:
    """Return a value as a table gives it back: a run that goes on must see the same numbers.

    Example:
        >>> as_written(1 / 3)
        0.333333333
    """
    return float(_say(value)) if isinstance(value, float) else value


class Table:
    """A .csv file whose first column is the step.

    A row is appended in one write. What a kill or a full disk leaves of a row is dropped by `cut`.

    Args:
        path: the file; it need not exist.
        columns: its names, the first of them "step"; None for those of the first row. A file that
            is there keeps the order that it has.
        later: those of them that earlier versions did not write; a file without goes on without.

    Raises:
        ValueError: the file has columns of other names, or is damaged: a kill cuts off the last
            line alone.
    """

    def __init__(
        self, path: Path, columns: Sequence[str] | None = None, *, later: Sequence[str] = ()
    ):
        self.path, self._later = path, frozenset(later)
        self._fixed = None if columns is None else tuple(columns)
        self.columns = self._fixed
        if lines := self._lines():
            self.columns = tuple(lines[0])

    def append(self, row: Mapping[str, Value]) -> None:
        """Add a row.

        Raises:
            ValueError: it has other names than the rows before it.
        """
        if self.columns is None:
            self.columns = tuple(row)
        if set(row) != set(self.columns) and set(row) - self._later != set(self.columns):
            raise ValueError(
                f"a row of {self.path.name} must have the columns {', '.join(self.columns)}, "
                f"got {', '.join(row)}"
            )
        begun = self.path.exists() and self.path.stat().st_size > 0
        lines = [] if begun else [self.columns]
        text = _text([*lines, [_say(row[name]) for name in self.columns]])
        with naming(self.path), self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(text)

    def cut(self, last: int) -> None:
        """Drop the rows after a step, and a last one that is not whole."""
        head, *rows = self._lines() or [[]]
        kept = [row for row in rows if int(row[0]) <= last]
        if kept:
            write_file(self.path, _text([head, *kept]).encode())
        else:
            self.path.unlink(missing_ok=True)
            self.columns = self._fixed

    def first(self) -> dict[str, str] | None:
        """Return the first row; None where there is none."""
        lines = self._lines()
        return dict(zip(lines[0], lines[1], strict=True)) if len(lines) > 1 else None

    def arrays(self) -> dict[str, np.ndarray]:
        """Return column → array, in the file's order: integers, floats or texts; {} without rows.

        Raises:
            ValueError: the file cannot be read.
        """
        head, *rows = self._lines() or [[]]
        columns = zip(*rows, strict=True) if rows else []
        return dict(zip(head, map(_array, columns), strict=False))

    def sync(self) -> None:
        """Wait until the rows are on the disk."""
        if self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def _is_ours(self, head: Sequence[str]) -> bool:
        fixed = self._fixed or ()
        earlier = [name for name in fixed if name not in self._later]
        return sorted(head) in (sorted(fixed), sorted(earlier))

    def _lines(self) -> list[list[str]]:
        """Return the whole lines: the last one may have been cut off by a kill."""
        try:
            text = read_bytes(self.path, limit=_MOST).decode("utf-8")
            whole = text[: text.rfind("\n") + 1]
            if not (whole or "step,".startswith(text[:5])):
                raise ValueError("it is no table")
            lines = list(csv.reader(io.StringIO(whole)))
            if lines and (self._fixed is None or self._is_ours(lines[0])):
                _check_lines(lines)
                return lines
        except FileNotFoundError:
            return []
        except (OSError, ValueError, csv.Error) as error:
            raise ValueError(f"{self.path} cannot be read: {reason_of(error)}") from error
        if lines and self._fixed is not None:
            raise ValueError(
                f"{self.path} has the columns {', '.join(lines[0])}, another version's: this one "
                f"writes {', '.join(self._fixed)}"
            )
        return []


def _check_lines(lines: Sequence[Sequence[str]]) -> None:
    """Raise a ``ValueError`` unless rows of numbers, by ascending steps, follow their names."""
    head = lines[0] if lines else ["step"]
    if head[:1] != ["step"] or len({*head}) < len(head):
        raise ValueError(f"its first line must name the columns, step first, got {head!r:.60}")
    last = -1
    for number, row in enumerate(lines[1:], start=2):
        step = int(row[0]) if row and row[0].isdecimal() and len(row[0]) < 12 else -1
        if len(row) != len(head) or step <= last:
            raise ValueError(
                f"line {number} must have {len(head)} values, the first a step after {last}, got "
                f"{','.join(row)!r:.60}"
            )
        last = step
        for name, value in zip(head, row, strict=True):
            if name not in _TEXTS and not _is_number(value):
                raise ValueError(f"{name} in line {number} must be a number, got {value!r:.40}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _array(texts: Sequence[str]) -> np.ndarray:
    for kind, dtype in ((int, np.int64), (float, np.float64)):
        try:
            return np.array([kind(text) for text in texts], dtype)
        except (ValueError, OverflowError):
            continue
    return np.array(texts)


def _text(rows: Sequence[Sequence[str]]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows(rows)
    return target.getvalue()


def _say(value: Value) -> str:
    # Nine digits tell every two float32 apart.
    return f"{value:.9g}" if isinstance(value, float) else str(value)
