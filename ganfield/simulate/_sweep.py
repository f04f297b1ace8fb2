"""Many runs as one compiled program, watched from the host."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from ganfield._compiled import compiled
from ganfield._html import html_facts
from ganfield._tree import strong
from ganfield._types import PyTree
from ganfield.checks import leading_size
from ganfield.program import Keeping
from ganfield.simulate._scan import Run, outcome, record_steps
from ganfield.simulate._simulation import Carry, Simulation

Build = Callable[..., Simulation]


class Sweep(NamedTuple):
    """What became of many runs.

    Attributes:
        run: a `Run` on the host (NumPy). The leaves of ``state``, ``stopped_at`` and
            ``unsolved_at`` begin with the axes of the grid; the leaves of ``records`` begin with
            the axis of the records and then those of the grid.
        seconds: wall-clock of the runs without compilation.
        compile_seconds: wall-clock of tracing and compiling; of tracing alone where the same sweep
            was run before.
    """

    run: Run
    seconds: float
    compile_seconds: float

    def __repr__(self) -> str:
        shape = np.shape(self.run.stopped_at)
        runs = f"{' × '.join(map(str, shape))} runs" if shape else "1 run"
        return f"Sweep of {runs}: {outcome(self.run)}"

    def _repr_html_(self) -> str:
        facts = {"seconds": self.seconds, "compile_seconds": self.compile_seconds}
        return html_facts("Sweep", {"runs": repr(self), "records": self.run.records, **facts})


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C during a sweep. What was computed until then is in ``partial``, a `Sweep`."""

    def __init__(self, partial: Sweep):
        super().__init__(f"interrupted after step {int(partial.run.steps[-1])}")
        self.partial = partial


def sweep(
    build: Build,
    axes: Mapping[str, PyTree] | None = None,
    *,
    num_steps: int,
    fixed: Mapping[str, PyTree] | None = None,
    progress: Callable[[int, PyTree], None] | None = None,
) -> Sweep:
    """Run a simulation on a grid of seeds and hyper-parameters, compiled once.

    The runs of the grid are one ``vmap``ped program, spread over the devices that JAX sees (on a
    CPU, ``jax.config.update("jax_num_cpu_devices", cores)`` at the start of a program gives one for
    each core). The host calls it once for every record, so that it can show progress, stop when
    every run has become NaN or infinite, and keep what there is on Ctrl-C. A second call with
    other values of the same types and shapes compiles nothing: ``build`` is traced anew, so
    that it reads what there is now, and a program that was compiled before is used again.

    Args:
        build: ``build(**point) -> Simulation``, called with traced values: one from each axis, and
            those of ``fixed``. Any callable. What differs in anything but those values, in a
            constant that it reads say, is compiled anew; the last 64 programs are kept.
        axes: name → values along the first axis of an array (for seeds, of keys), or of every leaf
            of a pytree, whose leaves then change together. Several axes make a grid, in their
            order; none make a single run.
        num_steps: how many steps. The last is recorded too, where the simulation's
            ``record_every`` does not divide them.
        fixed: name → value, the same for every run. Traced too: another value of the same type
            and shape compiles nothing. Traced values cannot be checked: a negative γ passes here.
        progress: ``progress(step, record)``, called after every record with NumPy arrays.

    Returns:
        A `Sweep`.

    Raises:
        ValueError: an axis has no length; a name is in both; ``num_steps`` is not allowed; whatever
            `ganfield.simulation` raises. All of them before anything is compiled.
        SweepInterrupted: Ctrl-C; its ``partial`` holds all records until then.

    Example:
        >>> import jax.numpy as jnp, optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> def build(step_size, gamma):
        ...     method = gf.simultaneous(optax.sgd(step_size))
        ...     return gf.simulation(
        ...         method, gf.consensus(v, gamma=gamma), gf.Players(1.0, 0.0), record_every=100
        ...     )
        >>> grid = {"step_size": jnp.array([0.1, 0.2]), "gamma": jnp.array([0.0, 0.5, 1.0])}
        >>> gf.sweep(build, grid, num_steps=100).run.params.theta.shape
        (2, 3)
    """
    both = sorted(set(axes or {}) & set(fixed or {}))
    if both:
        raise ValueError(f"a name must be in axes or in fixed, not in both: {', '.join(both)}")
    points, shape = _grid(dict(axes or {}))
    given = strong(dict(fixed or {}))
    example = jax.tree.map(lambda leaf: leaf[0], points) if shape else {}
    every = _record_every(build, example | given)
    steps = record_steps(num_steps, every)
    # A last, shorter piece needs no program of its own: one loop of a traced length serves for all.
    # A fixed length lets an accelerator loop without asking the host, so it stays where it will do.
    even = num_steps % every == 0
    sharding = _sharding(math.prod(shape)) if shape else None
    if sharding is not None:
        points = _spread(points, sharding)

    def on_host(tree: PyTree) -> PyTree:
        tree = jax.device_get(tree)
        if not shape:
            return tree
        size = math.prod(shape)
        return jax.tree.map(lambda leaf: leaf[:size].reshape(shape + leaf.shape[1:]), tree)

    began = time.perf_counter()
    with jax.debug_nans(False):  # What is unknown before the first step is NaN.
        start = compiled(partial(_start, build, sharding), points, given, name="_start")
        carry, first = start(points, given)
    arguments = (carry, points, given, None if even else jnp.int32(every))
    advance = compiled(partial(_advance, build, sharding), *arguments, name="_advance")
    records = [on_host(first)]
    begin = time.perf_counter()

    def collect() -> Sweep:
        end = on_host(carry.standing)
        run = Run(
            state=end.state,
            steps=steps[: len(records)],
            records=jax.tree.map(lambda *leaves: np.stack(leaves), *records),
            stopped_at=end.stopped_at,
            unsolved_at=end.unsolved_at,
        )
        return Sweep(run, time.perf_counter() - begin, begin - began)

    try:
        with Keeping():
            for step, length in zip(steps[1:], np.diff(steps), strict=True):
                after, kept = advance(carry, points, given, None if even else jnp.int32(length))
                # Ctrl-C surfaces while this waits; state and records then stay those before.
                records.append(on_host(kept))
                carry = after
                if progress is not None:
                    progress(int(step), records[-1])
                if np.all(np.asarray(carry.standing.stopped_at) >= 0):
                    break
    except KeyboardInterrupt as interrupt:
        raise SweepInterrupted(collect()) from interrupt
    return collect()


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


