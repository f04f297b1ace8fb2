"""XLA's convolutions with their axes in the order that its fast kernels on a CPU ask for.

XLA puts the axes of a convolution in that order itself, but only where it stands in a program's
outermost computation: within a loop, one in any other order becomes plain nested loops, hundreds of
times slower, and gradients come in other orders. No fast kernel takes a convolution over an image
with zeros between its pixels, what the gradient of a stride is. So here are three operations: a
convolution, its transpose and the gradient of its kernel. Each is linear in both arguments, and
⟨y, down(x, k)⟩ = ⟨up(y, k), x⟩ = ⟨spread(x, y), k⟩, so that derivatives of every order, forwards
and backwards, are these three again.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from ganfield.networks._patches import by_phases, patches_convolve, same, taps_of_phases

_ORDER = ("NHWC", "HWIO", "NHWC")
_FEW_CHANNELS = 4
"""So many make long sums from short ones: one product with patches is up to three times as fast."""


class Geometry(NamedTuple):
    """What a convolution and its derivatives share.

    Attributes:
        stride: in both directions.
        size: of the kernel.
        sides: height and width of the larger image.
    """

    stride: int
    size: int
    sides: tuple[int, int]


def _ordered(
    x: jax.Array,
    kernel: jax.Array,
    padding: list[tuple[int, int]],
    *,
    stride: int = 1,
    dilation: int = 1,
) -> jax.Array:
    """Map (batch, height, width, channels) and (rows, columns, channels, features)."""
    if math.prod(kernel.shape[:2]) > math.prod(x.shape[1:3]):
        # XLA would exchange the image and the larger kernel, and mirror them, and it has no fast
        # kernel for that. It does not see beyond the barrier that the zeros are zeros.
        x = jax.lax.optimization_barrier(jnp.pad(x, ((0, 0), *padding, (0, 0))))
        padding = [(0, 0)] * 2
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        padding,
        rhs_dilation=(dilation, dilation),
        dimension_numbers=_ORDER,
    )


def _down(x: jax.Array, kernel: jax.Array, *, geometry: Geometry) -> jax.Array:
    """Map (channels, *sides, batch) and (size, size, channels, features) to the smaller image."""
    stride, size, sides = geometry
    if kernel.shape[2] <= _FEW_CHANNELS:
        return patches_convolve(x, kernel, stride=stride)
    padding = [same(side, size, stride) for side in sides]
    y = _ordered(x.transpose(3, 1, 2, 0), kernel, padding, stride=stride)
    return y.transpose(3, 1, 2, 0)


def _up(y: jax.Array, kernel: jax.Array, *, geometry: Geometry) -> jax.Array:
    """Map (features, …, batch) and the same kernel to the larger image: one product, all phases."""
    stride, size, sides = geometry
    (_, height, width, batch), channels = y.shape, kernel.shape[2]
    if channels <= _FEW_CHANNELS:
        forth = functools.partial(patches_convolve, kernel=kernel, stride=stride)
        like = jax.ShapeDtypeStruct((channels, *sides, batch), y.dtype)
        gathered: jax.Array = jax.linear_transpose(forth, like)(y)[0]
        return gathered
    (vertical, rows), (horizontal, columns) = (
        taps_of_phases(size, stride, same(side, size, stride)[0]) for side in sides
    )
    phases = (
        by_phases(kernel, rows, columns)
        .transpose(0, 1, 5, 2, 3, 4)
        .reshape(len(rows), len(columns), len(y), -1)
    )
    x = _ordered(y.transpose(3, 1, 2, 0), phases, [vertical, horizontal])
    x = x.reshape(batch, height, width, stride, stride, channels).transpose(5, 1, 3, 2, 4, 0)
    x = x.reshape(channels, stride * height, stride * width, batch)
    return x[:, : sides[0], : sides[1]]


def _spread(x: jax.Array, y: jax.Array, *, geometry: Geometry) -> jax.Array:
    """Map the larger and the smaller image to a kernel: channels are the batch of this one."""
    stride, size, sides = geometry
    padding = []
    for side, small in zip(sides, y.shape[1:3], strict=True):
        low = same(side, size, stride)[0]
        padding.append((low, size + stride * (small - 1) - side - low))
    kernel = _ordered(x, y.transpose(1, 2, 3, 0), padding, dilation=stride)
    return kernel.transpose(1, 2, 0, 3)


def _primitive(function: Callable[..., jax.Array], *folds: tuple[int, int]) -> Primitive:
    """Return an operation without derivatives.

    Args:
        function: what it computes.
        folds: for both arguments, an axis along which one may be joined to another without a
            change of the rest of the result, and the axis of the result that then is as long.
    """
    primitive = Primitive(f"ganfield_convolution{function.__name__}")
    # One function, so that a second call outside of compiled code compiles nothing.
    primitive.def_impl(jax.jit(function, static_argnames="geometry"))
    mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False))

    def shape(a: Any, b: Any, *, geometry: Geometry) -> Any:
        operands = (jax.ShapeDtypeStruct(of.shape, of.dtype) for of in (a, b))
        result = jax.eval_shape(functools.partial(function, geometry=geometry), *operands)
        return a.update(shape=result.shape, dtype=result.dtype, weak_type=False)

    def batched(arguments: Any, axes: Any, *, geometry: Geometry) -> tuple[jax.Array, int]:
        bind = functools.partial(primitive.bind, geometry=geometry)
        if None not in axes:
            both = [jnp.moveaxis(of, axis, 0) for of, axis in zip(arguments, axes, strict=True)]
            return jax.lax.map(lambda pair: bind(*pair), tuple(both)), 0
        which = 0 if axes[1] is None else 1
        into, out_of = folds[which]
        moved = jnp.moveaxis(arguments[which], axes[which], into)
        count, each = moved.shape[into : into + 2]
        joined = moved.reshape(*moved.shape[:into], count * each, *moved.shape[into + 2 :])
        result = bind(*(joined if index == which else of for index, of in enumerate(arguments)))
        split = result.shape[:out_of], result.shape[out_of + 1 :]
        return result.reshape(*split[0], count, each, *split[1]), out_of

    primitive.def_abstract_eval(shape)
    batching.primitive_batchers[primitive] = batched
    return primitive


_DOWN = _primitive(_down, (3, 3), (3, 0))
_UP = _primitive(_up, (3, 3), (2, 0))
_SPREAD = _primitive(_spread, (0, 2), (0, 3))

# The transposes in the first argument and in the second, of (cotangent, first, second).
ad.defbilinear(
    _DOWN,
    lambda y, x, kernel, **how: _UP.bind(y, kernel, **how),
    lambda y, x, kernel, **how: _SPREAD.bind(x, y, **how),
)
ad.defbilinear(
    _UP,
    lambda x, y, kernel, **how: _DOWN.bind(x, kernel, **how),
    lambda x, y, kernel, **how: _SPREAD.bind(x, y, **how),
)
ad.defbilinear(
    _SPREAD,
    lambda kernel, x, y, **how: _UP.bind(y, kernel, **how),
    lambda kernel, x, y, **how: _DOWN.bind(x, kernel, **how),
)


def ordered_convolve(x: jax.Array, kernel: jax.Array, *, stride: int) -> jax.Array:
    """Return what `ganfield.networks._patches.patches_convolve` does, of the same arguments.

    Example:
        >>> x, kernel = jnp.ones((2, 4, 4, 7)), jnp.ones((5, 5, 2, 3))
        >>> ordered_convolve(x, kernel, stride=2)[0, :, :, 0]
        Array([[32., 24.],
               [24., 18.]], dtype=float32)
    """
    geometry = Geometry(stride, kernel.shape[0], (x.shape[1], x.shape[2]))
    result: jax.Array = _DOWN.bind(x, kernel, geometry=geometry)
    return result


def ordered_transposed(x: jax.Array, kernel: jax.Array, *, stride: int) -> jax.Array:
    """Return the transpose of `ordered_convolve`: y[stride·o + i − p] gains kernel[i]·x[o].

    Args:
        x: (channels, height, width, batch).
        kernel: (size, size, channels, features).
        stride: as there.

    Returns:
        (features, stride·height, stride·width, batch).

    Example:
        >>> x, kernel = jnp.ones((1, 2, 2, 7)), jnp.ones((5, 5, 1, 3))
        >>> ordered_transposed(x, kernel, stride=2).shape
        (3, 4, 4, 7)
    """
    geometry = Geometry(stride, kernel.shape[0], (stride * x.shape[1], stride * x.shape[2]))
    result: jax.Array = _UP.bind(x, kernel.swapaxes(2, 3), geometry=geometry)
    return result
