"""Checkpoints: whole or not there, and what is loaded is what was saved."""

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import jax
import orbax.checkpoint as orbax

from ganfield._hashes import hash_of
from ganfield._types import PyTree
from ganfield.reporting import check_folder
from ganfield.runs._host import with_keys, without_keys
from ganfield.simulate import Standing

T = TypeVar("T")

_OVERHEAD = 200_000  # bytes that Orbax writes beside the arrays, with room to spare

_LOOKS = 20  # through a folder from which a run removes checkpoints
_REMOVAL = 0.1  # seconds that the removal of a checkpoint may take


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
    """

    def __init__(self, folder: Path, *, keep: int | None, tell: Callable[[str], None]):
        self._reads_alone = keep is None
        self.folder = folder.absolute() if keep is None else check_folder(folder.absolute())
        self._tell = tell
        self._manager = _listing(
            lambda: orbax.CheckpointManager(
                self.folder,
                options=orbax.CheckpointManagerOptions(
                    create=False,
                    max_to_keep=keep,
                    enable_async_checkpointing=False,
                    cleanup_tmp_directories=not self._reads_alone,
                    read_only=self._reads_alone,
                    multiprocessing_options=_alone(),
                ),
            )
        )

    def steps(self) -> list[int]:
        """Return the steps of the checkpoints that are there, in ascending order."""
        return sorted(self._manager.all_steps())

    def last_in_words(self) -> str:
        """Return which checkpoint is the last."""
        self._manager.reload()
        steps = self.steps()
        if not steps:
            return "there is no checkpoint yet"
        return f"the last good checkpoint is of step {steps[-1]}"

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
        about = {"seconds": seconds, "leaves": _leaves(plain), "sha256": digest}
        content = orbax.args.Composite(
            carry=orbax.args.StandardSave(plain), about=orbax.args.JsonSave(about)
        )
        try:
            _check_room(self.folder, plain)
            with _quiet():
                self._manager.save(step, args=content, force=True)
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
            ValueError: the checkpoint is of another structure: other networks, another optimizer.
            OSError: all checkpoints are damaged.
        """
        left = steps = self.steps()
        while left:
            *left, step = left
            try:
                return self.load(step, like)
            except OSError as error:
                if self.went(step):
                    left = steps = self.steps()
                elif self._reads_alone:
                    self._tell(f"{error}: the one before is taken")
                else:
                    self._set_aside(step, error)
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
        _listing(self._manager.reload)
        return step not in self.steps()

    def _set_aside(self, step: int, error: OSError) -> None:
        """Rename a damaged checkpoint, so that the run can write it again."""
        aside = self.folder / f"damaged.{step}"
        for number in range(1, 1000):
            if not aside.exists():
                break
            aside = self.folder / f"damaged.{step}.{number}"
        (self.folder / str(step)).rename(aside)
        self._manager.reload()
        self._tell(f"{error}; it is now {aside.name}")

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
            ValueError: it is of another structure than ``like``.
            OSError: it is damaged.
        """
        plain = without_keys(like)
        damaged = _damaged(step)
        about = self._about(step)
        _check_leaves(_leaves(plain), about["leaves"], step)
        try:
            with _quiet():
                saved = self._manager.restore(
                    step, args=orbax.args.Composite(carry=orbax.args.StandardRestore(plain))
                )["carry"]
        except MemoryError:
            raise
        except Exception as error:
            _check_memory(error)
            raise OSError(f"{damaged}: {_first_line(error)}") from error
        if hash_of(saved, named=False) != about["sha256"]:
            raise OSError(f"{damaged}: its arrays are not those that were saved")
        return with_keys(saved, like), float(about["seconds"])

    def _about(self, step: int) -> dict[str, Any]:
        """Return what a checkpoint says of itself: seconds, leaves, sha256."""
        try:
            with _quiet():
                described = self._manager.restore(
                    step, args=orbax.args.Composite(about=orbax.args.JsonRestore())
                )
            about = dict(described["about"])
            return about | {"leaves": dict(about["leaves"])}
        except MemoryError:
            raise
        except Exception as error:
            _check_memory(error)
            raise OSError(f"{_damaged(step)}: {_first_line(error)}") from error

    def close(self) -> None:
        """Let go of the folder."""
        self._manager.close()


def _listing(look: Callable[[], T]) -> T:
    """Return what looks through the folder, and looks again where a checkpoint went meanwhile."""
    with _quiet():
        for _ in range(_LOOKS):
            try:
                return look()
            except FileNotFoundError:
                continue
        return look()


def _damaged(step: int) -> str:
    return f"the checkpoint of step {step} is damaged"


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


def _check_leaves(here: dict[str, str], saved: dict[str, str], step: int) -> None:
    for name in dict.fromkeys([*here, *saved]):
        if here.get(name) != saved.get(name):
            raise ValueError(
                f"the checkpoint of step {step} does not fit this configuration: {name} is "
                f"{saved.get(name, 'not there')} in it and {here.get(name, 'not there')} here"
            )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
