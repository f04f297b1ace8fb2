"""TensorFlow 1's bilinear resize against a loop over pixels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganfield.evaluation import resize_tf1


def loop(image, height, width):
    """TensorFlow 1.x ResizeBilinear, align_corners=False, half_pixel_centers=False."""
    old_height, old_width, channels = image.shape
    result = np.zeros((height, width, channels))
    for i in range(height):
        y = i * old_height / height
        top = int(y)
        bottom = min(top + 1, old_height - 1)
        for j in range(width):
            x = j * old_width / width
            left = int(x)
            right = min(left + 1, old_width - 1)
            above = image[top, left] + (image[top, right] - image[top, left]) * (x - left)
            below = image[bottom, left] + (image[bottom, right] - image[bottom, left]) * (x - left)
            result[i, j] = above + (below - above) * (y - top)
    return result


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("size", [(11, 7), (3, 20), (5, 6), (1, 1), (4, 2)])
def test_agrees_with_a_loop(size):
    images = np.random.default_rng(0).uniform(0, 255, size=(2, 5, 6, 3))
    expected = np.stack([loop(image, *size) for image in images])
    np.testing.assert_allclose(resize_tf1(images, size), expected, rtol=1e-13)


def test_same_size_changes_nothing():
    images = np.random.default_rng(0).integers(0, 256, size=(2, 8, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize_tf1(images, 8), images)


@pytest.mark.slow
def test_is_not_jax_image_resize():
    # The trap: half-pixel centres move every pixel, smoothing takes contrast away.
    images = np.random.default_rng(0).integers(0, 256, size=(4, 32, 32, 3)).astype(np.float32)
    for size in (299, 16):
        other = jax.image.resize(images, (4, size, size, 3), "bilinear")
        assert jnp.abs(resize_tf1(images, size) - other).mean() > 5


@pytest.mark.parametrize(
    ("shape", "size"), [((8, 8, 3), 4), ((1, 8, 8, 3), 0), ((1, 8, 8, 3), 1.5)]
)
def test_bad_arguments_are_named(shape, size):
    with pytest.raises(ValueError, match=r"images must have|size must be"):
        resize_tf1(np.zeros(shape), size)
