"""Checkpoints: whole or not there, and what is loaded is what was saved."""

import hashlib
import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as orbax

from ganfield._files import open_regular, read_json, reason_of, write_file
from ganfield._hashes import hash_of
from ganfield._types import PyTree
from ganfield.reporting import check_folder
from ganfield.runs._host import with_keys, without_keys
from ganfield.simulate import Standing

_FILES = "files.json"  # in a checkpoint: the SHA-256 of its other files
_REMOVAL = 0.1  # seconds that the removal of a checkpoint may take
_OVERHEAD = 200_000  # bytes that Orbax writes beside the arrays, with room to spare


class CannotSaveError(OSError):
    """A checkpoint cannot be written."""


class Checkpoints:
    """The last checkpoints of a run, in a folder, written by Orbax.

    Each is written under another name and then renamed, so that a kill leaves either a whole one or
    none. Beside the arrays it has their hash and their shapes: one that was damaged afterwards is
    found out.

    Args:
        folder: made if need be.
        keep: how many of the last ones stay; None to read alone, and change nothing.
        tell: ``tell(message)``, called with what the user should know.
        run: the run's id, which its checkpoints must have; None for runs of versions without ids,
            whose checkpoints may have any.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep: int | None,
        tell: Callable[[str], None],
        run: str | None = None,
    ):
        self._run, self._keep = run, keep
        self._reads_alone = keep is None
        self.folder = folder.absolute() if keep is None else check_folder(folder.absolute())
        self._tell = tell

    @cached_property
    def _manager(self) -> orbax.CheckpointManager:
        """What writes; it looks at every checkpoint, and one that is damaged would stop it."""
        try:
            return self._open()
        except Exception:
            for step in self.steps():
                try:
                    self._check_files(step)
                except OSError as error:
                    self._tell(f"{error}; it is now {self._set_aside(step)}")
            return self._open()

    def _open(self) -> orbax.CheckpointManager:
        with _quiet():
            return orbax.CheckpointManager(
                self.folder,
                options=orbax.CheckpointManagerOptions(
                    create=False,
                    max_to_keep=self._keep,
                    enable_async_checkpointing=False,
                    cleanup_tmp_directories=True,
                    multiprocessing_options=_alone(),
                ),
            )

    def steps(self) -> list[int]:
        """Return the steps of the checkpoints that are there, in ascending order."""
        return _steps(self.folder)

    def last_in_words(self) -> str:
        """Return which checkpoint is the last."""
        return last_saved(self.folder)

    def save(self, carry: Standing, *, seconds: float) -> None:
        """Write a checkpoint, unless there is one of this step.

        Args:
            carry: where the run stands.
            seconds: its wall-clock so far.

        Raises:
            CannotSaveError: it cannot be written; those before it stay.
        """
        step = int(carry.step)
        if step in self.steps():
            return
        plain = without_keys(carry)
        digest = hash_of(plain, named=False)
        about = {"seconds": seconds, "leaves": _leaves(plain), "sha256": digest, "run": self._run}
        content = orbax.args.Composite(
            carry=orbax.args.StandardSave(plain), about=orbax.args.JsonSave(about)
        )
        try:
            _check_room(self.folder, plain)
            with _quiet():
                self._manager.save(step, args=content, force=True)
            written = self.folder / str(step)
            write_file(written / _FILES, json.dumps(_digests(written)).encode())
        except Exception as error:
            # Orbax and TensorStore have many errors for a full disk; their first line says it.
            raise CannotSaveError(
                f"the checkpoint of step {step} cannot be written to {self.folder}: "
                f"{_first_line(error)}; {self.last_in_words()}"
            ) from error

    def load_last(self, like: Standing) -> tuple[Standing, float] | None:
        """Return the last checkpoint that is whole, and its wall-clock; None where there is none.

        Those that are damaged are told of and renamed, so that the run can write them again.

        Args:
            like: a carry of the same structure.

        Raises:
            ValueError: the checkpoint is of another structure (other networks, another optimizer),
                or another run's.
            OSError: all checkpoints are damaged.
        """
        left = steps = self.steps()
        damaged: list[tuple[int, OSError]] = []
        while left:
            *left, step = left
            try:
                last = self.load(step, like)
            except OSError as error:
                if self.went(step):
                    left = steps = self.steps()
                    damaged.clear()
                else:
                    damaged.append((step, error))
                continue
            # Only now, so that a folder that is refused stays as it is.
            for bad, why in damaged:
                then = ": the one before is taken"
                if not self._reads_alone:
                    then = f"; it is now {self._set_aside(bad)}"
                self._tell(f"{why}{then}")
            return last
        if steps or any(self.folder.glob("damaged.*")):
            raise OSError(
                f"every checkpoint in {self.folder} is damaged: there is none to go on from. Give "
                "another folder, or remove this one to start again"
            )
        return None

    def went(self, step: int) -> bool:
        """Return whether a checkpoint that cannot be read is no longer there.

        A run that is going on removes its oldest ones, also while another process reads them.
        """
        if not self._reads_alone:
            return False
        time.sleep(_REMOVAL)
        return step not in self.steps()

    def _set_aside(self, step: int) -> str:
        """Give a damaged checkpoint another name, and return it."""
        aside = self.folder / f"damaged.{step}"
        for number in range(1, 1000):
            if not aside.exists():
                break
            aside = self.folder / f"damaged.{step}.{number}"
        (self.folder / str(step)).rename(aside)
        return aside.name

    def is_double(self) -> bool:
        """Return whether a run is in float64, by the first checkpoint that can be read."""
        for step in reversed(self.steps()):
            try:
                return any("float64" in text for text in self._about(step)["leaves"].values())
            except OSError:
                continue
        return False

    def load(self, step: int, like: Standing) -> tuple[Standing, float]:
        """Return one checkpoint and its wall-clock.

        Raises:
            ValueError: it is of another structure than ``like``, or another run's.
            OSError: it is damaged.
        """
        plain = without_keys(like)
        self._check_files(step)
        about = self._about(step)
        if self._run is not None and about.get("run") != self._run:
            raise ValueError(
                f"the checkpoint of step {step} in {self.folder} is another run's: it has the id "
                f"{about.get('run')}, and this run {self._run}. Remove it, or put it back"
            )
        _check_leaves(_leaves(plain), about["leaves"], step, self.folder)
        try:
            with _quiet(), _reader() as reader:
                saved = reader.restore(
                    self.folder / str(step) / "carry", args=orbax.args.StandardRestore(plain)
                )
        except MemoryError:
            raise
        except Exception as error:
            _check_memory(error)
            raise self._damaged(step, _first_line(error)) from error
        if hash_of(saved, named=False) != about["sha256"]:
            raise self._damaged(step, "its arrays are not those that were saved")
        if int(saved.step) != step:
            raise self._damaged(step, f"it is of step {int(saved.step)}")
        return with_keys(saved, like), about["seconds"]

    def _about(self, step: int) -> dict[str, Any]:
        """Return what a checkpoint says of itself: seconds, leaves, sha256, run."""
        # Where Orbax has its JSON; it is ours, and is read as all that is ours.
        path = self.folder / str(step) / "about" / "metadata"
        try:
            about = read_json(path)
            about["seconds"] = float(about["seconds"])
            if not (isinstance(about["sha256"], str) and math.isfinite(about["seconds"])):
                raise ValueError(f"it has the sha256 {about['sha256']!r:.40}")
            if not all(isinstance(kind, str) for kind in dict(about["leaves"]).values()):
                raise ValueError("its leaves are no texts")
        except (OSError, ValueError, TypeError, LookupError, OverflowError) as error:
            raise self._damaged(step, f"{path.parent.name}: {reason_of(error)}") from error
        return about

    def _check_files(self, step: int) -> None:
        """Raise an ``OSError`` unless every file has the bytes that were written.

        Orbax's own readers may say much more than a line where one has not. A checkpoint of an
        earlier version, or one that a kill left just as it was written, has no digests.
        """
        folder = self.folder / str(step)
        try:
            written = read_json(folder / _FILES)
            here = _digests(folder)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise self._damaged(step, reason_of(error)) from error
        for name in dict.fromkeys([*written, *here]):
            if written.get(name) != here.get(name):
                said = "has other bytes than were written" if name in here else "is not there"
                raise self._damaged(step, f"{name} {said}")

    def _damaged(self, step: int, why: str) -> OSError:
        return OSError(
            f"the checkpoint of step {step} is damaged, {self.folder / str(step)}: {why}"
        )

    def close(self) -> None:
        """Let go of the folder."""
        if "_manager" in self.__dict__:
            self._manager.close()


def last_saved(folder: Path) -> str:
    """Return in words which checkpoint in a folder is the last."""
    steps = _steps(folder) if folder.is_dir() else []
    if not steps:
        return "there is no checkpoint yet"
    return f"the last good checkpoint is of step {steps[-1]}"


def _steps(folder: Path) -> list[int]:
    # What is being written has another name.
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    return sorted(int(name) for name in names if name.isdecimal() and name == str(int(name)))


def _digests(folder: Path) -> dict[str, str]:
    """Return the name of every file in a checkpoint → its SHA-256."""
    digests = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name != _FILES:
            with open_regular(path) as file:
                digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def _reader() -> orbax.Checkpointer:
    return orbax.Checkpointer(orbax.StandardCheckpointHandler(), multiprocessing_options=_alone())


def _alone() -> orbax.options.MultiprocessingOptions:
    """Return what keeps Orbax from waiting for other processes: this one writes everything."""
    if jax.process_count() == 1:
        return orbax.options.MultiprocessingOptions()
    here = jax.process_index()
    return orbax.options.MultiprocessingOptions(
        primary_host=here, active_processes={here}, barrier_sync_key_prefix="ganfield"
    )


def _check_memory(error: Exception) -> None:
    """Raise an error again that speaks of memory: the file may be whole."""
    if "RESOURCE_EXHAUSTED" in str(error):
        raise error


def _check_room(folder: Path, tree: PyTree) -> None:
    """Raise an ``OSError`` if the disk has less room than a checkpoint takes.

    Orbax's threads find it out too, but late, and each says so.
    """
    needed = sum(leaf.nbytes for leaf in jax.tree.leaves(tree)) + _OVERHEAD
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            f"No space left on device: {needed / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB free"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Orbax: it logs a trace for every thread that fails, and all is told here."""
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _leaves(tree: PyTree) -> dict[str, str]:
    """Return what every leaf is called → its dtype and shape."""
    return {
        jax.tree_util.keystr(path): f"{leaf.dtype}{list(leaf.shape)}"
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def _check_leaves(here: dict[str, str], saved: dict[str, str], step: int, folder: Path) -> None:
    for name in dict.fromkeys([*here, *saved]):
        if here.get(name) != saved.get(name):
            raise ValueError(
                f"the checkpoint of step {step} in {folder} does not fit this configuration: "
                f"{name} is {saved.get(name, 'not there')} in it and {here.get(name, 'not there')} "
                "here"
            )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
