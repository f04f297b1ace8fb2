"""Convolutions against loops in NumPy, and the two ways of computing them against each other."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganfield.networks._convolution import choose_convolution, convolve, convolve_transposed
from ganfield.networks._ordered_convolution import ordered_convolve, ordered_transposed

pytestmark = pytest.mark.usefixtures("x64")

METHODS = ("patches", "xla")


def arrays(height, width, size, channels=2, features=3, batch=2):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(channels, height, width, batch))
    return x, rng.normal(size=(size, size, channels, features))


def same_in_tensorflow(length, size, stride):
    """TensorFlow's rule: as many zeros as make ⌈length/stride⌉ outputs, the odd one after."""
    total = max((int(np.ceil(length / stride)) - 1) * stride + size - length, 0)
    return total // 2, int(np.ceil(length / stride))


def by_loops(x, kernel, stride):
    """Sum over taps that fall inside of the image, one output pixel at a time."""
    size, (_, height, width, batch) = kernel.shape[0], x.shape
    top, rows = same_in_tensorflow(height, size, stride)
    left, columns = same_in_tensorflow(width, size, stride)
    y = np.zeros((kernel.shape[-1], rows, columns, batch))
    for p, q, i, j in np.ndindex(rows, columns, size, size):
        a, b = stride * p + i - top, stride * q + j - left
        if 0 <= a < height and 0 <= b < width:
            y[:, p, q] += kernel[i, j].T @ x[:, a, b]
    return y


def transposed_by_loops(x, kernel):
    """Every small pixel adds its kernel to the large image, as conv2d_transpose with SAME does."""
    size, (_, height, width, batch) = kernel.shape[0], x.shape
    low, _ = same_in_tensorflow(2 * height, size, 2)
    y = np.zeros((kernel.shape[-1], 2 * height, 2 * width, batch))
    for p, q, i, j in np.ndindex(height, width, size, size):
        a, b = 2 * p + i - low, 2 * q + j - low
        if 0 <= a < 2 * height and 0 <= b < 2 * width:
            y[:, a, b] += kernel[i, j].T @ x[:, p, q]
    return y


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("height", "width", "size", "stride"),
    [(8, 8, 5, 2), (2, 2, 5, 2), (6, 4, 5, 2), (7, 5, 5, 2), (4, 6, 3, 1), (6, 6, 4, 2)],
)
def test_convolution_is_the_sum(method, height, width, size, stride):
    x, kernel = arrays(height, width, size)
    y = convolve(jnp.asarray(x), jnp.asarray(kernel), stride=stride, convolution=method)
    np.testing.assert_allclose(y, by_loops(x, kernel, stride), rtol=1e-12, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("height", "width"), [(4, 4), (1, 1), (2, 3)])
