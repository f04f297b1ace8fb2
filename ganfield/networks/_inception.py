"""The Inception network that published scores are taken with, without its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

Convolve = Callable[..., jax.Array]

INCEPTION_SIZE = 299
_CLASSES = 1008


def inception(weights: Mapping[str, jax.Array], images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return what the network of 2015-12-05 makes of images: its features and logits.

    Inception-v3 as TensorFlow published it, which differs from later releases: mean pools leave the
    padding out, and the last block pools by the maximum. Batch norm is folded into kernels and
    biases. The logits have no bias: the published inception score multiplies by the last kernel
    alone.

    Args:
        weights: name → array, with the names and shapes of `inception_shapes`.
        images: (x − 128)/128 of pixels x in [0, 255], shape ``(n, 299, 299, 3)``.

    Returns:
        Features "pool3", shape ``(n, 2048)``, and logits, shape ``(n, 1008)``, of which 1000 belong
        to classes.

    Reference:
        Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for
        Computer Vision", 2016.
    """

    def convolve(name: str, x: jax.Array, _: int, __: Any, **options: Any) -> jax.Array:
        return _convolve(x, weights[f"{name}.kernel"], weights[f"{name}.bias"], **options)

    features = _features(convolve, images)
    return features, features @ weights["fc.kernel"]


