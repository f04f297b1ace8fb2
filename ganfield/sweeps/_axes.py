"""The axes of a sweep: names, values of any kind, and the labels by which values are chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._describe import describe
from ganfield._types import PyTree
from ganfield.checks import leading_size


class Axis(NamedTuple):
    """One axis of a sweep.

    Attributes:
        labels: of the values: the numbers themselves, texts, or places from 0 where values are
            arrays or keys.
        arrays: the values along the first axis of every leaf, to be traced; None where they can't.
        objects: the values one by one, for what can't be traced; None where there are arrays only.
    """

    labels: np.ndarray
    arrays: PyTree
    objects: tuple[Any, ...] | None

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.labels)


def read_axes(axes: Mapping[str, Any]) -> dict[str, Axis]:
    """Return name → `Axis`.

    Raises:
        ValueError: an axis has no values, a value is there twice, or two have one name.
    """
    return {name: _read(name, given) for name, given in axes.items()}


def _read(name: str, given: Any) -> Axis:
    leaves = jax.tree.leaves(given)
    if leaves and all(map(_is_long, leaves)) and _kind_of(leaves[0]) not in "UO":
        size = leading_size(given) or 0
        if not size:
            _refuse(name, given)
        arrays = jax.tree.map(jnp.asarray, given)
        return Axis(*_labelled(arrays, size))
    names: list[str] | None = None
    if isinstance(given, Mapping):
        names, values = [str(label) for label in given], list(given.values())
    elif isinstance(given, Sequence | np.ndarray) and not isinstance(given, str | bytes):
        values = [each.item() if isinstance(each, np.generic) else each for each in given]
    else:
        _refuse(name, given)
    if not values:
        _refuse(name, given)
    arrays = _stacked(values)
    if names is None and arrays is not None:
        numbers, arrays, objects = _labelled(arrays, len(values))
        return Axis(numbers, arrays, None if objects is None else tuple(values))
    if names is None:
        names = [each if isinstance(each, str) else describe(each) for each in values]
    _check_once(name, names)
    return Axis(np.array(names), arrays, tuple(values))


def _refuse(name: str, given: Any) -> NoReturn:
    raise ValueError(
        f"axes[{name!r}] must be an array (or a pytree of arrays) with at least one value along "
        f"the first axis, a list of values, or label → value, got {given!r}"
    )


def _check_once(name: str, labels: Sequence[str]) -> None:
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(
                f"axes[{name!r}] has {label} twice: give each value once, and values that look "
                f"alike as label → value, such as {{'first': …, 'second': …}}"
            )


def _is_long(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and np.ndim(leaf) > 0


def _kind_of(leaf: Any) -> str:
    return getattr(leaf.dtype, "kind", "V")


def _is_keys(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _labelled(arrays: PyTree, size: int) -> tuple[np.ndarray, PyTree, tuple[Any, ...] | None]:
    """Return labels, the arrays and, where one array of numbers is all, those as Python numbers."""
    if jax.tree_util.all_leaves([arrays]) and arrays.ndim == 1 and not _is_keys(arrays):
        values = np.asarray(arrays)
        # 0.1 is called 0.1 in float32 too, as it is printed.
        plain = [float(str(x)) for x in values] if values.dtype.kind == "f" else values.tolist()
        return np.array(plain), arrays, tuple(plain)
    return np.arange(size), arrays, None


def _stacked(values: Sequence[Any]) -> PyTree:
    """Return numbers, or keys, as one array; None where the values are something else."""
    if all(_is_keys(each) and each.ndim == 0 for each in values):
        return jnp.stack(values)
    if not all(map(_is_number, values)):
        return None
    numbers = np.array(
        [each if isinstance(each, int | float) else np.asarray(each).item() for each in values]
    )
    if numbers.dtype.kind == "i" and numbers.min() >= 0 and numbers.max() > np.iinfo(np.int32).max:
        numbers = numbers.astype(np.uint32)  # A seed; JAX would take it for a negative one.
    return jnp.asarray(numbers)


def _is_number(value: Any) -> bool:
    if isinstance(value, int | float):
        return not isinstance(value, bool)
    return (
        hasattr(value, "dtype")
        and np.ndim(value) == 0
        and not _is_keys(value)
        and np.dtype(value.dtype).kind in "iuf"
    )


def points(axes: Mapping[str, Axis], places: np.ndarray) -> dict[str, PyTree]:
    """Return the values of traced axes at places of their grid, along the first axis of leaves."""
    sizes = [axis.size for axis in axes.values()]
    indices = np.unravel_index(places, sizes) if sizes else ()
    return {
        name: jax.tree.map(lambda leaf, i=index: leaf[i], axis.arrays)
        for (name, axis), index in zip(axes.items(), indices, strict=True)
    }


def combinations(axes: Mapping[str, Axis]) -> Iterator[dict[str, Any]]:
    """Yield the values of the axes that are not traced, at every place of their grid."""
    sizes = [axis.size for axis in axes.values()]
    for place in np.ndindex(*sizes):
        yield {
            name: (axis.objects or ())[i]
            for (name, axis), i in zip(axes.items(), place, strict=True)
        }
