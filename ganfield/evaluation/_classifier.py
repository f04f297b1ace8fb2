"""A trained classifier as a file, and as a feature function."""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._files import parse_json, write_file
from ganfield._hashes import hash_of
from ganfield._types import PyTree
from ganfield.data._files import read_whole
from ganfield.data._npz import arrays_in
from ganfield.evaluation._features import Features

_FORMAT = "ganfield classifier 2"
_METADATA = "metadata"
_DIGEST = "sha256"
_NEEDED = ("dataset", "image_shape", "num_classes", "width", "num_features", "test_accuracy")


class Classifier(NamedTuple):
    """A trained classifier; `train_classifier` makes one.

    Attributes:
        params: those of ``ganfield.networks.classifier``.
        metadata: plain values: ``dataset``, ``image_shape``, ``num_classes``, ``class_names``,
            ``width``, ``num_features``, ``num_train``, ``num_test``, ``test_accuracy``, how it was
            trained, and ``hash``, the SHA-256 of the parameters.
    """

    params: PyTree
    metadata: dict[str, Any]

    @property
    def hash(self) -> str:
        """SHA-256 of the parameters."""
        return hash_of(self.params)

    @property
    def features(self) -> Features:
        """The feature function: the layer before the logits, and the probabilities.

        Raises:
            ImportError: Flax is not installed.
        """
        # Flax stays out of `import ganfield`.
        from ganfield.networks import classifier

        meta = self.metadata
        shape = tuple(meta["image_shape"])
        network = classifier(
            shape,
            meta["num_classes"],
            width=meta["width"],
            num_features=meta["num_features"],
        )

        @jax.jit
        def apply(params: PyTree, pixels: jax.Array) -> tuple[jax.Array, jax.Array]:
            if pixels.shape[1:] != shape:
                raise ValueError(
                    f"images must have shape {shape}, as those that the classifier of "
                    f"{meta['dataset']} was trained on, got {pixels.shape[1:]}"
                )
            # In float32 whatever the default float is, so that a hash means one set of numbers.
            features, logits = network.apply(params, pixels.astype(jnp.float32) / 127.5 - 1)
            return features, jax.nn.softmax(logits)

        accuracy = f"{100 * meta['test_accuracy']:.2f} % right in test"
        return Features(
            partial(apply, self.params),
            name=f"classifier of {meta['dataset']}, {accuracy}",
            hash=self.hash,
            kind="classifier",
        )


def save_classifier(path: str | os.PathLike[str], classifier: Classifier) -> None:
    """Write a classifier to an ``.npz`` file, atomically.

    The file also has a SHA-256 of metadata and parameters together, by which `load_classifier`
    notices that either was changed.

    Args:
        path: the file. Its folder must exist.
        classifier: what to write.

    Raises:
        ValueError: the path does not end in ``.npz``.
        OSError: it cannot be written.
    """
    target = Path(path)
    if target.suffix != ".npz":
        raise ValueError(f"path must end in .npz, got {str(path)!r}")
    text = json.dumps({"format": _FORMAT, **classifier.metadata}, ensure_ascii=False)
    digest = _digest(text, classifier.hash)
    arrays: dict[str, Any] = {_METADATA: np.array(text), _DIGEST: np.array(digest)}
    for path_of_leaf, leaf in jax.tree_util.tree_leaves_with_path(classifier.params):
        arrays["/".join(str(part.key) for part in path_of_leaf)] = np.asarray(leaf)
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_file(target, content.getvalue())


def load_classifier(path: str | os.PathLike[str]) -> Classifier:
    """Read a classifier that ``ganfield train-classifier`` or `save_classifier` wrote.

    Args:
        path: the ``.npz`` file.

    Returns:
        A `Classifier`; its ``.features`` are what scores take.

    Raises:
        ValueError: the file is none of these, or parameters or metadata are not those that it was
            written with.
        OSError: it cannot be read.
    """
    data = read_whole(Path(path))
    try:
        arrays = arrays_in(data)
        text = str(arrays.pop(_METADATA))
        metadata = parse_json(text)
        if (written := metadata.pop("format")) != _FORMAT:
            raise ValueError(f"another format, {written!r}")
        digest = str(arrays.pop(_DIGEST))
        stored = metadata["hash"]
        classifier = Classifier(_nested(arrays), metadata)
        actual = classifier.hash
        if missing := [name for name in _NEEDED if name not in metadata]:
            raise ValueError(f"metadata without {', '.join(missing)}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(_not_a_classifier(path, str(error))) from error
    if actual != stored:
        raise ValueError(
            f"the parameters in {str(path)!r} have the SHA-256 {actual[:12]}…, and the file "
            f"says {str(stored)[:12]}…: it is damaged or was changed"
        )
    if digest != _digest(text, actual):
        raise ValueError(
            f"the metadata in {str(path)!r} (data set, accuracy and the like) are not those that "
            "it was written with: it was changed"
        )
    return classifier


def _nested(arrays: Mapping[str, np.ndarray]) -> PyTree:
    params: dict[Any, Any] = {}
    for name, array in arrays.items():
        # Flax counts the layers of a list.
        *outer, last = (int(part) if part.isdigit() else part for part in name.split("/"))
        node = params
        for part in outer:
            node = node.setdefault(part, {})
        node[last] = jnp.asarray(array)
    return params


def _digest(metadata: str, hash_of_params: str) -> str:
    return hashlib.sha256(f"{hash_of_params}\n{metadata}".encode()).hexdigest()


def _not_a_classifier(path: Any, why: str) -> str:
    return f"path must be a classifier that ganfield wrote, got {str(path)!r}: {why}"
