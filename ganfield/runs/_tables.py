"""Rows of numbers by step, in a .csv file that a killed run leaves fit to be continued."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ganfield._files import naming, write_file

Value = float | int | str
Columns = dict[str, np.ndarray]

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
"""The columns of ``metrics.csv`` between ``seconds`` and ``warnings``."""


class Table:
    """A .csv file whose first column is the step.

    A row is appended in one write. What a kill or a full disk leaves of a row is dropped by `cut`.

    Args:
        path: the file; it need not exist.
        columns: its names, the first of them "step"; None for those of the first row. A file that
            is there keeps the order that it has.

    Raises:
        ValueError: the file has columns of other names, or cannot be read.
    """

    def __init__(self, path: Path, columns: Sequence[str] | None = None):
        self.path = path
        self._fixed = None if columns is None else tuple(columns)
        self.columns = self._fixed
        if lines := self._lines():
            self.columns = tuple(lines[0])
            if self._fixed is not None and sorted(self.columns) != sorted(self._fixed):
                raise ValueError(
                    f"{path} has the columns {', '.join(self.columns)}, another version's: this "
                    f"one writes {', '.join(self._fixed)}"
                )

    def append(self, row: Mapping[str, Value]) -> None:
        """Add a row.

        Raises:
            ValueError: it has other names than the rows before it.
        """
        if self.columns is None:
            self.columns = tuple(row)
        if set(row) != set(self.columns):
            raise ValueError(
                f"a row of {self.path.name} must have the columns {', '.join(self.columns)}, "
                f"got {', '.join(row)}"
            )
        lines = [] if self.path.exists() else [self.columns]
        text = _text([*lines, [_say(row[name]) for name in self.columns]])
        with naming(self.path), self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(text)

    def cut(self, last: int) -> None:
        """Drop the rows after a step, and any that is not whole."""
        head, *rows = self._lines() or [[]]
        kept = [
            row
            for row in rows
            if len(row) == len(head) and row[0].isdecimal() and int(row[0]) <= last
        ]
        if kept:
            write_file(self.path, _text([head, *kept]).encode())
        else:
            self.path.unlink(missing_ok=True)
            self.columns = self._fixed

    def first(self) -> dict[str, str] | None:
        """Return the first row; None where there is none."""
        lines = self._lines()
        return dict(zip(lines[0], lines[1], strict=True)) if len(lines) > 1 else None

    def arrays(self) -> Columns:
        """Return column → array, in the file's order: integers, floats or texts; {} without rows.

        Raises:
            ValueError: the file cannot be read.
        """
        head, *rows = self._lines() or [[]]
        whole = [row for row in rows if len(row) == len(head)]
        columns = zip(*whole, strict=True) if whole else []
        return dict(zip(head, map(_array, columns), strict=False))

    def sync(self) -> None:
        """Wait until the rows are on the disk."""
        if self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def _lines(self) -> list[list[str]]:
        """Return the whole lines: the last one may have been cut off by a kill."""
        if not self.path.exists():
            return []
        try:
            text = self.path.read_text("utf-8")
            whole = text[: text.rfind("\n") + 1]
            return list(csv.reader(io.StringIO(whole)))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{self.path} cannot be read: {error}") from error


def _array(texts: Sequence[str]) -> np.ndarray:
    for kind in (int, float):
        try:
            return np.array([kind(text) for text in texts])
        except ValueError:
            continue
    return np.array(texts)


def _text(rows: Sequence[Sequence[str]]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows(rows)
    return target.getvalue()


def _say(value: Value) -> str:
    # Nine digits tell every two float32 apart.
    return f"{value:.9g}" if isinstance(value, float) else str(value)
