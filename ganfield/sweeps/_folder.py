"""A sweep as a folder: what it is, and its pieces, each a file that is whole or not there."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganfield._describe import describe
from ganfield._files import naming, open_regular, read_json, reason_of, remove_partial, replacing
from ganfield._hashes import hash_of
from ganfield.reporting import check_folder, provenance, save_json, to_json
from ganfield.sweeps._axes import Axis
from ganfield.sweeps._piece import Done
from ganfield.sweeps._plan import Plan, is_float64, plain_keys

_FORMAT = 1
_ABOUT = "sweep.json"
_SECONDS = ("seconds", "compile_seconds")


class Folder:
    """The folder of a sweep. Several processes may write to it: they write the same.

    It holds ``sweep.json``, which says what the sweep is and where it comes from, and
    ``pieces/NUMBER.npz``.

    Args:
        path: the folder, made if need be.
        plan: the sweep.

    Raises:
        ValueError: it can't be used, or holds something else, or another sweep.
    """

    def __init__(self, path: str | os.PathLike[str], plan: Plan):
        self.path = Path(path)
        self._plan = plan
        identity = json.loads(to_json(_identity(plan)))
        self._digest = sha256(to_json(identity).encode()).hexdigest()
        about = self.path / _ABOUT
        if about.exists():
            _check_same(about, read_json(about), identity)
        else:
            _check_empty(self.path)
        check_folder(self.path, argument="folder")
        self._pieces = check_folder(self.path / "pieces", argument="folder")
        if not about.exists():
            save_json(about, {**identity, "provenance": provenance()})

    def load(self) -> dict[int, Done]:
        """Return the pieces that are there.

        Raises:
            ValueError: a file is damaged, or another sweep's.
        """
        places = [(place, self._file(place)) for place in range(len(self._plan.pieces))]
        return {place: self._read(place, path) for place, path in places if path.exists()}

    def save(self, place: int, done: Done) -> None:
        """Write a piece, whole or not at all."""
        path = self._file(place)
        arrays: dict[str, Any] = {f"leaf{i}": leaf for i, leaf in enumerate(done.leaves)}
        clock = np.array([done.seconds, done.compile_seconds])
        arrays |= {"sweep": np.array(self._digest), "clock": clock}
        with replacing(path) as partial, naming(path):
            np.savez(partial, **arrays)

    def finish(self) -> None:
        """Remove what kills left of pieces that were being written."""
        remove_partial(self._pieces)

    def _file(self, place: int) -> Path:
        return self._pieces / f"{place:06d}.npz"

    def _read(self, place: int, path: Path) -> Done:
        try:
            # NumPy would leave a file open that is no archive.
            with open_regular(path) as file, np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            if str(arrays.pop("sweep")) != self._digest:
                raise ValueError("it is of another sweep")
            clock = arrays.pop("clock").tolist()
            leaves = [arrays[f"leaf{i}"] for i in range(len(arrays))]
            return Done(_fitting(self._plan, place, leaves), *clock)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{path} cannot be read: {reason_of(error)}. Remove it, and the same call runs "
                "that piece again"
            ) from error


def _fitting(plan: Plan, place: int, leaves: list[np.ndarray]) -> list[np.ndarray]:
    """Return the leaves of a piece in their types, if they have the shapes of its runs."""
    piece = plan.pieces[place]
    *before, records = jax.eval_shape(plain_keys, plan.programs[piece.program].shapes)
    once, each = jax.tree.leaves(before), jax.tree.leaves(records)
    runs = (piece.end - piece.begin,) if plan.traced else ()
    if len(leaves) != len(once) + len(each):
        raise ValueError(f"it has {len(leaves)} arrays, not {len(once) + len(each)}")
    fitting = []
    for i, (leaf, like) in enumerate(zip(leaves, [*once, *each], strict=True)):
        # NumPy's files know no bfloat16, and give its bytes.
        array = leaf.view(like.dtype) if leaf.dtype.kind == "V" else leaf
        ends = array.shape if i < len(once) else array.shape[1:]
        rows = 1 if i < len(once) else len(array)
        if (
            array.dtype != like.dtype
            or ends != (*runs, *like.shape)
            or not 0 < rows <= len(plan.steps)
        ):
            raise ValueError(f"leaf{i} is {array.dtype}{list(array.shape)}, which does not fit")
        fitting.append(array)
    return fitting


def _identity(plan: Plan) -> dict[str, Any]:
    """Return what makes a sweep this one, in words where there are words."""
    versions = provenance()["versions"]
    return {
        "format": _FORMAT,
        "ganfield": versions.get("ganfield"),
        "jax": versions.get("jax"),
        "float64": is_float64(),
        "num_steps": int(plan.steps[-1]),
        "piece_size": plan.piece_size,
        "axes": {name: _words(axis) for name, axis in plan.axes.items()},
        "traced": list(plan.traced),
        "fixed": {name: hash_of(plain_keys(value)) for name, value in plan.given.items()},
        "programs": [program.digest for program in plan.programs],
    }


def _words(axis: Axis) -> Any:
    if axis.arrays is None:
        return [describe(label) if not isinstance(label, str) else label for label in axis.labels]
    return {"labels": axis.labels, "sha256": hash_of(plain_keys(axis.arrays))}


def _check_same(path: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    if there.get("format") != _FORMAT:
        raise ValueError(
            f"{path} is of another version of sweep folders, {there.get('format')!r:.20}, and this "
            f"one has {_FORMAT}: finish it with the ganfield that began it, or give another folder"
        )
    differences = [
        _difference(n, there.get(n), value) for n, value in here.items() if there.get(n) != value
    ]
    if differences:
        raise ValueError(
            f"folder must be a new one or hold this sweep, and {path.parent} holds another: "
            f"{'; '.join(differences)}"
        )


def _difference(name: str, there: Any, here: Any) -> str:
    if isinstance(there, dict) and isinstance(here, dict):
        names = [key for key in dict.fromkeys([*there, *here]) if there.get(key) != here.get(key)]
        values = [_labels(each.get(names[0])) for each in (there, here)]
        return f"{name}[{names[0]!r}]: {values[0]} → {values[1]}"
    if name == "programs":
        return "build computes something else"
    return f"{name}: {there!r:.60} → {here!r:.60}"


def _labels(words: Any) -> str:
    labels = words.get("labels") if isinstance(words, dict) else words
    return "not there" if labels is None else f"{labels!r:.60}"


def _check_empty(path: Path) -> None:
    if not path.is_dir():
        return
    left = sorted(each.name for each in path.iterdir() if not each.name.startswith("."))
    if left:
        raise ValueError(
            f"folder must be a new or empty one, or hold a sweep, and {path} holds "
            f"{', '.join(left[:3])}{' …' if len(left) > 3 else ''}"
        )
