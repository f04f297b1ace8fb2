"""A set of which few examples have a label: batches that hold both kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganfield.checks import check_count, check_seed
from ganfield.data._images import Images
from ganfield.data._points import Points


@dataclass(frozen=True, eq=False)
class FewLabels:
    """Examples of which few have a label; `few_labels` makes it.

    It is a pytree, whose leaves are the arrays of both sets.

    Attributes:
        images: all examples, `Images` or `Points`.
        labelled: those with a label, a set of the same kind.
        share: of a batch that has labels: what part of it is drawn from ``labelled``.
    """

    images: Any
    labelled: Any
    share: float

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"FewLabels({len(self.labelled)} labels of {self.images!r})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an example."""
        return tuple(self.images.shape)

    @property
    def labels(self) -> Any:
        """The labels that there are."""
        return self.labelled.labels

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        """Return ``size`` examples, drawn from all as the set itself draws them."""
        drawn: jax.Array = self.images.sample(key, size)
        return drawn

    def sample_with_labels(self, key: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
        """Return ``size`` examples and their labels, −1 for those drawn from all.

        Those with a label are spread evenly, so that the parts of a batch have their shares.
        """
        count = min(max(round(self.share * size), 1), size)
        of_all, of_few = jax.random.split(key)
        few, label = self.labelled.sample_with_labels(of_few, count)
        known = np.diff(np.arange(size + 1) * count // size).astype(bool)
        if count == size:
            return few, label
        both = jnp.concatenate([few, self.images.sample(of_all, size - count)])
        place = np.where(known, np.cumsum(known) - 1, count + np.cumsum(~known) - 1)
        return both[place], jnp.where(known, label[np.minimum(place, count - 1)], -1)

    def to_device(self, device: jax.Device | jax.sharding.Sharding | None = None) -> FewLabels:
        """Return the set with its arrays on a device, or spread as a sharding says."""
        return jax.device_put(self, device)


jax.tree_util.register_dataclass(
    FewLabels, data_fields=("images", "labelled"), meta_fields=("share",)
)


def few_labels(
    images: Images | Points, per_class: int, *, share: float = 0.25, seed: int = 0
) -> FewLabels:
    """Return a set in which as many examples of each class keep their label as is said.

    Args:
        images: examples with labels.
        per_class: how many of each class keep theirs; drawn by the seed.
        share: of a batch with labels: what part of it has one, in (0, 1]; at least one example.
        seed: of the draw.

    Returns:
        `FewLabels`, whose batches (`batch_sampler` with ``labels=True``) have the label −1 where
        there is none. Without labels, batches are those of the set itself.

    Raises:
        ValueError: the set has no labels, or a class of fewer examples; the share is not in (0, 1].

    Example:
        >>> import jax, ganfield as gf
        >>> data = gf.data.few_labels(gf.data.digits(), per_class=3)
        >>> data
        FewLabels(30 labels of Images(digits, train: 1442 of 8×8×1, with labels))
        >>> sample = gf.data.batch_sampler(data, batch_size=8, latent_size=2, labels=True)
        >>> (sample(jax.random.key(0)).label >= 0).tolist()
        [False, False, False, True, False, False, False, True]
    """
    if not isinstance(images, Images | Points) or images.labels is None:
        raise ValueError(f"images must be gf.data.Images or Points with labels, got {images!r:.80}")
    per_class = check_count(per_class, argument="per_class")
    check_seed(seed, argument="seed")
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1], got {share!r}")
    labels = np.asarray(images.labels)
    counts = np.bincount(labels)
    classes = np.flatnonzero(counts)
    rarest = classes[np.argmin(counts[classes])]
    if counts[rarest] < per_class:
        raise ValueError(
            f"per_class must be at most {counts[rarest]}, the examples of class {rarest}, got "
            f"{per_class}"
        )
    generator = np.random.default_rng(seed)
    chosen = np.concatenate(
        [generator.choice(np.flatnonzero(labels == each), per_class, False) for each in classes]
    )
    chosen.sort()
    return FewLabels(images, subset(images, chosen), float(share))


def subset(images: Images | Points, chosen: np.ndarray) -> Any:
    """Return the chosen examples of a set, a set of the same kind."""
    labels = None if images.labels is None else np.asarray(images.labels)[chosen]
    if isinstance(images, Points):
        return Points(np.asarray(images.values)[chosen], labels)
    return Images(
        np.asarray(images.pixels)[chosen],
        labels,
        images.class_names,
        name=images.name,
        split=images.split,
        flip=images.flip,
    )
