"""A set of images, drawn from in-graph, and the two scales of its pixels."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._memory import memory_of
from ganfield.data._checks import check_examples_fit
from ganfield.data._points import Points

Pixels = TypeVar("Pixels", np.ndarray, jax.Array)


@dataclass(frozen=True, eq=False)
class Images:
    """A set of images with or without labels.

    It is a pytree, whose leaves are the pixels and the labels. Make it, or a sampler that
    `ganfield.data.batch_sampler` made of it, an *argument* of a jitted function: an array that a
    jitted function closes over is written into the program as a constant, which for CIFAR-10 costs
    seconds and several copies of the set at every compilation.

    Attributes:
        pixels: unsigned bytes, shape ``(n, height, width, channels)``; NumPy's when loaded (they
            may be memory-mapped), a device's after `to_device`.
        labels: classes from 0, int32 of shape ``(n,)``, or None.
        class_names: what the classes are called, or empty.
        name: what the set is called.
        split: which part of it this is, ``"train"``, ``"test"`` or ``"all"``.
        flip: whether every draw is mirrored left to right with probability ½;
            ``dataclasses.replace(images, flip=True)`` turns it on.

    Raises:
        ValueError: pixels or labels have another shape or dtype, or a label has no name.

    Example:
        >>> import jax, ganfield as gf
        >>> images = gf.data.digits()
        >>> len(images), images.shape
        (1442, (8, 8, 1))
        >>> images.sample(jax.random.key(0), 64).shape
        (64, 8, 8, 1)
    """

    pixels: Any
    labels: Any = None
    class_names: tuple[str, ...] = ()
    name: str = field(default="images", kw_only=True)
    split: str = field(default="train", kw_only=True)
    flip: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        _check_pixels(self.pixels)
        if self.labels is not None:
            _check_labels(self.labels, len(self), len(self.class_names))

    def __len__(self) -> int:
        return int(self.pixels.shape[0])

    def __repr__(self) -> str:
        height, width, channels = self.shape
        labels = "without labels" if self.labels is None else "with labels"
        return (
            f"Images({self.name}, {self.split}: {len(self)} of {height}×{width}×{channels}, "
            f"{labels})"
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        height, width, channels = self.pixels.shape[1:]
        return int(height), int(width), int(channels)

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        """Return ``size`` images as floats in [−1, 1], shape ``(size, *shape)``.

        Each is drawn from the whole set, independently of the others, so an image may come twice.
        Drawing without replacement would need a permutation for every epoch and a place in it; as
        it is the key alone says what is drawn, and a run resumes from its step alone.

        Args:
            key: a typed key.
            size: how many.

        Raises:
            ValueError: ``size`` is no positive integer.
        """
        return self._draw(key, size)[0]

    def sample_with_labels(self, key: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
        """Return the images that `sample` returns for this key, and their labels.

        Raises:
            ValueError: the set has no labels, or ``size`` is no positive integer.
        """
        if self.labels is None:
            raise ValueError(f"{self!r} has no labels to sample")
        images, index = self._draw(key, size)
        return images, jnp.asarray(self.labels)[index]

    def to_device(self, device: jax.Device | jax.sharding.Sharding | None = None) -> "Images":
        """Return the set with its arrays on a device, or spread as a sharding says.

        Args:
            device: where; the default device if None.

        Example:
            >>> import ganfield as gf
            >>> type(gf.data.digits().to_device().pixels)
            <class 'jaxlib...ArrayImpl'>
        """
        return jax.device_put(self, device)

    def _draw(self, key: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
        size = check_examples_fit(size, self.shape, copies=2)
        key_index, key_flip = jax.random.split(key)
        index = jax.random.randint(key_index, (size,), 0, len(self))
        pixels = jnp.asarray(self.pixels)[index]
        if self.flip:
            mirrored = jax.random.bernoulli(key_flip, shape=(size, 1, 1, 1))
            pixels = jnp.where(mirrored, pixels[:, :, ::-1], pixels)
        return to_float(pixels), index


_LEAVES = ("pixels", "labels")
_REST = ("class_names", "name", "split", "flip")


def _flatten(images: Images) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    return tuple(getattr(images, name) for name in _LEAVES), tuple(
        getattr(images, name) for name in _REST
    )


def _flatten_with_keys(images: Images) -> tuple[Any, tuple[Any, ...]]:
    leaves, rest = _flatten(images)
    keys = map(jax.tree_util.GetAttrKey, _LEAVES)
    return tuple(zip(keys, leaves, strict=True)), rest


def _unflatten(rest: tuple[Any, ...], leaves: Any) -> Images:
    # Without the checks that `register_dataclass` would make: transformations of JAX put batches of
    # arrays, shapes and placeholders in the place of the arrays.
    images = object.__new__(Images)
    for name, value in zip((*_LEAVES, *_REST), (*leaves, *rest), strict=True):
        object.__setattr__(images, name, value)
    return images


jax.tree_util.register_pytree_with_keys(Images, _flatten_with_keys, _unflatten, _flatten)


def to_float(pixels: Pixels) -> Pixels:
    """Return bytes 0 … 255 as floats in [−1, 1], x/127.5 − 1, in JAX's default float.

    Args:
        pixels: unsigned bytes, of NumPy or JAX; the result is of the same kind.

    Example:
        >>> import numpy as np
        >>> to_float(np.array([0, 51, 255], np.uint8))
        array([-1. , -0.6,  1. ], dtype=float32)
    """
    xp: Any = jnp if isinstance(pixels, jax.Array) else np
    scale = xp.asarray(127.5, jnp.result_type(float))
    return xp.asarray(pixels, scale.dtype) / scale - 1


def to_uint8(images: Pixels) -> Pixels:
    """Return floats in [−1, 1] as bytes: clipped, then ⌊(x + 1)·127.5 + ½⌋, that is, half up.

    A NaN becomes 0.

    Args:
        images: floats, of NumPy or JAX; the result is of the same kind.

    Example:
        >>> import numpy as np
        >>> to_uint8(np.array([-3.0, -1.0, 0.0, 1.0]))
        array([  0,   0, 128, 255], dtype=uint8)
    """
    xp: Any = jnp if isinstance(images, jax.Array) else np
    # bfloat16 holds no 256 levels on [−1, 1] after the shift.
    wide = xp.asarray(images, xp.promote_types(images.dtype, np.float32))
    clipped = xp.clip(xp.where(xp.isnan(wide), -1, wide), -1, 1)
    return xp.floor((clipped + 1) * 127.5 + 0.5).astype(np.uint8)


def fits_on_device(
    images: Images | Points, *, device: jax.Device | None = None, share: float = 0.5
) -> bool:
    """Return whether the examples fit into a share of the memory that a device has left.

    If they do not, draw batches with `ganfield.data.HostLoader`.

    Args:
        images: the set, or `Points`.
        device: which; the default device if None. A CPU has the machine's free memory.
        share: of the free memory, in (0, 1]; the rest is the networks'.

    Raises:
        ValueError: the share is outside of (0, 1].

    Example:
        >>> import ganfield as gf
        >>> gf.data.fits_on_device(gf.data.digits())
        True
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1], got {share!r}")
    # `jax.devices()` would start every backend to find the default one.
    chosen = jax.local_devices()[0] if device is None else device
    examples, *_ = jax.tree.leaves(images)
    return bool(examples.nbytes <= share * memory_of(chosen))


