"""Lines that processes send each other, and a way for JAX's own words beside them."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

HELLO = "ganfield 1"
"""What a process says first: who it is, and in which language."""

_LONGEST = 1000  # bytes of a line
_LOCAL = "127.0.0.1"
_CONNECTING = 10.0  # seconds


def read_line(connection: socket.socket) -> str:
    """Return the next line. What follows it is left where it is.

    Raises:
        TimeoutError: nothing came for as long as the connection allows.
        ConnectionError: it has ended, or no line comes from it.
    """
    line = bytearray()
    while len(line) < _LONGEST:
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError("the connection has ended")
        if byte == b"\n":
            return line.decode(errors="replace")
        line += byte
    raise ConnectionError("what comes is no line")


def send_line(connection: socket.socket, line: str) -> None:
    """Send a line.

    Raises:
        OSError: the connection has ended.
    """
    connection.sendall(f"{line}\n".encode())


def start(function: Callable[..., None], *arguments: Any) -> None:
    """Call a function in a thread that keeps no process alive."""
    threading.Thread(target=function, args=arguments, daemon=True).start()


def free_port() -> int:
    """Return a port of this host that nothing uses."""
    with socket.create_server((_LOCAL, 0)) as server:
        return server.getsockname()[1]


def open_way(address: tuple[str, int], kept: list[socket.socket]) -> int:
    """Open a port of this host that leads to JAX in the first process, and return it.

    When the way breaks, its end here stays open: JAX takes an end that closes for the first
    process's death, and aborts the process before anything can be said.

    Args:
        address: where the first process listens, which `lead` then serves.
        kept: gets the sockets, for somebody to close.
    """
    server = socket.create_server((_LOCAL, 0))
    kept.append(server)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = server.accept()
                kept.append(here)
                start(begin, here)

    def begin(here: socket.socket) -> None:
        with contextlib.suppress(OSError):
            there = socket.create_connection(address, timeout=_CONNECTING)
            kept.append(there)
            there.settimeout(None)
            send_line(there, f"{HELLO} way")
            start(_copy, here, there)
            _copy(there, here)

    start(accept)
    return server.getsockname()[1]


def close(connection: socket.socket) -> None:
    """Close a socket, also while another thread waits for it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def lead(connection: socket.socket, port: int) -> None:
    """Lead what comes from another process to JAX in this one, which may still have to begin.

    Raises:
        OSError: it does not begin.
    """
    end = time.monotonic() + _CONNECTING
    while True:
        try:
            there = socket.create_connection((_LOCAL, port))
            break
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
    connection.settimeout(None)
    start(_copy, there, connection)
    _copy(connection, there)
    close(there)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            target.sendall(content)