def inception_shapes() -> dict[str, tuple[int, ...]]:
    """Return name → shape of the network's weights.

    Names are those of PyTorch's copies, ``Mixed_5b.branch1x1`` for example, with ``.kernel`` (rows,
    columns, inputs, outputs) and ``.bias``; ``fc.kernel`` is (2048, 1008).

    Example:
        >>> import math
        >>> shapes = inception_shapes()
        >>> len(shapes), sum(map(math.prod, shapes.values()))
        (189, 23832736)
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def convolve(
        name: str, x: jax.Array, features: int, size: tuple[int, int], **options: Any
    ) -> jax.Array:
        shapes[f"{name}.kernel"] = (*size, x.shape[-1], features)
        shapes[f"{name}.bias"] = (features,)
        return _convolve(x, jnp.zeros(shapes[f"{name}.kernel"]), jnp.zeros(features), **options)

    pixels = jax.ShapeDtypeStruct((1, INCEPTION_SIZE, INCEPTION_SIZE, 3), jnp.float32)
    features = jax.eval_shape(lambda x: _features(convolve, x), pixels)
    return {**shapes, "fc.kernel": (features.shape[-1], _CLASSES)}


def _features(convolve: Convolve, x: jax.Array) -> jax.Array:
    x = convolve("Conv2d_1a_3x3", x, 32, (3, 3), stride=2, padding="VALID")
    x = convolve("Conv2d_2a_3x3", x, 32, (3, 3), padding="VALID")
    x = convolve("Conv2d_2b_3x3", x, 64, (3, 3))
    x = _max_pool(x, 2, "VALID")
    x = convolve("Conv2d_3b_1x1", x, 80, (1, 1))
    x = convolve("Conv2d_4a_3x3", x, 192, (3, 3), padding="VALID")
    x = _max_pool(x, 2, "VALID")
    for name, pooled in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        x = _block_a(convolve, name, x, pooled)
    x = _block_b(convolve, "Mixed_6a", x)
    for name, inner in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        x = _block_c(convolve, name, x, inner)
    x = _block_d(convolve, "Mixed_7a", x)
    x = _block_e(convolve, "Mixed_7b", x, _mean_pool(x))
    x = _block_e(convolve, "Mixed_7c", x, _max_pool(x, 1, "SAME"))
    return x.mean(axis=(1, 2))


def _block_a(convolve: Convolve, block: str, x: jax.Array, pooled: int) -> jax.Array:
    one = convolve(f"{block}.branch1x1", x, 64, (1, 1))
    five = convolve(f"{block}.branch5x5_1", x, 48, (1, 1))
    five = convolve(f"{block}.branch5x5_2", five, 64, (5, 5))
    double = convolve(f"{block}.branch3x3dbl_1", x, 64, (1, 1))
    double = convolve(f"{block}.branch3x3dbl_2", double, 96, (3, 3))
    double = convolve(f"{block}.branch3x3dbl_3", double, 96, (3, 3))
    pool = convolve(f"{block}.branch_pool", _mean_pool(x), pooled, (1, 1))
    return jnp.concatenate([one, five, double, pool], axis=-1)


def _block_b(convolve: Convolve, block: str, x: jax.Array) -> jax.Array:
    three = convolve(f"{block}.branch3x3", x, 384, (3, 3), stride=2, padding="VALID")
    double = convolve(f"{block}.branch3x3dbl_1", x, 64, (1, 1))
    double = convolve(f"{block}.branch3x3dbl_2", double, 96, (3, 3))
    double = convolve(f"{block}.branch3x3dbl_3", double, 96, (3, 3), stride=2, padding="VALID")
    return jnp.concatenate([three, double, _max_pool(x, 2, "VALID")], axis=-1)


def _block_c(convolve: Convolve, block: str, x: jax.Array, inner: int) -> jax.Array:
    one = convolve(f"{block}.branch1x1", x, 192, (1, 1))
    seven = convolve(f"{block}.branch7x7_1", x, inner, (1, 1))
    seven = convolve(f"{block}.branch7x7_2", seven, inner, (1, 7))
    seven = convolve(f"{block}.branch7x7_3", seven, 192, (7, 1))
    double = convolve(f"{block}.branch7x7dbl_1", x, inner, (1, 1))
    double = convolve(f"{block}.branch7x7dbl_2", double, inner, (7, 1))
    double = convolve(f"{block}.branch7x7dbl_3", double, inner, (1, 7))
    double = convolve(f"{block}.branch7x7dbl_4", double, inner, (7, 1))
    double = convolve(f"{block}.branch7x7dbl_5", double, 192, (1, 7))
    pool = convolve(f"{block}.branch_pool", _mean_pool(x), 192, (1, 1))
    return jnp.concatenate([one, seven, double, pool], axis=-1)


def _block_d(convolve: Convolve, block: str, x: jax.Array) -> jax.Array:
    three = convolve(f"{block}.branch3x3_1", x, 192, (1, 1))
    three = convolve(f"{block}.branch3x3_2", three, 320, (3, 3), stride=2, padding="VALID")
    seven = convolve(f"{block}.branch7x7x3_1", x, 192, (1, 1))
    seven = convolve(f"{block}.branch7x7x3_2", seven, 192, (1, 7))
    seven = convolve(f"{block}.branch7x7x3_3", seven, 192, (7, 1))
    seven = convolve(f"{block}.branch7x7x3_4", seven, 192, (3, 3), stride=2, padding="VALID")
    return jnp.concatenate([three, seven, _max_pool(x, 2, "VALID")], axis=-1)


def _block_e(convolve: Convolve, block: str, x: jax.Array, pooled: jax.Array) -> jax.Array:
    one = convolve(f"{block}.branch1x1", x, 320, (1, 1))
    three = convolve(f"{block}.branch3x3_1", x, 384, (1, 1))
    double = convolve(f"{block}.branch3x3dbl_1", x, 448, (1, 1))
    double = convolve(f"{block}.branch3x3dbl_2", double, 384, (3, 3))
    forks = [
        convolve(f"{block}.{branch}{fork}", inner, 384, size)
        for branch, inner in (("branch3x3_2", three), ("branch3x3dbl_3", double))
        for fork, size in (("a", (1, 3)), ("b", (3, 1)))
    ]
    pool = convolve(f"{block}.branch_pool", pooled, 192, (1, 1))
    return jnp.concatenate([one, *forks, pool], axis=-1)


def _convolve(
    x: jax.Array, kernel: jax.Array, bias: jax.Array, *, stride: int = 1, padding: str = "SAME"
) -> jax.Array:
    dimensions = ("NHWC", "HWIO", "NHWC")
    result = lax.conv_general_dilated(
        x, kernel, (stride, stride), padding, dimension_numbers=dimensions
    )
    return jax.nn.relu(result + bias)


def _max_pool(x: jax.Array, stride: int, padding: str) -> jax.Array:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, stride, stride, 1), padding)


def _mean_pool(x: jax.Array) -> jax.Array:
    def total(values: jax.Array) -> jax.Array:
        return lax.reduce_window(values, 0.0, lax.add, (1, 3, 3, 1), (1, 1, 1, 1), "SAME")

    # The number of pixels that there are, at the edges fewer than nine.
    return total(x) / total(jnp.ones((1, *x.shape[1:3], 1), x.dtype))
