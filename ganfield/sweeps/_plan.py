"""What a sweep is to do, before anything is compiled: its programs, its pieces and their shapes."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import numpy as np

from ganfield._describe import describe
from ganfield._hashes import hash_of
from ganfield._memory import check_memory, size_of
from ganfield._tree import strong
from ganfield._types import PyTree
from ganfield.checks import check_count
from ganfield.simulate import Carry, Simulation, record_steps
from ganfield.simulate._scan import check_records, check_steps
from ganfield.sweeps._axes import Axis, combinations, points, read_axes

Build = Callable[..., Simulation]
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Program(NamedTuple):
    """Runs that share a compiled program.

    Attributes:
        chosen: the values that are part of the program, by name.
        shapes: of a run's result, see `results`.
        digest: of what it computes; "" where nobody asked.
        carried: bytes that a run hands from step to step.
    """

    chosen: dict[str, Any]
    shapes: PyTree
    digest: str
    carried: int


class Piece(NamedTuple):
    """Runs that are done at once.

    Attributes:
        program: the place of their program.
        begin: the first of them, in the grid of the traced axes.
        end: the place after the last.
    """

    program: int
    begin: int
    end: int


class Plan(NamedTuple):
    """A sweep that has not happened yet.

    Attributes:
        build: ``build(**point) -> Simulation``.
        axes: name → `Axis`, in the order of the grid.
        traced: the names of the axes whose values are arguments of a program.
        given: name → value, the same for every run, traced.
        programs: one for each combination of values that can't be traced.
        steps: at which steps something is recorded.
        record_every: how many steps from record to record.
        piece_size: runs of a piece, where there is more than one piece of a program.
        pieces: all of them, in the order in which they are done in one process.
    """

    build: Build
    axes: dict[str, Axis]
    traced: tuple[str, ...]
    given: dict[str, PyTree]
    programs: list[Program]
    steps: np.ndarray
    record_every: int
    piece_size: int
    pieces: list[Piece]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the grid."""
        return tuple(axis.size for axis in self.axes.values())

    @property
    def traced_axes(self) -> dict[str, Axis]:
        """Those whose values are arguments of a program."""
        return {name: self.axes[name] for name in self.traced}

    def points(self, piece: Piece) -> dict[str, PyTree]:
        """Return the values of a piece's runs; the last is repeated up to the piece's size."""
        places = np.arange(piece.begin, piece.begin + self.piece_size)
        return points(self.traced_axes, np.minimum(places, piece.end - 1))


def results(carry: Carry, records: PyTree) -> PyTree:
    """Return what is kept of runs: state, when they stopped or failed, and their records."""
    end = carry.standing
    return end.state, end.stopped_at, end.unsolved_at, records


