"""Classes of examples: as features to append, and as what a classifier gets wrong."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import Batch
from ganfield.checks import concrete


def append_one_hot(x: jax.Array, label: jax.Array, num_classes: int) -> jax.Array:
    """Return ``x`` with the one-hot code of each example's class along its last axis.

    What generators of games with labels take, beside latent variables: append the classes that are
    to be made. Images, shape (batch, height, width, channels), get a plane for each class, of ones
    or zeros.

    Args:
        x: shape (batch, …, features).
        label: integers from 0 to num_classes − 1, shape (batch,).
        num_classes: how many features are appended.

    Returns:
        An array of shape (batch, …, features + num_classes) in the dtype of ``x``.

    Raises:
        ValueError: ``x`` holds no examples along its first axis; ``label`` does not hold one such
            integer for each. Of labels that are traced the values are not known yet: the code of
            one that is no class is NaN, so that whatever is made of it is.

    Example:
        >>> import jax.numpy as jnp
        >>> append_one_hot(jnp.array([[7.0], [8.0]]), jnp.array([2, 0]), 3)
        Array([[7., 0., 0., 1.],
               [8., 1., 0., 0.]], dtype=float32)
    """
    x = jnp.asarray(x)
    if x.ndim < 2:
        raise ValueError(f"x must have the shape (batch, …, features), got {x.shape}")
    check_label(label, num_examples=len(x), num_classes=num_classes)
    code = jax.nn.one_hot(label, num_classes, dtype=x.dtype)
    if concrete(label) is None:
        is_class = (label >= 0) & (label < num_classes)
        code = jnp.where(is_class[:, None], code, jnp.nan)
    return append_features(x, code)


def append_features(x: jax.Array, features: jax.Array) -> jax.Array:
    """Return ``x``, shape (batch, …, k), with the features (batch, m) along its last axis.

    Images get a plane for each feature.
    """
    planes = features.reshape(len(x), *(1,) * (x.ndim - 2), features.shape[-1])
    return jnp.concatenate(
        [x, jnp.broadcast_to(planes, (*x.shape[:-1], features.shape[-1]))], axis=-1
    )


def check_label(
    label: jax.Array | None, *, num_examples: int, num_classes: int, lowest: int = 0
) -> None:
    """Raise a ``ValueError`` unless there is a class for each example.

    Traced values pass; what is made of those that are no classes is NaN.

    Args:
        label: what the batch holds.
        num_examples: how many examples there are.
        num_classes: K.
        lowest: −1 where that stands for an example without a label.
    """
    without = ", or −1 for an example without a label" if lowest else ""
    wanted = (
        f"label (in a game Batch.label, which gf.data.batch_sampler fills with labels=True) must "
        f"hold {num_examples} integers from 0 to {num_classes - 1}{without}, one for each example"
    )
    if label is None:
        raise ValueError(f"{wanted}, got None")
    dtype, shape = jnp.result_type(label), np.shape(label)
    if not jnp.issubdtype(dtype, jnp.integer) or shape != (num_examples,):
        raise ValueError(f"{wanted}, got {dtype} of shape {shape}")
    known = concrete(label)
    if known is not None and not np.all((known >= lowest) & (known < num_classes)):
        raise ValueError(f"{wanted}, got values from {known.min()} to {known.max()}")
    if known is not None and not np.any(known >= 0):
        raise ValueError(f"{wanted}, got no label at all")


def labels_of(batch: Batch, num_classes: int) -> jax.Array:
    """Return the batch's labels, or raise a ``ValueError`` unless they are what a game needs."""
    check_label(batch.label, num_examples=len(batch.real), num_classes=num_classes)
    return jnp.asarray(batch.label)


def class_entropy(logits: jax.Array, label: jax.Array) -> jax.Array:
    """Return the mean cross-entropy of class logits, shape (batch, classes), against labels."""
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), label[:, None], axis=1)
    return -jnp.mean(chosen)


def known_entropy(logits: jax.Array, label: jax.Array) -> jax.Array:
    """Return the mean of `class_entropy` over the examples with a label; −1 stands for none."""
    known = label >= 0
    chosen = jnp.take_along_axis(
        jax.nn.log_softmax(logits), jnp.where(known, label, 0)[:, None], axis=1
    )[:, 0]
    chosen = jnp.where(known, chosen, jnp.where(label == -1, 0, jnp.nan))
    return -jnp.sum(chosen) / jnp.maximum(jnp.sum(known), 1)
