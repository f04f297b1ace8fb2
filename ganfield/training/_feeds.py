"""Where the batches of the steps come from: drawn on the device, or streamed to it."""

import math
from collections.abc import Iterator
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from ganfield._types import Batch, PyTree
from ganfield.data import HostLoader
from ganfield.methods import Method
from ganfield.simulate.sharding import replicated, spread
from ganfield.training._quick import quick_jit
from ganfield.training._steps import Draw, drawing, picking

_CHUNK = 16  # steps whose batches travel to the device together


class Feed(Protocol):
    """What the loop asks for batches.

    Attributes:
        draw: how a step finds its batch in a source, inside the compiled program.
    """

    draw: Draw

    def source(self, step: int) -> tuple[PyTree, float]:
        """Return an argument of the program that serves this step, and up to which step."""

    def place(self, source: PyTree, mesh: Mesh) -> PyTree:
        """Return a source where a program that runs over a mesh wants it."""

    def batch(self, step: int) -> Batch:
        """Return a batch of its own for the metrics of a step."""

    def close(self) -> None:
        """Let go of threads."""


class DeviceFeed:
    """Batches drawn inside the program, by the key and the step.

    Args:
        sample: ``sample(key) -> batch``, a pytree.
        method: how many batches a step uses.
        key: of the steps' batches.
        metrics_key: of the batches for metrics.
    """

    def __init__(self, sample: Any, method: Method, key: jax.Array, metrics_key: jax.Array):
        self.draw = drawing(method)
        self._source = (sample, key)
        self._metrics_key = metrics_key
        self._sample = quick_jit(lambda sample, key, step: sample(jax.random.fold_in(key, step)))

    def source(self, step: int) -> tuple[PyTree, float]:
        """Return the sampler and the key, which serve every step."""
        return self._source, math.inf

    def place(self, source: PyTree, mesh: Mesh) -> PyTree:
        """Return the source with a copy on every device: the examples are small."""
        return replicated(source, mesh)

    def batch(self, step: int) -> Batch:
        """Return the batch for the metrics of a step."""
        return self._sample(self._source[0], self._metrics_key, step)

    def close(self) -> None:
        """Do nothing: there are no threads."""


class HostFeed:
    """Batches that a loader's threads stream to the device, by its seed and the step.

    Args:
        loader: of the steps' batches.
        method: how many batches a step uses.
        metrics_loader: of the batches for metrics.
    """

    def __init__(self, loader: HostLoader, method: Method, metrics_loader: HostLoader):
        self.draw: Draw = picking
        # Of the examples, after the steps and the batches of one step.
        self._axis = 1 if method.num_batches == 1 else 2
        self._loader = loader
        self._metrics_loader = metrics_loader
        self._stream: Iterator[Batch] | None = None
        self._first = 0
        self._source: PyTree = None

    def source(self, step: int) -> tuple[PyTree, float]:
        """Return the batches of some steps, the asked one among them."""
        if self._stream is None:
            self._stream = self._loader.stream(step, _CHUNK)
            self._next(step)
        while step >= self._first + _CHUNK:
            self._next(self._first + _CHUNK)
        return self._source, self._first + _CHUNK

    def place(self, source: PyTree, mesh: Mesh) -> PyTree:
        """Return the source with every device's share of the batches on that device."""
        first, batches = source
        return replicated(first, mesh), spread(batches, mesh, axis=self._axis)

    def _next(self, first: int) -> None:
        if self._stream is not None:
            self._first, self._source = first, (jnp.int32(first), next(self._stream))

    def batch(self, step: int) -> Batch:
        """Return the batch for the metrics of a step."""
        return self._metrics_loader.batch(step)

    def close(self) -> None:
        """End the loader's threads."""
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()
