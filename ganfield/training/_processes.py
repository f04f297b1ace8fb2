"""The processes of a run on several hosts: the first one reads and writes, all of them compute."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import ClassVar, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from ganfield import program
from ganfield._types import PyTree
from ganfield.runs._host import with_keys, without_keys
from ganfield.training._link import Link

T = TypeVar("T")

# What the errors of calls say in which a process is gone; they have no type of their own.
_GONE = re.compile("gloo|nccl|coordination|heartbeat|connection|socket|peer", re.IGNORECASE)


class ProcessLostError(ConnectionAbortedError):
    """Another process is gone."""


class Processes:
    """How the processes that ``jax.distributed`` brought together stay together.

    What one of them decides by its clock, its disk or a signal must reach the others before the
    next compiled step, or they wait for each other for ever. Where there is one process only, every
    method does what its words say and nothing else.

    Attributes:
        count: how many there are.
        is_first: whether this one reads and writes.
        link: what tells which process is gone, where the command line has connected them.
    """

    link: ClassVar[Link | None] = None

    def __init__(self) -> None:
        self.count = jax.process_count()
        self.is_first = jax.process_index() == 0

    def first(self, action: Callable[[], T]) -> T | None:
        """Let the first process do something, and return what came of it; None in the others.

        Raises:
            ConnectionAbortedError: in the others, where it fails in the first; there the error.
        """

        def undisturbed() -> T:
            with nullcontext() if self.link is None else self.link.busy:
                return action()

        return self._do(undisturbed, self.is_first)

    def each(self, action: Callable[[], T]) -> T:
        """Let every process do something, and return what came of it.

        Raises:
            ConnectionAbortedError: it fails in another process; there the error.
        """
        result = self._do(action, True)
        assert result is not None
        return result

    def _do(self, action: Callable[[], T], here: bool) -> T | None:
        if self.count == 1:
            return action()
        result, error = None, None
        if here:
            try:
                result = action()
            except BaseException as caught:
                # One who is interrupted tells the others by the link, for they may be anywhere.
                if self.link is not None and isinstance(caught, KeyboardInterrupt):
                    raise
                error = caught
        failed = self._gathered(np.int32(error is not None))
        if error is not None:
            raise error
        if failed.any():
            raise ConnectionAbortedError(
                f"process {np.flatnonzero(failed)[0]} ended the run: what it printed says why"
            )
        return result

    def shared(self, tree: PyTree) -> PyTree:
        """Return the arrays that the first process has; the others give some of the same shapes."""
        if self.count == 1:
            return tree
        with self.together():
            plain = multihost_utils.broadcast_one_to_all(without_keys(tree))
        return with_keys(plain, tree)

    def text(self, value: str | None) -> str:
        """Return the text that the first process has."""
        content = np.frombuffer((value or "").encode(), np.uint8)
        size = int(self.shared(np.int32(content.size)))
        buffer = np.zeros(size, np.uint8)
        if self.is_first:
            buffer[:] = content
        return np.asarray(self.shared(buffer)).tobytes().decode()

    def decided(self, why: str | None) -> str:
        """Return why the first process wants something done, nothing where it does not."""
        wanted = bool(self.shared(np.bool_(bool(why))))
        return self.text(why) if wanted else ""

    def check_same(self, text: str, what: str) -> None:
        """Raise a ``ValueError`` in every process if they were not given the same."""
        if self.count == 1:
            return
        digest = np.frombuffer(hashlib.sha256(text.encode()).digest(), np.int32)
        digests = self._gathered(digest)
        others = np.flatnonzero((digests != digests[0]).any(1))
        if others.size:
            raise ValueError(
                f"every process must be given the same {what}: process {others[0]} has another "
                "than process 0"
            )

    def agreed(self, seconds: float, signal: int | None) -> tuple[float, int | None]:
        """Return what the first process's clock says, and any process's signal."""
        if self.count == 1:
            return seconds, signal
        both = self._gathered(np.array([seconds, signal or 0], np.float32))
        return float(both[0, 0]), int(both[:, 1].max()) or None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do what all processes do at once.

        Raises:
            ProcessLostError: another process is gone.
            KeyboardInterrupt: it was interrupted.
        """
        try:
            yield
        except (RuntimeError, ValueError) as error:
            if self.count == 1 or not _GONE.search(str(error)):
                raise
            if self.link is None:
                raise ProcessLostError("another process was lost") from error
            why = self.link.who_is_gone()
            if self.link.code > 128:
                program.hear(self.link.code - 128)
                raise KeyboardInterrupt(why) from error
            raise ProcessLostError(why) from error

    def _gathered(self, value: np.ndarray | np.generic) -> np.ndarray:
        """Return the values of all processes, stacked."""
        with self.together():
            return np.asarray(multihost_utils.process_allgather(np.asarray(value)))


def local(tree: PyTree) -> PyTree:
    """Return this process's copy, on one device, of arrays of which every device has one."""
    return jax.tree.map(lambda leaf: leaf.addressable_data(0), tree)
