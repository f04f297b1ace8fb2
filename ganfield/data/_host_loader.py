"""Batches of sets that do not fit on the device: drawn on the host, ahead of their use."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import Batch
from ganfield.checks import check_count
from ganfield.data._checks import check_examples_fit
from ganfield.data._images import Images, to_float
from ganfield.data._points import Points

Drawn: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]
"""Pixels as bytes (or own numbers), latent variables, labels, and the data of keys."""


class HostLoader:
    """Draws batches on the host, where `batch_sampler` draws them in-graph.

    The batch of a step is a pure function of the seed and the step: NumPy's Philox generator, which
    is made for counters, is keyed by both. So the position at which a run resumes is its step, and
    neither the number of threads nor the length of chunks changes a batch. The batches are others
    than `batch_sampler` draws, of the same distribution: with replacement, latent variables
    Gaussian.

    Args:
        images: the set, or `Points`; its arrays may be memory-mapped (`memory_mapped`).
        batch_size: how many examples of each.
        latent_size: features of one latent variable.
        seed: of all batches, an integer ≥ 0 of at most 64 bits.
        num_batches: how many a step uses, as `Method.num_batches` says; if more than one, they are
            stacked along a first axis.
        labels: whether a batch has the real examples' labels.
        keys: whether a batch has a typed key for each example.

    Raises:
        ValueError: a count or the seed is wrong, the set is neither of these, or there are no
            labels to give.

    Example:
        >>> import ganfield as gf
        >>> loader = gf.data.HostLoader(gf.data.digits(), batch_size=64, latent_size=16, seed=0)
        >>> loader.batch(1000).real.shape
        (64, 8, 8, 1)
        >>> chunk = next(loader.stream(1000, chunk=10))
        >>> chunk.real.shape, bool((chunk.real[0] == loader.batch(1000).real).all())
        ((10, 64, 8, 8, 1), True)
    """

    def __init__(
        self,
        images: Images | Points,
        *,
        batch_size: int,
        latent_size: int,
        seed: int,
        num_batches: int = 1,
        labels: bool = False,
        keys: bool = False,
    ) -> None:
        if not isinstance(images, Images | Points):
            raise ValueError(
                f"images must be gf.data.Images, or gf.data.points(array), got {type(images)}"
            )
        if labels and images.labels is None:
            raise ValueError(f"labels=True needs images with labels, got {images!r}")
        self.images = images
        self.batch_size = check_count(batch_size, argument="batch_size")
        self.latent_size = check_count(latent_size, argument="latent_size")
        for shape in ((self.latent_size,), images.shape):
            check_examples_fit(self.batch_size, shape, argument="batch_size")
        self.seed = check_count(seed, argument="seed", minimum=0)
        if self.seed >= 1 << 64:
            raise ValueError(f"seed must be below 2⁶⁴, got {seed}")
        self.num_batches = check_count(num_batches, argument="num_batches")
        self._labels = images.labels if labels else None
        self._keys = keys
        # Float64 is enabled thread by thread; a loader keeps what held where it was made.
        self._float = jnp.result_type(float)
        self._key_shape = jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0))).shape

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, the same whenever it is asked for.

        Args:
            step: from 0.

        Raises:
            ValueError: ``step`` is no integer ≥ 0 of at most 64 bits.
        """
        step = check_count(step, argument="step", minimum=0)
        if step >= 1 << 64:
            raise ValueError(f"step must be below 2⁶⁴, got {step}")
        return self._to_device(self._draw(step))

    def stream(
        self, start_step: int = 0, chunk: int = 1, *, num_threads: int = 1, prefetch: int = 2
    ) -> Iterator[Batch]:
        """Yield the batches of the steps from ``start_step``, ``chunk`` at a time, without end.

        Each is stacked along a first axis of length ``chunk``, for a scan over steps. Threads
        prepare what comes next while the device computes; closing the iterator, or dropping it,
        ends them. What goes wrong in a thread is raised here, at its place in the order.

        Args:
            start_step: the first step.
            chunk: steps at a time.
            num_threads: that draw.
            prefetch: how many chunks are held ready at most.

        Returns:
            An iterator of `Batch`.

        Raises:
            ValueError: a count is wrong.
        """
        start_step = check_count(start_step, argument="start_step", minimum=0)
        chunk = check_count(chunk, argument="chunk")
        num_threads = check_count(num_threads, argument="num_threads")
        prefetch = check_count(prefetch, argument="prefetch")
        return self._stream(start_step, chunk, num_threads, prefetch)

    def _stream(
        self, start_step: int, chunk: int, num_threads: int, prefetch: int
    ) -> Iterator[Batch]:
        ready: deque[Future[Batch]] = deque()
        pool = ThreadPoolExecutor(num_threads, thread_name_prefix="ganfield-loader")
        try:
            while True:
                # One more than stay: the first of them is for now.
                while len(ready) <= prefetch:
                    ready.append(pool.submit(self._chunk, start_step, chunk))
                    start_step += chunk
                yield ready.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _chunk(self, start_step: int, chunk: int) -> Batch:
        try:
            drawn = [self._draw(step) for step in range(start_step, start_step + chunk)]
            return self._to_device(jax.tree.map(lambda *leaves: np.stack(leaves), *drawn))
        except Exception as error:
            error.add_note(f"while loading steps {start_step} to {start_step + chunk - 1}")
            raise

    def _draw(self, step: int) -> Drawn:
        """Return the batch of a step, in NumPy."""
        # Not a list: NumPy would keep 53 bits of numbers beyond 2⁶³.
        counters = np.array([self.seed, step], np.uint64)
        generator = np.random.Generator(np.random.Philox(key=counters))
        size = self.num_batches * self.batch_size
        index = generator.integers(len(self.images), size=size)
        latent = generator.standard_normal((size, self.latent_size), np.dtype(self._float))
        pixels = np.asarray(_examples(self.images)[index])
        label = None if self._labels is None else self._labels[index]
        if isinstance(self.images, Images) and self.images.flip:
            mirrored = generator.random((size, 1, 1, 1)) < 0.5
            pixels = np.where(mirrored, pixels[:, :, ::-1], pixels)
        words = None
        if self._keys:
            words = generator.integers(1 << 32, size=(size, *self._key_shape), dtype=np.uint32)
        drawn = (pixels, latent, label, words)
        if self.num_batches == 1:
            return drawn
        stacked = (self.num_batches, self.batch_size)
        return jax.tree.map(lambda leaf: leaf.reshape(stacked + leaf.shape[1:]), drawn)

    def _to_device(self, drawn: Drawn) -> Batch:
        """Bytes travel, a quarter of the floats that they become on the device."""
        with jax.enable_x64(self._float == jnp.float64):
            pixels, latent, label, words = jax.device_put(drawn)
            key = None if words is None else jax.random.wrap_key_data(words)
            is_bytes = isinstance(self.images, Images)
            real = to_float(pixels) if is_bytes else pixels.astype(self._float)
            return Batch(real, latent, label, key)


def _examples(given: Images | Points) -> Any:
    return given.pixels if isinstance(given, Images) else given.values
