"""Training the small classifier that scores are taken with."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganfield._hashes import hash_of
from ganfield._types import PyTree
from ganfield.checks import check_count, check_not_negative, check_seed
from ganfield.data import Images, to_float
from ganfield.evaluation._classifier import Classifier

CLASSIFIER_PRESETS: dict[str, dict[str, Any]] = {
    "digits": {"num_epochs": 30, "batch_size": 64, "width": 16, "num_features": 64},
    "mnist": {"num_epochs": 2, "width": 16, "num_features": 64},
    "fashion_mnist": {"num_epochs": 5, "width": 16, "num_features": 64},
    "cifar10": {"num_epochs": 5, "width": 32, "num_features": 128},
}
"""Name of a data set → arguments of `train_classifier` that take seconds or minutes."""

_Apply = Callable[[PyTree, jax.Array], tuple[jax.Array, jax.Array]]


def train_classifier(
    train: Images,
    test: Images,
    *,
    num_epochs: int,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    weight_decay: float = 1e-3,
    width: int = 32,
    num_features: int = 128,
    seed: int = 0,
    on_epoch: Callable[[int, float], Any] | None = None,
) -> Classifier:
    """Train ``ganfield.networks.classifier`` on labelled images.

    AdamW on the cross-entropy, with a learning rate that rises over the first tenth of the steps
    and falls to zero along a cosine. Every epoch is a new permutation of the images; the last ones,
    which fill no batch, are left out. Images are mirrored if the set says so. All computation is in
    float32, and the same arguments on the same kind of machine give the same parameters.

    Args:
        train: images with labels.
        test: images with labels, of the same shape; only the accuracy is taken from them.
        num_epochs: how many times over the images.
        batch_size: images of one step.
        learning_rate: its largest value.
        weight_decay: AdamW's.
        width: maps of the first convolution.
        num_features: of the layer that scores look at.
        seed: of the parameters' start, the order of images and the mirroring; below 2³².
        on_epoch: ``on_epoch(epoch, loss)``, called after each of them, from 1.

    Returns:
        A `ganfield.evaluation.Classifier`, with its accuracy on ``test``.

    Raises:
        ValueError: a set has no labels, the shapes differ, or a number is not allowed.
        ImportError: Flax is not installed.

    Example:
        >>> import ganfield as gf
        >>> train, test = gf.data.digits(), gf.data.digits("test")
        >>> trained = gf.evaluation.train_classifier(train, test, num_epochs=2, width=4)
        >>> trained.metadata["num_train"], trained.metadata["test_accuracy"] > 0.5
        (1442, True)
    """
    # Flax stays out of `import ganfield`.
    from ganfield.networks import classifier

    for name, images in {"train": train, "test": test}.items():
        if images.labels is None:
            raise ValueError(f"{name} must have labels, got {images!r}")
    if train.shape != test.shape:
        raise ValueError(
            f"train and test must have images of one shape, got {train.shape} and {test.shape}"
        )
    num_epochs = check_count(num_epochs, argument="num_epochs")
    seed = check_seed(seed, argument="seed")
    batch_size = min(check_count(batch_size, argument="batch_size"), len(train))
    check_not_negative(learning_rate, argument="learning_rate")
    check_not_negative(weight_decay, argument="weight_decay")
    num_classes = len(train.class_names) or int(np.max(train.labels)) + 1

    with jax.enable_x64(False):
        network = classifier(train.shape, num_classes, width=width, num_features=num_features)
        steps = num_epochs * (len(train) // batch_size)
        schedule = optax.warmup_cosine_decay_schedule(0.0, learning_rate, steps // 10, steps)
        optimizer = optax.adamw(schedule, weight_decay=weight_decay)
        key_start, key_epochs = jax.random.split(jax.random.key(seed))
        params = network.init(key_start)
        state = optimizer.init(params)
        on_device = train.to_device()
        run = jax.jit(partial(_epoch, network.apply, optimizer, batch_size), donate_argnums=(0, 1))
        for epoch, key in enumerate(jax.random.split(key_epochs, num_epochs), start=1):
            params, state, loss = run(params, state, on_device, key)
            if on_epoch is not None:
                on_epoch(epoch, float(loss))
        accuracy = _accuracy(network.apply, params, test)
        metadata = {
            "dataset": train.name,
            "image_shape": list(train.shape),
            "num_classes": num_classes,
            "class_names": list(train.class_names),
            "width": width,
            "num_features": num_features,
            "num_train": len(train),
            "num_test": len(test),
            "test_accuracy": accuracy,
            "num_epochs": num_epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "weight_decay": weight_decay,
            "flip": train.flip,
            "seed": seed,
            "hash": hash_of(params),
        }
        return Classifier(params, metadata)


def _epoch(
    apply: _Apply,
    optimizer: optax.GradientTransformation,
    batch_size: int,
    params: PyTree,
    state: PyTree,
    images: Images,
    key: jax.Array,
) -> tuple[PyTree, PyTree, jax.Array]:
    """Return parameters and optimizer state after one pass over the images, and the mean loss."""
    key_order, key_flip = jax.random.split(key)
    count = len(images) // batch_size
    order = jax.random.permutation(key_order, len(images))[: count * batch_size]

    def loss_of(params: PyTree, pixels: jax.Array, labels: jax.Array) -> jax.Array:
        _, logits = apply(params, to_float(pixels))
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def step(carry: Any, inputs: Any) -> Any:
        params, state = carry
        index, key = inputs
        pixels = jnp.asarray(images.pixels)[index]
        if images.flip:
            mirrored = jax.random.bernoulli(key, shape=(batch_size, 1, 1, 1))
            pixels = jnp.where(mirrored, pixels[:, :, ::-1], pixels)
        labels = jnp.asarray(images.labels)[index]
        loss, gradient = jax.value_and_grad(loss_of)(params, pixels, labels)
        updates, state = optimizer.update(gradient, state, params)
        return (optax.apply_updates(params, updates), state), loss

    inputs = (order.reshape(count, batch_size), jax.random.split(key_flip, count))
    (params, state), losses = jax.lax.scan(step, (params, state), inputs)
    return params, state, losses.mean()


def _accuracy(apply: _Apply, params: PyTree, images: Images) -> float:
    """Return the share of images whose most probable class is theirs."""
    most_probable = jax.jit(lambda params, pixels: apply(params, to_float(pixels))[1].argmax(1))
    right = 0
    for start in range(0, len(images), 500):
        pixels = np.asarray(images.pixels[start : start + 500])
        classes = most_probable(params, jnp.asarray(pixels))
        right += int(np.sum(np.asarray(classes) == images.labels[start : start + 500]))
    return right / len(images)
