"""Runs that are done at once: one ``vmap``ped program, spread over the devices of this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from ganfield._compiled import compiled
from ganfield._types import PyTree
from ganfield.checks import leading_size
from ganfield.program import Keeping
from ganfield.simulate import Carry
from ganfield.sweeps._plan import Build, Plan, plain_keys, results


class Done(NamedTuple):
    """What became of the runs of a piece.

    Attributes:
        leaves: of `ganfield.sweeps._plan.results`, as NumPy arrays. Those of the records begin with
            the axis of the records, and then, as all others, with that of the runs.
        seconds: wall-clock of the runs without compilation.
        compile_seconds: wall-clock of tracing and compiling.
    """

    leaves: list[np.ndarray]
    seconds: float
    compile_seconds: float


class PieceInterrupted(KeyboardInterrupt):
    """Ctrl-C during a piece. What was recorded until then is in ``done``."""

    def __init__(self, done: Done):
        super().__init__()
        self.done = done


class Runner:
    """Runs the pieces of one program, which is compiled for the first of them.

    Args:
        build: ``build(**point) -> Simulation``.
        chosen: the values that are part of the program.
        given: the traced ones that are the same for every run.
        steps: at which steps something is recorded.
        record_every: how many steps from record to record.
    """

    def __init__(
        self,
        build: Build,
        chosen: dict[str, Any],
        given: dict[str, PyTree],
        steps: np.ndarray,
        record_every: int,
    ):
        self._build = partial(build, **chosen) if chosen else build
        self._given = given
        self._steps = steps
        self._every = record_every
        # A last, shorter way needs no program of its own: one loop of a traced length serves all.
        # A fixed length lets an accelerator loop without asking the host, so it stays where it can.
        self._even = bool(np.all(np.diff(steps) == record_every))
        self._start: Callable[..., Any] | None = None
        self._advance: Callable[..., Any] | None = None

    def __call__(
        self,
        points: dict[str, PyTree],
        count: int,
        progress: Callable[[int, PyTree], None] | None = None,
    ) -> Done:
        """Return what became of runs.

        Args:
            points: a value for each of them along the first axis of the leaves; {} for one run.
            count: how many they are. The points after those only fill up the piece.
            progress: ``progress(step, record)``, called after every record.

        Raises:
            PieceInterrupted: Ctrl-C after the first record.
        """
        size = leading_size(points) if points else None
        sharding = _sharding(size) if size is not None else None
        if sharding is not None:
            points = _spread(points, sharding)

        def on_host(tree: PyTree) -> PyTree:
            tree = jax.device_get(tree)
            return tree if size is None else jax.tree.map(lambda leaf: leaf[:count], tree)

        began = time.perf_counter()
        given = self._given
        with jax.debug_nans(False):  # What is unknown before the first step is NaN.
            if self._start is None:
                start = partial(_start, self._build, sharding)
                self._start = compiled(start, points, given, name="_start")
            carry, first = self._start(points, given)
        length = None if self._even else jnp.int32(self._every)
        if self._advance is None:
            advance = partial(_advance, self._build, sharding)
            self._advance = compiled(advance, carry, points, given, length, name="_advance")
        records = [on_host(first)]
        begin = time.perf_counter()

        def collect() -> Done:
            kept = jax.tree.map(lambda *leaves: np.stack(leaves), *map(plain_keys, records))
            whole = plain_keys(on_host(results(carry, ())))[:3]
            leaves = [np.asarray(leaf) for leaf in jax.tree.leaves((*whole, kept))]
            return Done(leaves, time.perf_counter() - begin, begin - began)

        try:
            with Keeping():
                for step, steps in zip(self._steps[1:], np.diff(self._steps), strict=True):
                    length = None if self._even else jnp.int32(steps)
                    after, kept = self._advance(carry, points, given, length)
                    # Ctrl-C surfaces while this waits; state and records then stay those before.
                    records.append(on_host(kept))
                    carry = after
                    if progress is not None:
                        progress(int(step), records[-1])
                    if np.all(np.asarray(carry.standing.stopped_at) >= 0):
                        break
        except KeyboardInterrupt as interrupt:
            raise PieceInterrupted(collect()) from interrupt
        return collect()


def runner_of(plan: Plan, program: int) -> Runner:
    """Return what runs the pieces of a program."""
    chosen = plan.programs[program].chosen
    return Runner(plan.build, chosen, plan.given, plan.steps, plan.record_every)


def _start(
    build: Build, sharding: NamedSharding | None, points: PyTree, given: PyTree
) -> tuple[Carry, PyTree]:
    def start(point: PyTree) -> tuple[Carry, PyTree]:
        return build(**point, **given).start()

    return start(points) if sharding is None else _mapped(start, sharding)(points)


def _advance(
    build: Build,
    sharding: NamedSharding | None,
    carry: Carry,
    points: PyTree,
    given: PyTree,
    length: jax.Array | None,
) -> tuple[Carry, PyTree]:
    def advance(carry: Carry, point: PyTree) -> tuple[Carry, PyTree]:
        simulation = build(**point, **given)
        return simulation.advance(carry) if length is None else simulation.advance(carry, length)

    if sharding is None:
        return advance(carry, points)
    return _mapped(advance, sharding)(carry, points)


def _mapped(function: Callable[..., PyTree], sharding: NamedSharding) -> Callable[..., PyTree]:
    """Return the function of many runs, its results placed as its arguments are.

    Left to itself XLA may place the carry elsewhere, and the second call would compile again.
    """

    def mapped(*args: PyTree) -> PyTree:
        return jax.lax.with_sharding_constraint(jax.vmap(function)(*args), sharding)

    return mapped


def _sharding(size: int) -> NamedSharding:
    """Return the placement of so many runs over the devices."""
    devices = jax.local_devices()[:size]
    mesh = jax.make_mesh((len(devices),), ("run",), (AxisType.Auto,), devices=devices)
    return NamedSharding(mesh, PartitionSpec("run"))


def _spread(points: PyTree, sharding: NamedSharding) -> PyTree:
    """Place the points, repeating the last one until they divide evenly over the devices."""
    size, count = leading_size(points) or 0, sharding.num_devices
    padded = np.minimum(np.arange(-(-size // count) * count), size - 1)
    return jax.device_put(jax.tree.map(lambda leaf: leaf[padded], points), sharding)