def _check_pixels(pixels: Any) -> None:
    dtype, shape = _dtype_and_shape(pixels)
    if dtype != np.uint8 or len(shape) != 4 or 0 in shape:
        raise ValueError(
            "pixels must be unsigned bytes of shape (n, height, width, channels), at least one "
            f"image, got {_kind(pixels)}"
        )


def _check_labels(labels: Any, num_images: int, num_classes: int) -> None:
    dtype, shape = _dtype_and_shape(labels)
    if dtype != np.int32 or shape != (num_images,):
        raise ValueError(
            f"labels must be int32 of shape ({num_images},), one for each image, "
            f"got {_kind(labels)}"
        )
    # Traced ones are not known yet, and what other processes hold never is.
    if not isinstance(labels, np.ndarray | jax.Array) or isinstance(labels, jax.core.Tracer):
        return
    if not getattr(labels, "is_fully_addressable", True):
        return
    values = np.asarray(labels)
    low, high = int(values.min()), int(values.max())
    if low < 0 or (num_classes and high >= num_classes):
        allowed = f"from 0 to {num_classes - 1}" if num_classes else "≥ 0"
        raise ValueError(f"labels must be {allowed}, got labels from {low} to {high}")


def _dtype_and_shape(array: Any) -> tuple[Any, tuple[int, ...]]:
    """Return what arrays, memory maps, tracers and JAX's descriptions of arrays have alike."""
    return getattr(array, "dtype", None), tuple(getattr(array, "shape", ()))


def _kind(value: Any) -> str:
    dtype, shape = _dtype_and_shape(value)
    return type(value).__name__ if dtype is None else f"{dtype} of shape {shape}"
