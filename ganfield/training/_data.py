"""From the data of a configuration to images, or to points of the plane."""

import dataclasses
import hashlib
import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ganfield import data
from ganfield.data import Images
from ganfield.errors import lookup
from ganfield.training._config import DataConfig


class Source(NamedTuple):
    """How a set is loaded.

    Attributes:
        loader: the name of its function in `ganfield.data`.
        in_folder: whether it is read from a folder or file, which the loader takes first.
        options: what the loader is told besides.
    """

    loader: str
    in_folder: bool = True
    options: Mapping[str, Any] = {}


DATA: dict[str, Source] = {
    "digits": Source("digits", in_folder=False),
    "cifar10": Source("cifar10"),
    "mnist": Source("mnist"),
    # The centre 160 × 160 pixels of every image, as the official code takes them.
    "celeba": Source("image_folder", options={"crop": 160, "size": 64}),
    "image_folder": Source("image_folder"),
    "npz": Source("load_npz"),
    "ring": Source("ring", in_folder=False),
    "grid": Source("grid", in_folder=False),
}
"""Name → how the set of that name is loaded."""


def load_data(config: DataConfig) -> Any:
    """Return what a configuration trains on: `ganfield.data.Images`, or points of the plane.

    Args:
        config: name, folder and options.

    Returns:
        What has a ``sample(key, size)``.

    Raises:
        ValueError: the name is unknown, a folder is missing or given in vain, an option is not one
            of the loader's; whatever the loader finds wrong with the files.

    Example:
        >>> from ganfield.training import DataConfig
        >>> load_data(DataConfig(name="digits", size=16)).shape
        (16, 16, 1)
    """
    source = lookup(DATA, config.name, argument="data.name")
    loader = getattr(data, source.loader)
    takes = inspect.signature(loader).parameters
    if source.in_folder and config.folder is None:
        raise ValueError(
            f"data.folder must say where {config.name} is (on the command line --data DIR)"
        )
    if not source.in_folder and config.folder is not None:
        raise ValueError(
            f"data.folder is for sets that are read from files, and {config.name} is not: got "
            f"{config.folder!r}"
        )
    options = dict(source.options)
    for name in ("size", "split"):
        value = getattr(config, name)
        if name in takes and value is not None:
            options[name] = value
        elif name == "size" and value is not None:
            raise ValueError(f"data.size is not for {config.name}, got {value}")
    for name, value in config.options.items():
        lookup(dict(takes), name, argument=f"option of data {config.name}")
        options[name] = value
    found = loader(config.folder, **options) if source.in_folder else loader(**options)
    if config.flip:
        if not isinstance(found, Images):
            raise ValueError(f"data.flip is for images, and {config.name} has none")
        found = dataclasses.replace(found, flip=True)
    return found


def fingerprint(examples: Any) -> dict[str, Any]:
    """Return what tells one set from another: its size, and a hash of some of its images.

    Example:
        >>> fingerprint(load_data(DataConfig()))["count"]
        1442
    """
    if not isinstance(examples, Images):
        return {"name": type(examples).__name__}
    chosen = np.linspace(0, len(examples) - 1, min(len(examples), 1024)).astype(int)
    pixels = np.ascontiguousarray(np.asarray(examples.pixels[chosen]))
    return {
        "name": examples.name,
        "split": examples.split,
        "count": len(examples),
        "shape": list(examples.shape),
        "sha256_of_1024": hashlib.sha256(pixels.tobytes()).hexdigest(),
    }
