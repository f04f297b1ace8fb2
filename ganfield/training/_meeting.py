"""How the processes of a run meet, before JAX brings them together.

JAX waits in silence for one that does not come, does not tell two of the same number apart, and
then aborts with a stack of C++. So they meet here, at the port where JAX would have met them.
"""

import contextlib
import errno
import os
import re
import socket
import time
from collections.abc import Callable, Sequence

from ganfield.training._lines import HELLO, free_port, lead, open_way, read_line, send_line, start
from ganfield.training._link import Link

Say = Callable[[str], None]

_SILENT = 1.0  # seconds that all may take without a word
_GREETING = 10.0  # seconds that whoever connects has to say who it is
_AGAIN = 0.2  # seconds between two attempts


def meet(
    host: str, port: int, *, index: int, count: int, wait: float, say: Say
) -> tuple[Link, int]:
    """Wait until all processes are there.

    Args:
        host: of the first process.
        port: where it listens.
        index: which process this is.
        count: how many there are.
        wait: at most so many seconds.
        say: called with a line that says for whom this process waits.

    Returns:
        The link between them, and the port of this host where JAX finds the first process's JAX.

    Raises:
        OSError: a process does not come, or the port cannot be used.
        ValueError: another process has this number, or another count.
    """
    if index == 0:
        return _receive(port, count, wait, say)
    return _join(host, port, index, count, wait, say)


def in_words(processes: Sequence[int]) -> str:
    """Return the names of processes, the first few of many.

    Example:
        >>> in_words([1]), in_words([1, 2]), in_words(range(1, 9))
        ('process 1', 'processes 1, 2', 'processes 1, 2, 3, 4, …')
    """
    numbers = ", ".join(map(str, processes[:4])) + ", …" * (len(processes) > 4)
    return f"process{'es' * (len(processes) > 1)} {numbers}"


def _receive(port: int, count: int, wait: float, say: Say) -> tuple[Link, int]:
    """Be the first process: listen, and go on listening for those who come too late."""
    try:
        if socket.has_dualstack_ipv6():
            server = socket.create_server(
                ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=count + 16
            )
        else:
            server = socket.create_server(("", port), backlog=count + 16)
    except OSError as error:
        taken = "something listens there already, perhaps another process 0"
        reason = taken if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
        raise OSError(f"process 0 cannot listen at port {port} of this host: {reason}") from error
    link, inner = Link(0, count, wait), free_port()
    link.kept.append(server)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                start(_greet, link, server.accept()[0], inner)

    start(accept)
    end, told = time.monotonic() + wait, None
    link.wait_until(lambda: not link.missing(), min(_SILENT, wait))
    while (late := link.missing()) and (left := end - time.monotonic()) > 0:
        if late != told:
            how = "still waiting" if told else f"waiting at most {wait:g} s"
            told, waiting = late, f"{how} for {in_words(late)} to come to port {port}"
            say(waiting)
            link.send(f"wait process 0 is {waiting}")
        link.wait_while_missing(late, left)
    if late:
        said = f"{in_words(late)} of {count} did not come within {wait:g} s"
        link.send(f"end {said}")
        link.leave(1)
        link.close()
        raise OSError(f"{said} to port {port} of this host")
    link.is_whole = True
    if late := link.missing():
        raise OSError(f"{in_words(late)} left while the others came")
    link.send("go")
    return link, inner


def _greet(link: Link, connection: socket.socket, inner: int) -> None:
    """Find out who has come, and take it in, or say why not."""
    with contextlib.suppress(OSError), connection:
        connection.settimeout(_GREETING)
        said = read_line(connection)
        if said == f"{HELLO} way":
            lead(connection, inner)
        who = re.fullmatch(rf"{HELLO} process (\d{{1,9}}) of (\d{{1,9}})", said)
        if who is None:
            return
        process, count = map(int, who.groups())
        if count != link.count:
            said = f"--num-processes must be {link.count} as in process 0, got {count}"
            send_line(connection, f"no {said}")
        elif not link.add(process, connection):
            send_line(connection, f"no --process-id {process} is taken: another process has it")
        else:
            with contextlib.suppress(OSError):
                send_line(connection, ".")
            link.watch(process, connection)


def _join(host: str, port: int, index: int, count: int, wait: float, say: Say) -> tuple[Link, int]:
    """Be one of the others: find the first process, and wait until it says that all are there."""
    address = f"{host}:{port}"
    connection = _reach(host, port, wait, say)
    link = Link(index, count, wait)
    link.kept.append(connection)
    try:
        _wait_for_all(link, connection, address, say)
    except BaseException:
        link.leave(1)
        link.close()
        raise
    start(link.watch, 0, connection)
    return link, open_way((host, port), link.kept)


def _wait_for_all(link: Link, connection: socket.socket, address: str, say: Say) -> None:
    who = f"what listens at {address} is no first process of ganfield train"
    try:
        connection.settimeout(_GREETING)
        send_line(connection, f"{HELLO} process {link.index} of {link.count}")
        said = read_line(connection)
    except OSError as error:
        raise OSError(who) from error
    link.add(0, connection)
    connection.settimeout(link.wait)
    while said != "go":
        word, _, text = said.partition(" ")
        if word == "no":
            raise ValueError(text)
        if word == "end":
            raise OSError(text)
        if word == "wait":
            say(text)
        elif word != ".":
            raise OSError(who)
        try:
            said = read_line(connection)
        except OSError as error:
            raise OSError(f"process 0 at {address} has gone while it waited for others") from error
    link.is_whole = True


def _reach(host: str, port: int, wait: float, say: Say) -> socket.socket:
    begin, told = time.monotonic(), False
    while True:
        left = begin + wait - time.monotonic()
        try:
            return socket.create_connection((host, port), timeout=max(0.1, min(left, 5.0)))
        except (OSError, UnicodeError) as error:  # The latter of names that cannot be.
            reason = getattr(error, "strerror", None) or error
        if left <= 0:
            raise OSError(f"process 0 did not come to {host}:{port} within {wait:g} s: {reason}")
        if not told and time.monotonic() - begin > _SILENT:
            told = True
            say(f"waiting at most {wait:g} s for process 0 to come to {host}:{port} ({reason})")
        time.sleep(min(_AGAIN, max(left, 0.0)))
