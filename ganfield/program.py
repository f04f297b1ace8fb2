"""How a program ends that Ctrl-C ends: with one sentence and exit code 130, at every moment.

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

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from types import FrameType
    from typing import Any
else:
    import _signal as signal  # What `signal` wraps: without the enumerations.

INTERRUPTED = 130
"""The exit code, as shells have it: 128 and the number of the signal."""

_is_program = False
_was_interrupted = False


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

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if _is_program:
            _handle(_end_at_once)
        if _was_interrupted and error is not None and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error


def leave(code: int = INTERRUPTED) -> None:
    """End an interrupted program at once, when all that it has is saved and said.

    Python's own way out lets JAX take down what a compilation may still use, and then the process
    dies of a segmentation fault. Does nothing where the process is no program, or one of several
    that must part from each other.

    Args:
        code: the exit code.

    Example:
        >>> leave()  # Nobody's program: its caller decides.
    """
    jax: Any = sys.modules.get("jax")
    if not _is_program or (jax is not None and jax.distributed.is_initialized()):
        return
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # The reader has gone.
            continue
    os._exit(code)


def _handle(handler: Any) -> None:
    """Take Ctrl-C, unless the process was started to ignore it, or something else takes it."""
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _end_at_once, _note):
        try:
            signal.signal(signal.SIGINT, handler)
        except ValueError:  # Only the main thread can.
            return


def _end_at_once(number: int, frame: FrameType | None) -> None:
    # Not an exception: what is being imported might make another one of it, or a crash.
    os.write(2, b"error: interrupted\n")
    os._exit(INTERRUPTED)


def _note(number: int, frame: FrameType | None) -> None:
    global _was_interrupted
    _was_interrupted = True
    raise KeyboardInterrupt


def _interrupt_again(unraisable: Any) -> None:
    """Raise a ``KeyboardInterrupt`` again that met a destructor, where exceptions get lost."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        from threading import Timer

        # Later, for here it would be lost again.
        again = Timer(0.01, os.kill, (os.getpid(), signal.SIGINT))
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