def _record_every(build: Build, point: PyTree) -> int:
    """Trace a run, so that what is wrong with it is said before compilation, and ask its pace."""
    paces: list[int] = []

    def trace(point: PyTree) -> tuple[Carry, PyTree]:
        built = build(**point)
        paces.append(built.record_every)
        return built.start()  # traces a step as well, for the shapes of its Info

    jax.eval_shape(trace, point)
    return paces[0]


def _grid(axes: dict[str, PyTree]) -> tuple[dict[str, PyTree], tuple[int, ...]]:
    """Return every point of the grid, along the first axis of the leaves, and the grid's shape."""
    axes = {name: jax.tree.map(jnp.asarray, axis) for name, axis in axes.items()}
    sizes = []
    for name, axis in axes.items():
        size = leading_size(axis)
        if not size:
            raise ValueError(
                f"axes[{name!r}] must be an array (or a pytree of arrays) with at least one value "
                f"along the first axis, got {axis!r}"
            )
        sizes.append(size)
    indices = np.unravel_index(np.arange(math.prod(sizes)), sizes) if sizes else ()
    points = {
        name: jax.tree.map(lambda leaf, i=index: leaf[i], axis)
        for (name, axis), index in zip(axes.items(), indices, strict=True)
    }
    return points, tuple(sizes)


def _sharding(size: int) -> NamedSharding:
    """Return the placement of so many runs over the devices."""
    devices = jax.devices()[:size]
    mesh = jax.make_mesh((len(devices),), ("run",), (AxisType.Auto,), devices=devices)
    return NamedSharding(mesh, PartitionSpec("run"))


def _spread(points: PyTree, sharding: NamedSharding) -> PyTree:
    """Place the points, repeating the last one until they divide evenly over the devices."""
    size, count = leading_size(points) or 0, sharding.num_devices
    padded = np.minimum(np.arange(-(-size // count) * count), size - 1)
    return jax.device_put(jax.tree.map(lambda leaf: leaf[padded], points), sharding)
