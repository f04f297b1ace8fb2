"""What keeps processes that have met in touch: each hears at once that another one is gone."""

import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable

from ganfield.training._lines import close, read_line, send_line, start

_GRACE = 3.0  # seconds that the main thread has to leave by itself
_PARTING = 1.0  # seconds that the first process waits for the others to leave
_PULSE = 5.0  # seconds between signs of life, or a quarter of what is waited for


class Link:
    """The first process's connections to all others, or the one of another process to it.

    A connection that ends tells of a death at once; signs of life tell of a host or a network that
    is gone, and of a process that stands still.

    Args:
        index: which process this is.
        count: how many there are.
        wait: seconds without a sign of life after which a process is taken for lost.

    Attributes:
        why: what became of a process that is gone, in words; None while all are there.
        code: the exit code that it calls for.
        busy: held while something is written, which is then not cut short.
        kept: what `close` closes.
        give_up: ``give_up(why, code)``, called from another thread where a process is gone and the
            main thread has not left after some seconds.
    """

    def __init__(self, index: int, count: int, wait: float):
        self.index, self.count, self.wait = index, count, wait
        self.why: str | None = None
        self.code = 1
        self.busy = threading.RLock()
        self.kept: list[socket.socket] = []
        self.give_up: Callable[[str, int], None] | None = None
        self.is_whole = self._is_over = self._was_told = False
        self._peers: dict[int, socket.socket] = {}
        self._change = threading.Condition()
        self._sending = threading.Lock()
        self._has_left = threading.Event()
        start(self._live)

    def missing(self) -> list[int]:
        """Return which processes are not there."""
        others = [0] if self.index else range(1, self.count)
        return [each for each in others if each not in self._peers]

    def add(self, process: int, connection: socket.socket) -> bool:
        """Take a process in, unless it is there already."""
        with self._change:
            if process in self._peers:
                return False
            self._peers[process] = connection
            self._change.notify_all()
        return True

    def wait_until(self, condition: Callable[[], object], seconds: float) -> bool:
        """Wait until a condition holds, at most so many seconds; return whether it does."""
        end = time.monotonic() + seconds
        with self._change:
            while not condition() and (left := end - time.monotonic()) > 0:
                # In short pieces, so that Ctrl-C is heard on every system.
                self._change.wait(min(left, 0.5))
            return bool(condition())

    def wait_while_missing(self, processes: list[int], seconds: float) -> None:
        """Wait until others are missing than these, at most so many seconds."""
        self.wait_until(lambda: self.missing() != processes, seconds)

    def send(self, line: str) -> None:
        """Send a line to all that are there."""
        for connection in list(self._peers.values()):
            with contextlib.suppress(OSError), self._sending:
                send_line(connection, line)

    def watch(self, process: int, connection: socket.socket) -> None:
        """Listen to a process until it is gone."""
        why, code = f"process {process} was lost", 1
        connection.settimeout(self.wait)
        try:
            while True:
                word, _, rest = read_line(connection).partition(" ")
                if word == "bye":
                    code = int(rest)
                    self._was_told = True
                    said = "ended the run: what it printed says why"
                    why = f"process {process} {'was interrupted' if code > 128 else said}"
                    break
                if word == "lost":
                    number, _, told = rest.partition(" ")
                    start(self._lose, told, int(number))
        except TimeoutError:
            why = f"process {process} has given no sign of life for {self.wait:g} s"
        except (OSError, ValueError):
            pass
        with self._change:
            self._peers.pop(process, None)
            self._change.notify_all()
        connection.close()
        if self.is_whole:
            self._lose(why, code)

    def who_is_gone(self, seconds: float = 3.0) -> str:
        """Return why a call of all processes has failed: which one is gone."""
        self.wait_until(lambda: self.why, seconds)
        return self.why or "another process was lost"

    def part(self) -> None:
        """Say that no process needs another one any more; all but the first wait for its end.

        Raises:
            ConnectionAbortedError: the first process was lost.
        """
        with self._change:
            self._is_over = True
        if self.index == 0:
            return
        self.wait_until(self.missing, math.inf)
        if not self._was_told:
            raise ConnectionAbortedError("process 0 was lost when all steps were taken")

    def leave(self, code: int) -> None:
        """Say good-bye."""
        self._is_over = True
        self._has_left.set()
        self.send(f"bye {code}")
        if self.index == 0:
            # A connection that its owner closes first may lose what was sent last.
            self.wait_until(lambda: not self._peers, _PARTING)

    def close(self) -> None:
        """Close all sockets, where JAX does not use them."""
        for each in self.kept:
            close(each)

    def _lose(self, why: str, code: int) -> None:
        with self._change:
            if self._is_over or self.why is not None:
                return
            self.why, self.code = why, code
            self._change.notify_all()
        if self.index == 0:
            self.send(f"lost {code} {why}")
        time.sleep(_GRACE)
        with self.busy:
            if self.give_up is not None and not self._is_over:
                self.give_up(why, code)

    def _live(self) -> None:
        while not self._has_left.wait(min(_PULSE, self.wait / 4)):
            self.send(".")
