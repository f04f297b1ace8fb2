"""From the data of a configuration to images, or to points of the plane."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ganfield import data
from ganfield._hashes import hash_of
from ganfield._registry import Registry
from ganfield.checks import lookup
from ganfield.configuration._config import DataConfig
from ganfield.configuration._options import arguments, keywords, naming_options
from ganfield.data import FewLabels, Images, Pairs, Points

_SOME = 1024  # images of a set on disk that are hashed


class Source(NamedTuple):
    """How a set is loaded.

    Attributes:
        loader: the name of its function in `ganfield.data`.
        in_folder: whether it is read from a folder or file, which the loader takes first.
        options: what the loader is told besides.
        has_parts: whether the loader can give one for training and one for testing.
        images: whether it gives images, which can be mirrored.
    """

    loader: str
    in_folder: bool = True
    options: Mapping[str, Any] = {}
    has_parts: bool = True
    images: bool = True


def _plane(loader: str) -> Source:
    return Source(loader, in_folder=False, has_parts=False, images=False)


DATA: Registry[Source] = Registry(
    "data set",
    {
        "digits": Source("digits", in_folder=False),
        "cifar10": Source("cifar10"),
        "mnist": Source("mnist"),
        "fashion_mnist": Source("fashion_mnist"),
        # As in the official code: the centre 160 × 160 pixels; 10,000 of 202,599 images to test.
        "celeba": Source("image_folder", options={"crop": 160, "size": 64, "num_test": 10_000}),
        "image_folder": Source("image_folder"),
        "npz": Source("load_npz", has_parts=False),
        "memory_mapped": Source("memory_mapped", has_parts=False),
        "points": Source("load_points", has_parts=False, images=False),
        "ring": _plane("ring"),
        "grid": _plane("grid"),
        "two_moons": _plane("two_moons"),
        "spiral": _plane("spiral"),
        "swiss_roll": _plane("swiss_roll"),
        "nested_rings": _plane("nested_rings"),
        "checkerboard": _plane("checkerboard"),
        "pinwheel": _plane("pinwheel"),
    },
)
"""Name → how the set of that name is loaded."""


def load_data(config: DataConfig) -> Any:
    """Return what a configuration trains on: `ganfield.data.Images`, or points of the plane.

    Args:
        config: name, folder and options.

    Returns:
        What has a ``sample(key, size)``.

    Raises:
        ValueError: the name is unknown, a folder is missing or given in vain, the set has no such
            part, an option is not one of the loader's; whatever the loader finds wrong with the
            files.

    Example:
        >>> from ganfield.configuration import DataConfig
        >>> load_data(DataConfig(name="digits", size=16)).shape
        (16, 16, 1)
    """
    source = lookup(DATA, config.name, argument="data.name")
    loader = getattr(data, source.loader)
    takes = keywords(loader, skip=int(source.in_folder))
    if source.in_folder and config.folder is None:
        raise ValueError(f"data.folder must say where {config.name} is")
    if not source.in_folder and config.folder is not None:
        raise ValueError(
            f"data.folder is for sets that are read from files, and {config.name} is not: got "
            f"{config.folder!r}"
        )
    for name, given in (("size", config.size is not None), ("split", source.has_parts)):
        if given and name in config.options:
            raise ValueError(
                f"data.{name} and data.options.{name} are the same: give data.{name} alone, got "
                f"{getattr(config, name)!r} and {config.options[name]!r:.40}"
            )
    options = dict(source.options)
    if config.size is not None:
        if "size" not in takes:
            raise ValueError(f"data.size is not for {config.name}, got {config.size}")
        options["size"] = config.size
    if source.has_parts:
        options["split"] = config.split
    elif config.split != "train":
        raise ValueError(
            f"data.split is for sets with a part for testing, and {config.name} has none: got "
            f"{config.split!r}"
        )
    options |= arguments(config.options, takes, argument="data.options")
    with naming_options(config.options, argument="data.options"):
        examples = loader(config.folder, **options) if source.in_folder else loader(**options)
    if config.flip:
        if not source.images:
            raise ValueError(f"data.flip is for images, and {config.name} has none")
        examples = dataclasses.replace(examples, flip=True)
    if config.labels_per_class is not None and config.pairs is not None:
        raise ValueError("data.labels_per_class and data.pairs are for different games: give one")
    if config.labels_per_class is not None:
        with _named("labels_per_class"):
            return data.few_labels(examples, config.labels_per_class, share=config.labelled_share)
    if config.pairs is not None:
        pair = lookup(data.PAIRS, config.pairs, argument="data.pairs")
        with _named("pairs"):
            return pair(examples)
    return examples


@contextmanager
def _named(setting: str) -> Iterator[None]:
    """Say in a ``ValueError`` which setting it comes of."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"data.{setting}: {error}") from error


def fingerprint(examples: Any) -> dict[str, Any]:
    """Return what tells one set from another: its size, and hashes of its examples and labels.

    Of images that stay on disk, which may be more than can be read in a reasonable time, 1024 are
    hashed.

    Example:
        >>> fingerprint(load_data(DataConfig()))["count"]
        1442
    """
    if isinstance(examples, FewLabels):
        return {**fingerprint(examples.images), "labelled": fingerprint(examples.labelled)}
    if isinstance(examples, Pairs):
        return {**fingerprint(examples.images), "sources": fingerprint(examples.sources)}
    if isinstance(examples, Points):
        about: dict[str, Any] = {"name": "points"}
        pixels = examples.values
    elif isinstance(examples, Images):
        about = {"name": examples.name, "split": examples.split}
        pixels = examples.pixels
    else:
        return {"name": type(examples).__name__}
    labels, hashed = examples.labels, "sha256"
    if isinstance(pixels, np.memmap):
        pixels = pixels[np.linspace(0, len(pixels) - 1, min(len(pixels), _SOME)).astype(int)]
        hashed = f"sha256_of_{_SOME}"
    return {
        **about,
        "count": len(examples),
        "shape": list(examples.shape),
        hashed: hash_of(pixels, named=False),
        "sha256_of_labels": None if labels is None else hash_of(labels, named=False),
    }
