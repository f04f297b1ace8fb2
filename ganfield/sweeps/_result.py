"""What became of many runs, and the ways to look at it by the names of the axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from ganfield._extras import need
from ganfield._html import html_facts
from ganfield._types import PyTree
from ganfield.checks import lookup
from ganfield.simulate import Run
from ganfield.simulate._scan import outcome
from ganfield.sweeps._cells import Index, is_cells, opened


class Sweep(NamedTuple):
    """What became of many runs.

    Attributes:
        run: a `Run` on the host (NumPy). The leaves of ``state``, ``stopped_at`` and
            ``unsolved_at`` begin with the axes of the grid; the leaves of ``records`` begin with
            the axis of the records and then those of the grid. Parameters, memory or records
            whose shapes differ from run to run are one array of objects, each a run's pytree.
            Typed keys in them are the numbers that they are made of.
        seconds: wall-clock of the runs without compilation, summed over pieces.
        compile_seconds: wall-clock of tracing and compiling; of tracing alone where the same sweep
            was run before.
        axes: name → the labels of its values, in the order of the grid: numbers, texts, or places
            from 0 where the values are keys or arrays.
        done: which runs went to their end, or stopped before it; None if all did.
        num_programs: how many programs they shared.
    """

    run: Run
    seconds: float
    compile_seconds: float
    axes: Mapping[str, np.ndarray] = {}
    done: np.ndarray | None = None
    num_programs: int = 1

    def __repr__(self) -> str:
        shape = np.shape(self.run.stopped_at)
        runs = f"{' × '.join(map(str, shape))} runs" if shape else "1 run"
        open_ = "" if self.done is None else f", {int(np.sum(~self.done))} of them unfinished"
        return f"Sweep of {runs}{open_}: {outcome(self.run)}"

    def _repr_html_(self) -> str:
        axes = {name: ", ".join(map(_said, labels[:8])) for name, labels in self.axes.items()}
        facts = {"seconds": self.seconds, "compile_seconds": self.compile_seconds}
        return html_facts(
            "Sweep", {"runs": repr(self), **axes, "records": self.run.records, **facts}
        )

    def sel(self, **labels: Any) -> Sweep:
        """Return the runs at certain values of some axes.

        Args:
            **labels: name of an axis → the label of one value, which takes the axis away, or a list
                of several. Numbers are taken as the axis has them: 0.1 is its float32.

        Returns:
            A `Sweep` of the other axes.

        Raises:
            ValueError: there is no such axis, or no such value in it.

        Example:
            >>> import optax, ganfield as gf
            >>> v = gf.vector_field(gf.games.bilinear())
            >>> def build(step_size, gamma):
            ...     method = gf.simultaneous(optax.sgd(step_size))
            ...     return gf.simulation(method, gf.consensus(v, gamma=gamma), gf.Players(1.0, 0.0))
            >>> sweep = gf.sweep(build, {"step_size": [0.1, 0.2], "gamma": [0.0, 1.0]}, num_steps=2)
            >>> sweep.sel(gamma=1.0).run.params.theta.round(3)
            array([0.8, 0.6], dtype=float32)
        """
        places = {name: _places(self.axes, name, label) for name, label in labels.items()}
        index: Index = tuple(places.get(name, slice(None)) for name in self.axes)
        run = self.run
        return self._replace(
            run=run._replace(
                state=run.state._replace(
                    params=opened(run.state.params, index), memory=opened(run.state.memory, index)
                ),
                records=opened(run.records, index, lead=1),
                stopped_at=opened(run.stopped_at, index),
                unsolved_at=opened(run.unsolved_at, index),
            ),
            axes={
                name: labels_of[places.get(name, slice(None))]
                for name, labels_of in self.axes.items()
                if not isinstance(places.get(name), int)
            },
            done=None if self.done is None else opened(self.done, index),
        )

    def values(self, name: str | None = None) -> np.ndarray:
        """Return what was recorded under a name, shape ``(records, *grid, …)``.

        Args:
            name: the path of a leaf of the records, such as "coverage.modes_covered"; "stopped_at"
                and "unsolved_at" are of shape ``grid``. None where one thing alone was recorded.

        Raises:
            ValueError: there is nothing of that name.

        Example:
            >>> import optax, ganfield as gf
            >>> v = gf.vector_field(gf.games.bilinear())
            >>> def build(step_size):
            ...     return gf.simulation(
            ...         gf.simultaneous(optax.sgd(step_size)), v, gf.Players(1.0, 0.0),
            ...         record=lambda state, info: {"theta": state.params.theta},
            ...     )
            >>> gf.sweep(build, {"step_size": [0.5, 1.0]}, num_steps=2).values("theta")[-1]
            array([0.75, 0.  ], dtype=float32)
        """
        known = self._named()
        if name is None:
            if len(known) != 1:
                raise ValueError(f"name must be one of {', '.join(known) or 'no record'}, got None")
            (name,) = known
        known |= {"stopped_at": self.run.stopped_at, "unsolved_at": self.run.unsolved_at}
        return lookup(known, name, argument="record")

    def to_records(self, *, every: bool = False) -> list[dict[str, Any]]:
        """Return a row for each run, for ``pandas.DataFrame(rows)``, say.

        Args:
            every: whether each recorded step of a run has a row, and not the last alone.

        Returns:
            Dicts of the axes' labels, ``step``, the records by their names, ``stopped_at``,
            ``unsolved_at``, and ``done``. Numbers are Python's, arrays NumPy's.

        Example:
            >>> import optax, ganfield as gf
            >>> v = gf.vector_field(gf.games.bilinear())
            >>> def build(step_size):
            ...     return gf.simulation(
            ...         gf.simultaneous(optax.sgd(step_size)), v, gf.Players(1.0, 0.0),
            ...         record=lambda state, info: {"theta": state.params.theta},
            ...     )
            >>> gf.sweep(build, {"step_size": [0.5, 1.0]}, num_steps=2).to_records()[0]
            {'step_size': 0.5, 'step': 2, 'theta': 0.75, 'stopped_at': -1, 'unsolved_at': -1,
            'done': True}
        """
        named, steps = self._named(), np.asarray(self.run.steps)
        shape = np.shape(self.run.stopped_at)
        rows = []
        for place in np.ndindex(*shape):
            labels = {n: _plain(of[i]) for (n, of), i in zip(self.axes.items(), place, strict=True)}
            ends = {
                "stopped_at": int(np.asarray(self.run.stopped_at)[place]),
                "unsolved_at": int(np.asarray(self.run.unsolved_at)[place]),
                "done": self.done is None or bool(self.done[place]),
            }
            for i in range(len(steps)) if every else (len(steps) - 1,):
                kept = {name: _plain(values[(i, *place)]) for name, values in named.items()}
                rows.append({**labels, "step": int(steps[i]), **kept, **ends})
        return rows

    def to_xarray(self) -> Any:
        """Return an ``xarray.Dataset``: the records by name, their dimensions by the axes' names.

        Its ``to_dataframe()`` gives pandas' table. An axis called method is chosen by
        ``.sel({"method": …})``, for xarray's ``sel`` has a ``method=`` of its own. What the axes of
        single records are called nobody knows: they are NAME_0, NAME_1 and so on.

        Raises:
            ImportError: xarray is missing: ``pip install 'ganfield[xarray]'``.
            ValueError: the records have other shapes from run to run: choose some with `sel`.

        Example:
            >>> import optax, ganfield as gf
            >>> v = gf.vector_field(gf.games.bilinear())
            >>> def build(step_size):
            ...     return gf.simulation(
            ...         gf.simultaneous(optax.sgd(step_size)), v, gf.Players(1.0, 0.0),
            ...         record=lambda state, info: {"theta": state.params.theta},
            ...     )
            >>> runs = gf.sweep(build, {"step_size": [0.5, 1.0]}, num_steps=2).to_xarray()
            >>> float(runs.theta.sel(step=2, step_size=0.5))
            0.75
        """
        need("xarray", who="to_xarray")
        import xarray

        axes = tuple(self.axes)
        variables: dict[str, Any] = {}
        for name, values in self._named().items():
            extra = tuple(f"{name}_{i}" for i in range(values.ndim - 1 - len(axes)))
            variables[name] = (("step", *axes, *extra), values)
        variables["stopped_at"] = (axes, self.run.stopped_at)
        variables["unsolved_at"] = (axes, self.run.unsolved_at)
        variables["done"] = (
            axes,
            np.ones(np.shape(self.run.stopped_at), bool) if self.done is None else self.done,
        )
        return xarray.Dataset(variables, {"step": np.asarray(self.run.steps), **self.axes})

    def _named(self) -> dict[str, np.ndarray]:
        if is_cells(self.run.records):
            raise ValueError(
                "what was recorded must have the same names and shapes in all runs: choose some "
                f"that do with sel({next(iter(self.axes))}=…)"
            )
        return named(self.run.records)


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C during a sweep. What was computed until then is in ``partial``, a `Sweep`."""

    def __init__(self, partial: Sweep, said: str = ""):
        super().__init__(said or f"interrupted after step {int(partial.run.steps[-1])}")
        self.partial = partial


