"""Has a run of training converged? From the tables of its folder."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ganfield._types import Players
from ganfield.runs._run_directory import read_config
from ganfield.runs._tables import SKETCH, Columns, Table
from ganfield.stability import Verdict
from ganfield.stability import verdict as judge


def verdict(folder: str | os.PathLike[str], *, stopped_at: int = -1) -> Verdict:
    """Return what has become of a run of `ganfield.training.train` until now, by its tables.

    The path is the sketch of the parameters in ``path.csv``, and ``metrics.csv`` has the signs
    beside it: whether minibatches agree, how diverse samples are, precision and recall of points,
    how sure the discriminator is; ``gaps.csv`` the duality gap, if it was asked for. How they
    decide says `ganfield.verdict`.

    Args:
        folder: the run's folder.
        stopped_at: the first step that met a NaN or an infinity, or −1: its folder keeps only what
            was before.

    Returns:
        A `ganfield.stability.Verdict`.

    Raises:
        ValueError: the folder is no run, or one of its tables is damaged.

    Example:
        >>> import tempfile, ganfield as gf
        >>> folder = tempfile.mkdtemp()
        >>> config = gf.configuration.preset("digits/mlp").replace({"samples": 4})
        >>> result = gf.training.train(config, folder, num_steps=1)
        >>> gf.runs.verdict(folder)
        Verdict: undecided: a verdict takes 20 records or more, here: 1
        >>> result.verdict == gf.runs.verdict(folder)
        True
    """
    folder = Path(folder)
    every = read_config(folder).record_every
    path, metrics, gaps = (
        Table(folder / f"{name}.csv").arrays() for name in ("path", "metrics", "gaps")
    )
    if not path or not metrics:
        return Verdict("undecided", "its folder has no path.csv: earlier versions wrote none", {})
    steps = _evenly(np.intersect1d(path["step"], metrics["step"]), every)
    path, metrics = _at(path, steps), _at(metrics, steps)
    players = Players(*(_sketched(path, name) for name in Players._fields))
    named = ("diversity", "precision", "recall", "saturated")
    given = {name: metrics[name] for name in named if name in metrics}
    if "agreement_theta" in metrics:
        # Of the players the one that knows best where it wants to go.
        both = [metrics[f"agreement_{name}"] for name in Players._fields]
        given["agreement"] = np.fmax(*both)
    if gaps:
        given["gap"] = _at(gaps, steps)["gap"]
    return judge(players, steps, stopped_at=stopped_at, **given)


def _evenly(steps: np.ndarray, every: int) -> np.ndarray:
    """Return the last of the steps that follow one another at the run's pace."""
    steps = steps[steps % every == 0]
    breaks = np.flatnonzero(np.diff(steps) != every)
    return steps[breaks[-1] + 1 :] if breaks.size else steps


def _at(columns: Columns, steps: np.ndarray) -> Columns:
    rows = np.isin(columns["step"], steps)
    return {name: values[rows] for name, values in columns.items()}


def _sketched(path: Columns, player: str) -> np.ndarray:
    return np.stack([path[f"{player}_{i}"] for i in range(1, SKETCH + 1)], axis=1)
