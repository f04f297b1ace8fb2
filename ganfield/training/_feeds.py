"""Where the batches of the steps come from: drawn on the device, or streamed to it."""

import math
from collections.abc import Iterator
from typing import Protocol

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ganfield._types import Batch, PyTree
from ganfield.configuration import Built, batch_sizes, random_keys
from ganfield.data import HostLoader, Images, Points, fits_on_device
from ganfield.methods import Method
from ganfield.runs._quick import quick_jit
from ganfield.simulate import step_batch
from ganfield.simulate.sharding import replicated, spread

_CHUNK = 16  # steps whose batches travel to the device together
_METRICS_SEED = 2**31  # Seeds are below it.


class Feed(Protocol):
    """What the loop asks for batches.

    A source is an argument of the compiled program; `draw` finds a step's batch in it.
    """

    def source(self, step: int) -> tuple[PyTree, float]:
        """Return the source that serves this step, and up to which step."""

    def draw(self, source: PyTree, step: jax.Array) -> PyTree:
        """Return what a step sees; called in the compiled program."""

    def measured(self, step: int) -> Batch:
        """Return the batch that the metrics of a step are measured on."""

    def close(self) -> None:
        """Let go of threads."""


def storage_of(storage: str, examples: object) -> str:
    """Return where the examples are kept, "device" or "host", where "auto" leaves it open.

    Raises:
        ValueError: the storage is not for these examples.
    """
    if not isinstance(examples, Images | Points):
        if storage == "host":
            raise ValueError(
                "data.storage=host is for images and own arrays; other examples are drawn in-graph"
            )
        return "device"
    if storage != "auto":
        return storage
    return "device" if fits_on_device(examples) else "host"


def open_feed(built: Built, mesh: Mesh | None = None) -> Feed:
    """Return the batches of a run, each spread over the devices of a mesh if there is one."""
    config, method = built.config, built.method
    if config.data.storage == "host":
        loader = HostLoader(
            built.data, seed=config.seed, num_batches=method.num_batches, **batch_sizes(config)
        )
        measured = HostLoader(built.data, seed=config.seed + _METRICS_SEED, **batch_sizes(config))
        return _HostFeed(loader, measured, method, mesh)
    return _DeviceFeed(built, mesh)


class _DeviceFeed:
    """Batches drawn inside the program, by the key and the step: those of `ganfield.simulation`."""

    def __init__(self, built: Built, mesh: Mesh | None):
        keys = random_keys(built.config)
        sample = built.sampler()
        self._method, self._mesh = built.method, mesh
        self._source = (sample, keys.batches)
        # The examples are small: every device has a copy.
        self._placed = self._source if mesh is None else replicated(self._source, mesh)
        self._metrics_key = keys.metrics
        self._sample = quick_jit(lambda sample, key, step: sample(jax.random.fold_in(key, step)))

    def source(self, step: int) -> tuple[PyTree, float]:
        """Return the sampler and the key, which serve every step."""
        return self._placed, math.inf

    def draw(self, source: PyTree, step: jax.Array) -> PyTree:
        """Return the batch that the key and the step say."""
        sample, key = source
        return _spread(step_batch(self._method, sample, key, step), self._method, self._mesh)

    def measured(self, step: int) -> Batch:
        """Return the batch of a key of its own and the step."""
        return self._sample(self._source[0], self._metrics_key, step)

    def close(self) -> None:
        """Do nothing: there are no threads."""


class _HostFeed:
    """Batches that a loader's threads stream to the device, by its seed and the step."""

    def __init__(self, loader: HostLoader, measured: HostLoader, method: Method, mesh: Mesh | None):
        self._loader, self._measured = loader, measured
        self._method, self._mesh = method, mesh
        self._stream: Iterator[Batch] | None = None
        self._first = 0
        self._source: PyTree = None

    def source(self, step: int) -> tuple[PyTree, float]:
        """Return the batches of some steps, the asked one among them."""
        if self._stream is None:
            self._stream = self._loader.stream(step, _CHUNK)
            self._next(self._stream, step)
        while step >= self._first + _CHUNK:
            self._next(self._stream, self._first + _CHUNK)
        return self._source, self._first + _CHUNK

    def draw(self, source: PyTree, step: jax.Array) -> PyTree:
        """Return the batch of a step from those that have arrived."""
        first, batches = source
        batch = jax.tree.map(lambda leaf: leaf[step - first], batches)
        return _spread(batch, self._method, self._mesh)

    def measured(self, step: int) -> Batch:
        """Return the batch that a loader of its own has for the step."""
        return self._measured.batch(step)

    def close(self) -> None:
        """End the loader's threads."""
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()

    def _next(self, stream: Iterator[Batch], first: int) -> None:
        start, batches = jnp.int32(first), next(stream)
        if self._mesh is not None:
            # The axis of the examples comes after those of the steps and of the moves of a step.
            axis = 1 if self._method.num_batches == 1 else 2
            start, batches = replicated(start, self._mesh), spread(batches, self._mesh, axis=axis)
        self._first, self._source = first, (start, batches)


def _spread(batch: PyTree, method: Method, mesh: Mesh | None) -> PyTree:
    """Return the same batch, spread over the devices of a mesh if there is one."""
    if mesh is None:
        return batch
    (axis,) = mesh.axis_names
    axes = (axis,) if method.num_batches == 1 else (None, axis)
    return jax.lax.with_sharding_constraint(batch, NamedSharding(mesh, PartitionSpec(*axes)))