def named(records: PyTree) -> dict[str, np.ndarray]:
    """Return the leaves of what was recorded by their paths; "record" is what has none.

    Example:
        >>> named({"losses": (1.0, 2.0)})
        {'losses.0': 1.0, 'losses.1': 2.0}
    """
    paths = jax.tree_util.tree_leaves_with_path(records)
    return {
        jax.tree_util.keystr(path, simple=True, separator=".") or "record": leaf
        for path, leaf in paths
    }


def _places(axes: Mapping[str, np.ndarray], name: str, label: Any) -> int | np.ndarray:
    labels = lookup(axes, name, argument="axis")
    if isinstance(label, list | tuple | range) or (isinstance(label, np.ndarray) and label.ndim):
        return np.array([_place(name, labels, each) for each in label], int)
    return _place(name, labels, label)


def _place(name: str, labels: np.ndarray, label: Any) -> int:
    if labels.dtype.kind == "U":
        known: Sequence[str] = labels.tolist()
        lookup(dict.fromkeys(known), label, argument=f"value of {name}")
        return known.index(label)
    number = np.asarray(label)
    same = np.flatnonzero(labels == number) if number.dtype.kind in "iuf" else np.array([], int)
    if not len(same) and {number.dtype.kind, labels.dtype.kind} == {"f"}:
        # A float32 of another kind than the axis's own.
        same = np.flatnonzero(labels.astype(np.float32) == number.astype(np.float32))
    if len(same) != 1:
        many = "is there more than once" if len(same) else "is none of them"
        raise ValueError(
            f"{name} must be one of {', '.join(map(_said, labels[:12]))}"
            f"{' …' if len(labels) > 12 else ''}, got {label!r}, which {many}"
        )
    return int(same[0])


def _said(label: Any) -> str:
    return str(label) if isinstance(label, str) else f"{label:g}"


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    return value if array.ndim else array.item()
