"""Pairs of examples that belong together, for games that translate one into the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._registry import Registry
from ganfield._types import Batch
from ganfield.checks import check_count
from ganfield.data._checks import check_examples_fit
from ganfield.data._images import Images, to_float
from ganfield.data._points import Points


@dataclass(frozen=True, eq=False)
class Pairs:
    """Examples, and what each is to be made from; `pairs` makes it.

    It is a pytree, whose leaves are the arrays of both sets.

    Attributes:
        sources: what is translated, `Images` or `Points`.
        images: what it is translated to, one for each.
    """

    sources: Any
    images: Any

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"Pairs({self.sources!r} → {self.images!r})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an example that is to be made."""
        return tuple(self.images.shape)

    @property
    def labels(self) -> Any:
        """The labels of the examples, or None."""
        return self.images.labels

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        """Return ``size`` examples without their sources."""
        return self.sample_pairs(key, size)[1]

    def sample_pairs(self, key: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
        """Return ``size`` sources and what belongs to each, drawn independently of one another."""
        size = check_examples_fit(size, self.shape)
        index = jax.random.randint(key, (size,), 0, len(self))
        return _at(self.sources, index), _at(self.images, index)

    def to_device(self, device: jax.Device | jax.sharding.Sharding | None = None) -> Pairs:
        """Return the pairs with their arrays on a device, or spread as a sharding says."""
        return jax.device_put(self, device)


jax.tree_util.register_dataclass(Pairs, data_fields=("sources", "images"), meta_fields=())


def _at(examples: Any, index: jax.Array) -> jax.Array:
    if isinstance(examples, Images):
        return to_float(jnp.asarray(examples.pixels)[index])
    return jnp.asarray(examples.values)[index].astype(jnp.result_type(float))


def pairs(sources: Images | Points, images: Images | Points) -> Pairs:
    """Return pairs of the examples at the same places of two sets.

    Args:
        sources: what is translated.
        images: what it is translated to: as many, of the same height and width. Channels, and the
            features of points, may differ.

    Raises:
        ValueError: these are no such sets, not as many or of other sides; or one of them is
            mirrored at random (``flip``), which would tear pairs apart.

    Example:
        >>> import ganfield as gf
        >>> large, small = gf.data.digits(size=16), gf.data.digits(size=8)
        >>> gf.data.pairs(small, large)
        Traceback (most recent call last):
        ...
        ValueError: sources and images must have the same sides, got (8, 8) and (16, 16)
    """
    for argument, given in (("sources", sources), ("images", images)):
        if not isinstance(given, Images | Points):
            raise ValueError(f"{argument} must be gf.data.Images or Points, got {given!r:.80}")
        if getattr(given, "flip", False):
            raise ValueError(f"{argument} must not be mirrored at random, got flip=True")
    if len(sources) != len(images):
        raise ValueError(
            f"sources and images must be as many, got {len(sources)} and {len(images)}"
        )
    if sources.shape[:-1] != images.shape[:-1]:
        raise ValueError(
            "sources and images must have the same sides, got "
            f"{sources.shape[:-1]} and {images.shape[:-1]}"
        )
    return Pairs(sources, images)


def quarter(images: Images) -> Pairs:
    """Return images with a quarter of their resolution as what they are to be made from.

    Each source is the image with the means of its 4 × 4 blocks in their places.

    Raises:
        ValueError: these are no images, or 4 does not divide their sides.

    Example:
        >>> import ganfield as gf
        >>> gf.data.quarter(gf.data.digits(size=16)).sources.pixels[0, :8:4, :8:4, 0]
        array([[ 10, 164],
               [ 37, 108]], dtype=uint8)
    """
    pixels = _pixels(images)
    count, height, width, channels = pixels.shape
    if height % 4 or width % 4:
        raise ValueError(f"images must have sides that 4 divides, got {images.shape}")
    blocks = pixels.reshape(count, height // 4, 4, width // 4, 4, channels).astype(np.float32)
    means = np.floor(blocks.mean(axis=(2, 4)) + 0.5).astype(np.uint8)
    return pairs(_like(images, means.repeat(4, axis=1).repeat(4, axis=2)), images)


def edges(images: Images) -> Pairs:
    """Return images with their edges as what they are to be made from.

    A source is white where the gradient of the mean of the channels, by differences of the
    neighbours on both sides, has at least half of its largest length in that image.

    Raises:
        ValueError: these are no images.

    Example:
        >>> import numpy as np, ganfield as gf
        >>> np.unique(gf.data.edges(gf.data.digits()).sources.pixels)
        array([  0, 255], dtype=uint8)
    """
    grey = np.pad(_pixels(images).mean(axis=3), ((0, 0), (1, 1), (1, 1)), mode="edge")
    length = np.hypot(
        grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1], grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
    )
    most = length.max(axis=(1, 2), keepdims=True)
    drawn = (length >= most / 2) & (most > 0)
    return pairs(_like(images, np.where(drawn, 255, 0).astype(np.uint8)[..., None]), images)


def _pixels(images: Images) -> np.ndarray:
    if not isinstance(images, Images):
        raise ValueError(f"images must be gf.data.Images, got {images!r:.80}")
    return np.asarray(images.pixels)


def _like(images: Images, pixels: np.ndarray) -> Images:
    return Images(pixels, images.labels, images.class_names, name=images.name, split=images.split)


PAIRS: Registry[Callable[[Images], Pairs]] = Registry("pairs", {"quarter": quarter, "edges": edges})
"""Name → what makes pairs of images."""


def pair_sampler(
    given: Pairs, *, batch_size: int, keys: bool = False
) -> Callable[[jax.Array], Batch]:
    """Return ``sample(key) -> Batch``: images, and as the generator's inputs their sources.

    It is a pytree, as what `batch_sampler` returns.

    Args:
        given: from `pairs`, `quarter` or `edges`.
        batch_size: how many.
        keys: whether a batch has a key for each example, for games that draw random numbers.

    Raises:
        ValueError: the size is no positive integer, or these are no pairs.

    Example:
        >>> import jax, ganfield as gf
        >>> sample = gf.data.pair_sampler(gf.data.edges(gf.data.digits()), batch_size=16)
        >>> batch = sample(jax.random.key(0))
        >>> batch.real.shape, batch.latent.shape
        ((16, 8, 8, 1), (16, 8, 8, 1))
    """
    if not isinstance(given, Pairs):
        raise ValueError(f"given must be gf.data.Pairs, such as gf.data.pairs makes, got {given!r}")
    batch_size = check_count(batch_size, argument="batch_size")
    check_examples_fit(batch_size, given.shape, argument="batch_size")
    return jax.tree_util.Partial(partial(_draw, batch_size, keys), given.to_device())


def _draw(batch_size: int, keys: bool, given: Pairs, key: jax.Array) -> Batch:
    of_pairs, of_keys = jax.random.split(key)
    source, image = given.sample_pairs(of_pairs, batch_size)
    return Batch(image, source, key=jax.random.split(of_keys, batch_size) if keys else None)
