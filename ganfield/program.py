"""How a program ends that Ctrl-C ends: with one sentence and exit code 130, at every moment.

So does SIGTERM, with 143. While compiled code runs the main thread hears neither; then another
thread ends the program, within seconds.

The command ``ganfield`` is such a program, and so is a script whose first lines are::

    if __name__ == "__main__":
        import ganfield.program

        ganfield.program.begin()

and which hands itself to `ganfield.cli.script`. Of a library that is only imported Ctrl-C stays
what it is. Next to nothing is imported here, for this is what guards the imports.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from types import FrameType
    from typing import Any
else:
    import _signal as signal  # What `signal` wraps: without the enumerations.

_PATIENCE = 5.0  # seconds that the main thread has to hear a signal
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_is_program = False
_interrupts: list[int] = []  # the signals that were heard
_partings: list[Callable[[int], None]] = []
_keeping = 0
_is_heard = False


def begin() -> None:
    """Make this process a program that Ctrl-C ends at once, for nothing is worth keeping yet.

    It does so when it is imported, if the program asks for it: before everything that takes time.
    """
    global _is_program
    if not _is_program:
        _is_program = True
        sys.excepthook = _end_in_a_sentence
        sys.unraisablehook = _interrupt_again
        _handle(_end_at_once)


def has_begun() -> bool:
    """Return whether this process is a program, and not somebody's who imported a library.

    Example:
        >>> has_begun()
        False
    """
    return _is_program


class Running:
    """Do what may have something to keep: here Ctrl-C is a ``KeyboardInterrupt``.

    So is whatever comes of one that compiled code or an import turned into another error.

    Raises:
        KeyboardInterrupt: after Ctrl-C.

    Example:
        >>> with Running():
        ...     print("a result")
        a result
    """

    def __enter__(self) -> None:
        if _is_program:
            _handle(_note)
            _hear_beside()

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if _is_program:
            _handle(_end_at_once)
        if _interrupts and error is not None and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error


class Keeping:
    """Do what keeps its results on Ctrl-C: the first one waits until the main thread hears it.

    Example:
        >>> with Keeping():
        ...     print("a result")
        a result
    """

    def __enter__(self) -> None:
        global _keeping
        _keeping += 1

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        global _keeping
        _keeping -= 1


def before_leaving(part: Callable[[int], None]) -> None:
    """Have ``part(code)`` called before the program ends, and have `leave` end it always.

    Args:
        part: what parts from other processes.
    """
    _partings.append(part)


def has_to_part() -> bool:
    """Return whether `before_leaving` was called.

    Example:
        >>> has_to_part()
        False
    """
    return bool(_partings)


def interrupted() -> int:
    """Return the exit code of a program that a signal has ended: 130, or 143 after SIGTERM.

    Example:
        >>> interrupted()
        130
    """
    return 128 + (_interrupts[-1] if _interrupts else signal.SIGINT)


def hear(number: int) -> None:
    """Take note of a signal, which may have come to another process of the same run."""
    _interrupts.append(number)


def leave(code: int) -> None:
    """End a program at once, when all that it has is saved and said.

    Python's own way out lets JAX take down what a compilation may still use, and then the process
    dies of a segmentation fault; and one of several processes would wait there for those that are
    gone. Does nothing where the process is no program, or one of several that nothing parts.

    Args:
        code: the exit code.

    Example:
        >>> leave(1)  # Nobody's program: its caller decides.
    """
    jax: Any = sys.modules.get("jax")
    together = jax is not None and jax.distributed.is_initialized()
    if not _is_program or (together and not _partings):
        return
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # The reader has gone.
            continue
    _exit(code)


def end(message: str, code: int) -> None:
    """End a program at once with a sentence, whatever its main thread does.

    Args:
        message: what went wrong.
        code: the exit code.

    Example:
        >>> end("too late", 1)  # Nobody's program.
    """
    if _is_program:
        # A bar of progress hides the cursor.
        shown = "\r\x1b[K\x1b[?25h" if os.isatty(2) else ""
        try:
            os.write(2, f"{shown}error: {message}\n".encode(errors="replace"))
        finally:  # The reader may have gone.
            _exit(code)


def _exit(code: int) -> None:
    for part in _partings:
        part(code)
    os._exit(code)


def _handle(handler: Any) -> None:
    """Take the signals, but those that the process shall ignore or that something else takes."""
    free = (signal.default_int_handler, signal.SIG_DFL, _end_at_once, _note)
    for number in _SIGNALS:
        if signal.getsignal(number) in free:
            try:
                signal.signal(number, handler)
            except ValueError:  # Only the main thread can.
                return


def _end_at_once(number: int, frame: FrameType | None) -> None:
    # Not an exception: what is being imported might make another one of it, or a crash.
    end("interrupted", 128 + number)


def _note(number: int, frame: FrameType | None) -> None:
    hear(number)
    raise KeyboardInterrupt


def _hear_beside() -> None:
    """Have signals heard by a thread too: the main one hears none while compiled code runs."""
    global _is_heard
    if _is_heard:
        return
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    try:
        signal.set_wakeup_fd(writes, warn_on_full_buffer=False)
    except ValueError:  # Only the main thread can.
        return
    _is_heard = True
    start_new_thread(_hear, (reads,))


def _hear(pipe: int) -> None:
    waited_for = set()
    ours = (_note, _end_at_once)
    while True:
        number = os.read(pipe, 1)[0]
        if number not in _SIGNALS:
            continue
        handler, heard = signal.getsignal(number), len(_interrupts)
        # What is kept is worth to wait for, once; so is what `training` saves with its own handler.
        if (_keeping or handler not in ours) and number not in waited_for:
            waited_for.add(number)
            continue
        time.sleep(_PATIENCE)
        if signal.getsignal(number) is handler and len(_interrupts) == heard:
            _end_at_once(number, None)


def _interrupt_again(unraisable: Any) -> None:
    """Raise a ``KeyboardInterrupt`` again that met a destructor, where exceptions get lost."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        from threading import Timer

        # Later, for here it would be lost again.
        again = Timer(0.01, os.kill, (os.getpid(), interrupted() - 128))
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(unraisable)


def _end_in_a_sentence(kind: Any, error: BaseException, traceback: Any) -> None:
    """Say in one sentence what package an import needs; any other error has its traceback."""
    from ganfield._extras import say_missing

    said = say_missing(error) if isinstance(error, ImportError) else None
    if said is None:
        sys.__excepthook__(kind, error, traceback)
    else:
        print(f"error: {said}", file=sys.stderr)


def _asks_for_it() -> bool:
    """Return whether the program is the command, or a script that imports this very module."""
    if sys.argv[:1] == ["-m"]:  # Python is looking for the module that it is to run.
        words = sys.orig_argv
        named = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
        return named.partition(".")[0] == "ganfield"
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
    if frame.f_globals.get("__name__") != "__main__":
        return False
    command = sys.argv[0].replace("\\", "/").rpartition("/")[2].partition(".")[0]
    return __name__ in frame.f_code.co_names or command == "ganfield"


if _asks_for_it():
    begin()
