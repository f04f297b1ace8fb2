"""Handwritten digits that need no download: those that come with scikit-learn."""

import numpy as np

from ganfield.data._checks import check_size, check_split
from ganfield.data._images import Images

_SIDE = 8
_TEST_EVERY = 5


def digits(split: str = "train", *, size: int = _SIDE) -> Images:
    """Return scikit-learn's handwritten digits, 1797 grey images of 8 × 8.

    Their values 0 … 16 become 0 … 255. The set has no split of its own. Here, of the images of each
    digit, in their order, every fifth is for testing: 355 of them, 1442 for training, the classes
    alike. Writers are in both parts.

    Args:
        split: ``"train"``, ``"test"``, or ``"all"``.
        size: height and width: 8, or 16 or 32 by bilinear interpolation, for networks that halve
            their images a few times.

    Returns:
        `Images` with labels, one channel.

    Raises:
        ValueError: an argument is none of these.
        ImportError: scikit-learn is not installed; ``pip install 'ganfield[images]'`` brings it.

    Reference:
        E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998 (CC BY 4.0).

    Example:
        >>> import ganfield as gf
        >>> gf.data.digits("test", size=32)
        Images(digits, test: 355 of 32×32×1, with labels)
    """
    check_split(split, ("train", "test", "all"))
    size = check_size(size, (8, 16, 32), argument="size")
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("digits needs scikit-learn: pip install 'ganfield[images]'") from error
    loaded = load_digits()
    labels = np.asarray(loaded.target, np.int32)
    chosen = np.ones(len(labels), bool)
    if split != "all":
        chosen = _is_test(labels) == (split == "test")
    weights = _interpolation(size)
    values = weights @ np.asarray(loaded.images[chosen], float) @ weights.T
    pixels = np.floor(values * (255 / 16) + 0.5).astype(np.uint8)[..., None]
    names = tuple(str(digit) for digit in range(10))
    return Images(pixels, labels[chosen], names, name="digits", split=split)


def _is_test(labels: np.ndarray) -> np.ndarray:
    test = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        test[np.flatnonzero(labels == label)[_TEST_EVERY - 1 :: _TEST_EVERY]] = True
    return test


def _interpolation(size: int) -> np.ndarray:
    """Return the matrix, (size, 8), that interpolates linearly between the centres of pixels."""
    places = np.clip((np.arange(size) + 0.5) * _SIDE / size - 0.5, 0, _SIDE - 1)
    return np.clip(1 - np.abs(places[:, None] - np.arange(_SIDE)), 0, None)