@pytest.mark.parametrize("size", [2, 3, 4, 5, 6])
def test_transposed_convolution_is_the_sum(method, height, width, size):
    x, kernel = arrays(height, width, size)
    y = convolve_transposed(jnp.asarray(x), jnp.asarray(kernel), convolution=method)
    np.testing.assert_allclose(y, transposed_by_loops(x, kernel), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_transposed_convolution_is_the_transpose(method):
    """⟨y, K x⟩ = ⟨Kᵀ y, x⟩, so the transpose's kernel has its channels exchanged."""
    x, kernel = arrays(8, 6, 5)
    y = np.random.default_rng(1).normal(size=(3, 4, 3, 2))
    forth = convolve(jnp.asarray(x), jnp.asarray(kernel), stride=2, convolution=method)
    exchanged = jnp.asarray(kernel.swapaxes(2, 3))
    back = convolve_transposed(jnp.asarray(y), exchanged, convolution=method)
    np.testing.assert_allclose(np.vdot(y, forth), np.vdot(back, x), rtol=1e-12)


OPERATIONS = {
    "down": functools.partial(convolve, stride=2),
    "same": functools.partial(convolve, stride=1),
    "up": convolve_transposed,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
def test_both_ways_have_the_same_first_and_second_derivatives(name):
    operation = OPERATIONS[name]
    x, kernel = (jnp.asarray(a) for a in arrays(4, 4, 5))
    tangents = jax.tree.map(jnp.cos, (x, kernel))

    @functools.partial(jax.jit, static_argnums=0)
    def derivatives(method):
        def loss(x, kernel):
            return jnp.sum(jnp.sin(operation(x, kernel, convolution=method)))

        gradient = jax.grad(loss, argnums=(0, 1))

        def half_norm(x, kernel):
            return sum(jnp.vdot(g, g) / 2 for g in gradient(x, kernel))

        forwards = jax.jvp(gradient, (x, kernel), tangents)
        return *forwards, jax.grad(half_norm, argnums=(0, 1))(x, kernel)

    for a, b in zip(*map(jax.tree.leaves, map(derivatives, METHODS)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12 * np.abs(b).max())


def test_auto_is_judged_by_the_backend(monkeypatch):
    for backend, chosen in (("cpu", "ordered"), ("gpu", "xla"), ("tpu", "xla")):
        monkeypatch.setattr(jax, "default_backend", lambda backend=backend: backend)
        assert choose_convolution("auto") == chosen
        assert [choose_convolution(name) for name in (*METHODS, "ordered")] == [*METHODS, "ordered"]


def ordered_up(x, kernel, *, convolution, stride):
    """The transposes of any stride: JAX's own transpose of XLA's convolution beside ours."""
    if convolution == "ordered":
        return ordered_transposed(x, kernel, stride=stride)
    shape = kernel.shape[3], stride * x.shape[1], stride * x.shape[2], x.shape[3]
    forth = functools.partial(
        convolve, kernel=kernel.swapaxes(2, 3), stride=stride, convolution="xla"
    )
    return jax.linear_transpose(forth, jax.ShapeDtypeStruct(shape, x.dtype))(x)[0]


def ordered_down(x, kernel, *, convolution, stride):
    # Not by `convolve`, which in float64 gathers patches.
    if convolution == "ordered":
        return ordered_convolve(x, kernel, stride=stride)
    return convolve(x, kernel, stride=stride, convolution="xla")


ORDERED = [
    (ordered_down, 2, (4, 4, 5)),
    (ordered_down, 2, (7, 5, 4)),
    (ordered_down, 1, (2, 6, 3)),
    (ordered_down, 3, (7, 8, 5)),
    (ordered_up, 2, (2, 3, 5)),
    (ordered_up, 1, (3, 3, 3)),
    (ordered_up, 3, (2, 2, 4)),
]


@pytest.mark.slow
@pytest.mark.parametrize("channels", [2, 5])
@pytest.mark.parametrize(("operation", "stride", "shape"), ORDERED)
def test_ordered_convolutions_have_every_derivative_of_xlas(operation, stride, shape, channels):
    """Values, first and second derivatives forwards and backwards, and all of them vmapped."""
    x, kernel = (jnp.asarray(a) for a in arrays(*shape, channels=channels, features=channels + 1))
    point, tangent = (x, kernel), tuple(map(jnp.cos, (x, kernel)))

    @functools.partial(jax.jit, static_argnums=0)
    def derivatives(method):
        def apply(x, kernel):
            return operation(x, kernel, convolution=method, stride=stride)

        def loss(x, kernel):
            return jnp.sum(jnp.sin(apply(x, kernel)))

        gradient = jax.grad(loss, argnums=(0, 1))

        def half_norm(x, kernel):
            return sum(jnp.vdot(g, g) / 2 for g in gradient(x, kernel))

        def along(x, kernel):
            return jax.jvp(apply, (x, kernel), tangent)[1]

        several = [jnp.stack([a, jnp.sin(a)], axis) for a, axis in zip(point, (1, 2), strict=True)]
        vmapped = [
            jax.vmap(gradient, axes)(
                *(a if axis is None else b for a, b, axis in zip(point, several, axes, strict=True))
            )
            for axes in ((1, None), (None, 2), (1, 2))
        ]
        return (
            jax.jvp(gradient, point, tangent),
            jax.grad(half_norm, argnums=(0, 1))(*point),
            jax.jvp(along, point, tangent),
            jax.vjp(along, *point)[1](along(*point)),
            vmapped,
        )

    for a, b in zip(*map(jax.tree.leaves, map(derivatives, ("ordered", "xla"))), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12 * np.abs(b).max())


def test_ordered_is_for_float32_and_the_rest_is_patches():
    x, kernel = (jnp.asarray(a) for a in arrays(4, 4, 5))
    for operation in (functools.partial(convolve, stride=2), convolve_transposed):
        for dtype, fast in ((jnp.float32, True), (jnp.float64, False), (jnp.bfloat16, False)):
            jaxpr = jax.make_jaxpr(functools.partial(operation, convolution="ordered"))(
                x.astype(dtype), kernel.astype(dtype)
            )
            assert ("ganfield_convolution" in str(jaxpr)) is fast


@pytest.mark.slow
def test_no_convolution_in_a_loop_is_in_another_order():
    """XLA has fast kernels for one order of axes, without zeros between pixels, and it keeps it."""
    x, kernel = (jnp.asarray(a, jnp.float32) for a in arrays(4, 4, 5, channels=5))

    def loss(x, kernel):
        y = convolve(x, kernel, stride=2, convolution="ordered")
        return jnp.sum(
            jnp.sin(convolve_transposed(y, kernel.swapaxes(2, 3), convolution="ordered"))
        )

    def step(point, _):
        return tuple(
            a - g for a, g in zip(point, jax.grad(loss, (0, 1))(*point), strict=True)
        ), None

    def steps(x, kernel):
        return jax.lax.scan(step, (x, kernel), None, length=3)[0]

    program = jax.jit(steps).lower(x, kernel).compile().as_text()
    lines = [line for line in program.splitlines() if " convolution(" in line]
    assert len(lines) >= 5
    for line in lines:
        assert "dim_labels=b01f_01io->b01f" in line
        assert "lhs_dilate" not in line
        assert "rhs_reversal" not in line
