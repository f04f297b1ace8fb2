"""Inception as a feature function, from a file of weights that the user gives."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._hashes import hash_of
from ganfield.data._files import read_whole
from ganfield.data._npz import arrays_in
from ganfield.evaluation._features import Features
from ganfield.evaluation._resize import resize_tf1


def load_inception(path: str | os.PathLike[str], *, batch_size: int = 50) -> Features:
    """Return Inception's features, for inception scores, FID and KID that compare with published.

    Nothing is downloaded: ``python -m ganfield.evaluation.convert_inception`` makes the file from
    the PyTorch copy of the weights (docs/scores.md).

    Images are clipped, rounded to 8 bits, resized to 299 × 299 by `resize_tf1` and scaled to
    (x − 128)/128; grey ones are repeated in three channels. The features are "pool3", 2048 of them;
    the probabilities are the softmax of the logits without their bias, as the published inception
    score takes them.

    Args:
        path: the ``.npz`` file.
        batch_size: images at a time.

    Returns:
        `Features` of kind "inception".

    Raises:
        ValueError: the file does not hold these weights.
        OSError: it cannot be read.
    """
    # Flax, which networks import, stays out of `import ganfield`.
    from ganfield.networks import INCEPTION_SIZE, inception, inception_shapes

    data = read_whole(Path(path))
    try:
        weights = arrays_in(data)
    except ValueError as error:
        raise ValueError(
            f"path must be an .npz file of Inception's weights, got {str(path)!r}: {error}"
        ) from error
    check_weights(weights, inception_shapes(), source=str(path))

    @jax.jit
    def apply(weights: dict[str, jax.Array], pixels: jax.Array) -> tuple[jax.Array, jax.Array]:
        if pixels.shape[-1] == 1:
            pixels = jnp.repeat(pixels, 3, axis=-1)
        features, logits = inception(weights, (resize_tf1(pixels, INCEPTION_SIZE) - 128) / 128)
        return features, jax.nn.softmax(logits)

    on_device = {name: jnp.asarray(array, jnp.float32) for name, array in weights.items()}
    return Features(
        partial(apply, on_device),
        name="Inception 2015-12-05",
        hash=hash_of(weights),
        kind="inception",
        preprocessing="clipped to [−1, 1], rounded half up to 8 bits, resized to 299 × 299 as TF1",
        batch_size=batch_size,
    )


def check_weights(
    weights: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], *, source: str
) -> None:
    """Raise a ``ValueError`` unless the arrays have the names and shapes that are wanted."""
    missing = [name for name in shapes if name not in weights]
    unknown = [name for name in weights if name not in shapes]
    if missing or unknown:
        raise ValueError(
            f"{source!r} does not hold Inception's weights: {len(missing)} are missing "
            f"({', '.join(missing[:3]) or 'none'}), {len(unknown)} are unknown "
            f"({', '.join(unknown[:3]) or 'none'})"
        )
    for name, shape in shapes.items():
        if weights[name].shape != shape:
            raise ValueError(
                f"{name} in {source!r} must have the shape {shape}, got {weights[name].shape}"
            )
        if not np.issubdtype(weights[name].dtype, np.floating):
            raise ValueError(f"{name} in {source!r} must be floats, got {weights[name].dtype}")
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"{name} in {source!r} must be finite, got NaN or infinity")
