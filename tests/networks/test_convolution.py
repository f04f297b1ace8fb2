"""Convolutions against loops in NumPy, and the two ways of computing them against each other."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganfield.networks._convolution import choose_convolution, convolve, convolve_transposed

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
    for backend, chosen in (("cpu", "patches"), ("gpu", "xla"), ("tpu", "xla")):
        monkeypatch.setattr(jax, "default_backend", lambda backend=backend: backend)
        assert choose_convolution("auto") == chosen
        assert choose_convolution("xla") == "xla"
        assert choose_convolution("patches") == "patches"
