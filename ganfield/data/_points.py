"""Own arrays as a distribution to imitate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import ArrayLike
from ganfield.checks import concrete
from ganfield.data._checks import check_examples_fit

_SOME = 1 << 22  # numbers that are looked at together


@dataclass(frozen=True, eq=False)
class Points:
    """Examples in an array, and labels if they have any; `points` makes one.

    It is a pytree, whose leaves are the examples and the labels. As with `Images`, make a sampler
    of it an argument of what you compile.

    Attributes:
        values: the examples, along the first axis.
        labels: their classes from 0, int32 of shape ``(n,)``, or None.
    """

    values: Any
    labels: Any = None

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def __repr__(self) -> str:
        labels = "without labels" if self.labels is None else "with labels"
        return f"Points({len(self)} of shape {self.shape}, {labels})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an example."""
        return tuple(self.values.shape[1:])

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        """Return ``size`` examples in JAX's default float, shape ``(size, *shape)``.

        Each is drawn from the whole set, independently of the others, so one may come twice.

        Raises:
            ValueError: ``size`` is no positive integer.
        """
        return self._draw(key, size)[0]

    def sample_with_labels(self, key: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
        """Return the examples that `sample` returns for this key, and their labels.

        Raises:
            ValueError: there are no labels, or ``size`` is no positive integer.
        """
        if self.labels is None:
            raise ValueError(f"{self!r} has no labels to sample")
        examples, index = self._draw(key, size)
        return examples, jnp.asarray(self.labels)[index]

    def to_device(self, device: jax.Device | jax.sharding.Sharding | None = None) -> Points:
        """Return the set with its arrays on a device, or spread as a sharding says.

        Args:
            device: where; the default device if None.
        """
        return jax.device_put(self, device)

    def _draw(self, key: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
        size = check_examples_fit(size, self.shape, copies=2)
        index = jax.random.randint(key, (size,), 0, len(self))
        examples = jnp.asarray(self.values)[index]
        return examples.astype(jnp.result_type(float)), index


jax.tree_util.register_dataclass(Points, data_fields=("values", "labels"), meta_fields=())


def points(array: ArrayLike, labels: ArrayLike | None = None) -> Points:
    """Return the distribution of own examples: each is drawn as often as any other.

    Args:
        array: the examples along the first axis, numbers of shape ``(n, *example_shape)``; points
            of the plane, ``(n, 2)``, for example. They are given to networks as they are.
        labels: classes from 0, integers of shape ``(n,)``, if there are any.

    Returns:
        `Points`, which `batch_sampler` and training take.

    Raises:
        ValueError: the examples are no array of finite real numbers, at least one; they are images
            of unsigned bytes, which are an `Images`; or labels do not fit.

    Example:
        >>> import jax, numpy as np, ganfield as gf
        >>> array = np.random.default_rng(0).normal(size=(1000, 3))
        >>> data = gf.data.points(array, labels=np.arange(1000) % 2)
        >>> data
        Points(1000 of shape (3,), with labels)
        >>> sample = gf.data.batch_sampler(data, batch_size=8, latent_size=2, labels=True)
        >>> batch = sample(jax.random.key(0))
        >>> batch.real.shape, batch.label.shape
        ((8, 3), (8,))
    """
    return Points(_values(array), None if labels is None else _labels(labels, np.shape(array)[0]))


def _values(array: ArrayLike) -> Any:
    values = array if isinstance(array, jax.Array) else _as_array(array, "array")
    # bfloat16 too, which NumPy does not know as a number.
    real = any(jnp.issubdtype(values.dtype, kind) for kind in (jnp.floating, jnp.integer))
    if not real or values.ndim < 2 or 0 in values.shape:
        raise ValueError(
            "array must hold real numbers, of shape (n, *example_shape) with at least one example, "
            f"got {values.dtype} of shape {values.shape}"
        )
    if values.dtype == np.uint8 and values.ndim == 4:
        raise ValueError(
            f"array holds pixels, uint8 of shape {values.shape}: gf.data.Images(array, labels) "
            "draws them as floats in [−1, 1]"
        )
    known = concrete(values)
    default = jnp.result_type(float)
    if known is not None and not _is_finite(known, default):
        raise ValueError(f"array must be finite in {default}, got NaN, infinity or more")
    # Without float64 JAX cuts long integers to 32 bits.
    if isinstance(values, np.ndarray) and jnp.issubdtype(values.dtype, jnp.integer):
        return values if values.itemsize < 4 else values.astype(np.float64)
    return values


def _is_finite(values: np.ndarray, dtype: Any) -> bool:
    """Return whether all numbers are finite in a dtype; a mapped file may be too large to copy."""
    step = max(1, _SOME // math.prod(values.shape[1:]))
    with np.errstate(over="ignore"):
        return all(
            np.isfinite(values[start : start + step].astype(dtype)).all()
            for start in range(0, len(values), step)
        )


def _labels(labels: ArrayLike, count: int) -> Any:
    values = labels if isinstance(labels, jax.Array) else _as_array(labels, "labels")
    if not jnp.issubdtype(values.dtype, jnp.integer) or values.shape != (count,):
        raise ValueError(
            f"labels must be integers of shape ({count},), one for each example, "
            f"got {values.dtype} of shape {values.shape}"
        )
    known = concrete(values)
    if known is not None and not (known.min() >= 0 and known.max() < 2**31):
        raise ValueError(
            f"labels must be from 0 to 2³¹ − 1, got labels from {known.min()} to {known.max()}"
        )
    return values.astype(np.int32)


def _as_array(given: Any, argument: str) -> np.ndarray:
    try:
        return np.asarray(given)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{argument} must be an array: {error}") from error