def make_plan(
    build: Build,
    axes: Mapping[str, Any],
    fixed: Mapping[str, Any],
    *,
    num_steps: int,
    piece_size: int | None,
    digests: bool,
) -> Plan:
    """Return what a sweep is to do.

    Values are traced where ``build`` can take them so. An axis of numbers that it can't, a width
    say, is run value by value, each with a program of its own.

    Raises:
        ValueError: an argument is not allowed; whatever ``build`` raises.
    """
    both = sorted(set(axes) & set(fixed))
    if both:
        raise ValueError(f"a name must be in axes or in fixed, not in both: {', '.join(both)}")
    grid = read_axes(axes)
    # Their places are 8 bytes for each axis, and 8 more.
    _check_runs(tuple(axis.size for axis in grid.values()), 8 * (1 + len(grid)))
    if piece_size is not None:
        piece_size = check_count(piece_size, argument="piece_size")
    traced, first = _traceable(build, grid, fixed, digests=digests)
    given = {name: value for name, value in _arrays(fixed).items() if name in traced}
    chosen = {name: fixed[name] for name in fixed if name not in traced}
    of_grid = tuple(name for name in grid if name in traced)
    point = {name: _first(grid[name].arrays) for name in of_grid} | given
    tried = [first]
    static = {name: axis for name, axis in grid.items() if name not in traced}
    for values in itertools.islice(combinations(static), 1, None):
        with _at(values):
            tried.append(_program(build, values | chosen, point, digests=digests))
    programs, paces = [program for program, _ in tried], [pace for _, pace in tried]
    if len(set(paces)) > 1:
        raise ValueError(
            f"record_every must be the same for all runs of a sweep, got {sorted(set(paces))}"
        )
    shape = tuple(axis.size for axis in grid.values())
    _check_room(programs, shape, check_steps(num_steps), paces[0])
    steps = record_steps(num_steps, paces[0])
    runs = math.prod(grid[name].size for name in of_grid)
    # Pieces of one size, as even as can be, so that one program serves for all.
    count = 1 if piece_size is None else -(-runs // piece_size)
    size = -(-runs // count)
    pieces = [
        Piece(place, begin, min(begin + size, runs))
        for place in range(len(programs))
        for begin in range(0, runs, size)
    ]
    return Plan(build, grid, of_grid, given, programs, steps, paces[0], size, pieces)


def _arrays(fixed: Mapping[str, Any]) -> dict[str, PyTree]:
    """Return the fixed values that may be traced, as arrays."""

    def is_array(leaf: Any) -> bool:
        return hasattr(leaf, "dtype") or isinstance(leaf, int | float | complex)

    return strong({n: v for n, v in fixed.items() if all(map(is_array, jax.tree.leaves(v)))})


def _first(arrays: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: leaf[0], arrays)


def _traceable(
    build: Build, grid: Mapping[str, Axis], fixed: Mapping[str, Any], *, digests: bool
) -> tuple[set[str], tuple[Program, int]]:
    """Return the names of what ``build`` takes traced, and the first program.

    All that is an array, as a rule. Where that fails, and plain numbers do, each is tried alone.
    """
    given = _arrays(fixed)
    arrays = {n: _first(axis.arrays) for n, axis in grid.items() if axis.arrays is not None} | given
    plain = {name: axis.objects[0] for name, axis in grid.items() if axis.objects is not None}
    plain |= {name: value for name, value in fixed.items() if name not in given}
    plain |= {name: fixed[name] for name, value in given.items() if _is_plain(value)}

    def program(traced: set[str]) -> tuple[Program, int]:
        kept = {name: value for name, value in plain.items() if name not in traced}
        point = {name: value for name, value in arrays.items() if name in traced}
        return _program(build, kept, point, digests=digests)

    def serves(traced: set[str]) -> bool:
        try:
            program(traced)
        except Exception:
            return False
        return True

    everything, free = set(arrays), set(arrays) & set(plain)
    with _at({name: plain[name] for name in grid if name not in arrays}):
        try:
            return everything, program(everything)
        except Exception:
            bound = everything - free
            # The fault is another one, unless it goes when nothing is traced that need not be.
            if not free or not serves(bound):
                raise
            traced = bound | {name for name in free if serves(bound | {name})}
            if traced == everything:
                raise
            return traced, program(traced)


def _is_plain(value: Any) -> bool:
    number = jax.tree_util.all_leaves([value]) and value.ndim == 0
    return number and getattr(value.dtype, "kind", "V") in "iufb"


def _program(
    build: Build, chosen: dict[str, Any], point: PyTree, *, digests: bool
) -> tuple[Program, int]:
    """Trace a run, so that what is wrong with it is said before compilation, and ask its pace."""
    paces: list[int] = []
    carried: list[int] = []

    def whole(point: PyTree) -> tuple[PyTree, PyTree]:
        simulation = build(**point, **chosen)
        paces.append(simulation.record_every)
        carry, record = simulation.start()  # traces a step as well, for the shapes of its Info
        carried.append(size_of(carry))
        # The steps are part of what a folder's pieces are of; shapes are known without them.
        return results(carry, record), simulation.advance(carry) if digests else None

    if not digests:
        return Program(chosen, jax.eval_shape(whole, point)[0], "", carried[0]), paces[0]
    traced, shapes = jax.make_jaxpr(whole, return_shape=True)(point)
    # Functions that a derivative rule names are printed with their addresses.
    text = hashlib.sha256(_ADDRESS.sub("", str(traced.jaxpr)).encode()).hexdigest()
    digest = hash_of(
        {"text": np.frombuffer(bytes.fromhex(text), np.uint8), "consts": plain_keys(traced.consts)}
    )
    return Program(chosen, shapes[0], digest, carried[0]), paces[0]


def plain_keys(tree: PyTree) -> PyTree:
    """Return the tree with the numbers that typed keys are made of in their places."""

    def plain(leaf: Any) -> Any:
        is_key = jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return jax.random.key_data(leaf) if is_key else leaf

    return jax.tree.map(plain, tree)


@contextmanager
def _at(values: Mapping[str, Any]) -> Iterator[None]:
    """Say in a ``ValueError`` at which values of the axes it was met."""
    try:
        yield
    except ValueError as error:
        if not values:
            raise
        said = ", ".join(f"{name} = {describe(value)}" for name, value in values.items())
        raise ValueError(f"{error} (at {said})") from error


def is_float64() -> bool:
    """Return whether numbers are in float64 where this is called."""
    return jax.numpy.result_type(float) == np.float64


def _check_runs(shape: tuple[int, ...], each: float) -> None:
    names = " × ".join(map(str, shape)) or "1"
    check_memory(
        math.prod(shape),
        lambda runs: each * runs,
        argument=f"axes of {names} values must make runs,",
        what=f"runs of {each:.3g} bytes",
    )


def _check_room(programs: list[Program], shape: tuple[int, ...], num_steps: int, pace: int) -> None:
    """Raise a ``ValueError`` where results, and twice more while they are joined, would not fit."""
    largest = max(size_of(jax.eval_shape(plain_keys, each.shapes[:3])) for each in programs)
    _check_runs(shape, 2 * max(largest, *(each.carried for each in programs)))
    runs = math.prod(shape) // len(programs)
    records = sum(size_of(jax.eval_shape(plain_keys, each.shapes[3])) for each in programs)
    check_records(num_steps, pace, 3 * runs * records, on_host=True)
