"""Runs beside each other: what differs in their settings, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganfield._html import html_spread, html_table
from ganfield.configuration import Config
from ganfield.runs._load import provenance_of
from ganfield.runs._run_directory import FREE, read_config, read_protocols
from ganfield.runs._tables import Columns, Table


class Group(NamedTuple):
    """Runs that differ in their seed alone.

    Attributes:
        label: the settings in which the group differs from the others, such as
            "method.name=consensus".
        folders: where the runs lie.
        seeds: theirs.
        metrics: column → array (records, runs), at the steps that all of the runs have; "step" has
            the shape (records,).
        scores: the same of ``scores.csv``; empty where a run has none.
    """

    label: str
    folders: tuple[Path, ...]
    seeds: tuple[int, ...]
    metrics: Columns
    scores: Columns

    def last(self) -> dict[str, tuple[float, float]]:
        """Return column → mean and sample standard deviation over the runs, at the last step.

        Scores come after metrics, each at its own last step. With one run there is no deviation:
        NaN.
        """
        columns = [
            (name, values[-1])
            for table in (self.metrics, self.scores)
            for name, values in table.items()
            if name not in ("step", "seconds")
        ]
        return {
            name: (float(np.mean(row)), float(np.std(row, ddof=1)) if row.size > 1 else np.nan)
            for name, row in columns
        }


class Comparison(NamedTuple):
    """What `compare` finds.

    Attributes:
        groups: the runs, in the order in which they were given, those of one group together.
        differences: setting → its value in each group, for the settings that are not the same in
            all.
        protocol: how the scores were taken, the same for all; None where there are none.
    """

    groups: tuple[Group, ...]
    differences: dict[str, tuple[Any, ...]]
    protocol: Any

    def _repr_html_(self) -> str:
        names = list(dict.fromkeys(name for group in self.groups for name in group.last()))
        rows = (
            [group.label, len(group.folders)]
            + [html_spread(*last[name]) if name in last else None for name in names]
            for group in self.groups
            for last in [group.last()]
        )
        return html_table(["runs of", "seeds", *names], rows, title="mean ± spread over seeds")


def compare(folders: Sequence[str | os.PathLike[str]]) -> Comparison:
    """Set runs of `ganfield.training.train` beside each other. Nothing in the folders changes.

    Runs that differ in their seed alone are one group. What a run ends at and how often it was
    looked at (``num_steps``, ``record_every`` …) does not tell groups apart.

    Args:
        folders: of the runs, at least one.

    Returns:
        A `Comparison`.

    Raises:
        ValueError: a folder is no run, or is given twice; the runs were trained on different data,
            or scored by different protocols; runs of one group share no recorded step.

    Example:
        >>> import tempfile, ganfield as gf
        >>> root = tempfile.mkdtemp()
        >>> config = gf.configuration.preset("digits/mlp").replace({"samples": 4})
        >>> for name in ("alternating", "simultaneous"):
        ...     changed = config.replace({"method.name": name})
        ...     _ = gf.training.train(changed, f"{root}/{name}", num_steps=1)
        >>> found = gf.runs.compare([f"{root}/alternating", f"{root}/simultaneous"])
        >>> found.differences
        {'method.name': ('alternating', 'simultaneous')}
        >>> [group.metrics["loss_phi"].shape for group in found.groups]
        [(2, 1), (2, 1)]
    """
    paths = [Path(folder) for folder in folders]
    if not paths:
        raise ValueError("folders must name at least one run, got none")
    for number, path in enumerate(paths):
        if path.resolve() in [other.resolve() for other in paths[:number]]:
            raise ValueError(f"{path} is given twice")
    configs = [read_config(path) for path in paths]
    _check_same(paths, [provenance_of(path).get("data") for path in paths], "trained on other data")
    scores = [Table(path / "scores.csv").arrays() for path in paths]
    scored = [path for path, columns in zip(paths, scores, strict=True) if columns]
    protocols = [read_protocols(path) for path in scored]
    _check_same(scored, protocols, "scored by another protocol")
    members: dict[str, list[int]] = {}
    for number, config in enumerate(configs):
        members.setdefault(_alike(config), []).append(number)
    differences = _differences([configs[group[0]] for group in members.values()])
    groups = []
    for place, group in enumerate(members.values()):
        own = [
            f"{name}={values[place]}"
            for name, values in differences.items()
            if values[place] is not None
        ]
        told = [paths[number] for number in group]
        metrics = [_numbers(Table(path / "metrics.csv").arrays()) for path in told]
        groups.append(
            Group(
                " ".join(own) or configs[group[0]].summary(),
                tuple(told),
                tuple(configs[number].seed for number in group),
                _together(metrics, told),
                _together([_numbers(scores[number]) for number in group], told),
            )
        )
    return Comparison(tuple(groups), differences, protocols[0] if protocols else None)


def _alike(config: Config) -> str:
    """Return what the runs of one group have in common."""
    here = config.differences(Config())
    return str({name: pair[0] for name, pair in here.items() if name not in ("seed", *FREE)})


def _differences(configs: Sequence[Config]) -> dict[str, tuple[Any, ...]]:
    """Return setting → its value in each configuration, where they are not all the same."""
    from_first = [configs[0].differences(config) for config in configs]
    names = {name: pair[0] for each in from_first for name, pair in each.items()}
    return {
        name: tuple(each[name][1] if name in each else first for each in from_first)
        for name, first in names.items()
        if name not in ("seed", *FREE)
    }


def _numbers(columns: Columns) -> Columns:
    return {name: values for name, values in columns.items() if values.dtype.kind in "if"}


def _together(tables: Sequence[Columns], folders: Sequence[Path]) -> Columns:
    """Return the rows of the steps that all tables have, each column (records, tables)."""
    if not all(tables):
        return {}
    steps = tables[0]["step"]
    for table in tables[1:]:
        steps = np.intersect1d(steps, table["step"])
    if not steps.size:
        raise ValueError(
            f"the runs in {', '.join(map(str, folders))} have no recorded step in common"
        )
    rows = [np.searchsorted(table["step"], steps) for table in tables]
    names = [name for name in tables[0] if all(name in table for table in tables)]
    return {
        name: steps
        if name == "step"
        else np.stack([table[name][at] for table, at in zip(tables, rows, strict=True)], axis=1)
        for name in names
    }


def _check_same(folders: Sequence[Path], values: Sequence[Any], said: str) -> None:
    for folder, value in zip(folders, values, strict=True):
        if value != values[0]:
            raise ValueError(
                f"the runs cannot be compared: {folder} was {said} than {folders[0]}: "
                f"{_difference(values[0], value)}"
            )


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other) == 1:
        one, other = one[0], other[0]
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
        return "; ".join(f"{name}: {one.get(name)} → {other.get(name)}" for name in names)
    return f"{one} → {other}"
