"""The command line: small games looked at, and networks trained, without a program."""

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence

from ganfield import program
from ganfield._extras import EXTRAS, missing, package_of, say_needs
from ganfield.cli._script import script as script

# Command → the packages that it needs beside those of all commands.
_NEEDS = {
    "field": ("matplotlib", "scipy"),
    "spectrum": ("matplotlib", "scipy"),
    "train": ("flax", "orbax", "PIL", "sklearn"),
    "sweep": ("flax", "orbax", "PIL", "sklearn"),
    "probe": ("flax", "orbax", "PIL", "sklearn"),
    "train-classifier": ("flax", "sklearn"),
}


def main(args: Sequence[str] | None = None) -> int:
    """Run one command, and return an exit code that scripts can use.

    Args:
        args: the command and its options; those that the program was started with if None.

    Returns:
        0: success. 1: nothing was found, a run met a NaN, a package is missing, a file cannot be
        written, or another process of the run was lost. 2: an argument is not allowed. 130:
        interrupted by Ctrl-C; 143: by SIGTERM.

    Example:
        >>> main(["spectrum", "--game", "bilinaer"])  # On stderr: did you mean 'bilinear'?
        2
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # θ and φ become question marks where the encoding has none, and not an error.
            stream.reconfigure(errors="replace")
    try:
        code = _run(sys.argv[1:] if args is None else args)
    except Exception:
        if not program.has_to_part():
            raise
        with contextlib.suppress(OSError):  # The reader may have gone.
            traceback.print_exc()
        code = 1
    if code > 128 or program.has_to_part():
        program.leave(code)
    return code


def _run(args: Sequence[str]) -> int:
    try:
        # Only here, so that a missing package is a message and no traceback.
        from ganfield.cli._app import run
        from ganfield.cli._programs import keep_programs

        with program.Running():
            if program.has_begun():
                keep_programs()
            code = run(args)
            sys.stdout.flush()
        return code
    except SystemExit as stop:  # tyro has said why; --help is no error.
        return stop.code if isinstance(stop.code, int) else 0
    except ImportError as error:
        package = package_of(error)
        if package is None:
            raise
        return _fail(_say_missing(package, args), 1)
    except ValueError as error:
        return _fail(str(error), 2)
    except BrokenPipeError:
        # The reader of the output has gone, `| head` say; Python would complain again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(str(error), 1)
    except KeyboardInterrupt as interrupt:
        return _fail(str(interrupt) or "interrupted", program.interrupted())


def _say_missing(package: str, args: Sequence[str]) -> str:
    """Return what to install for a command that missed a package: all that it would ask for."""
    needs = ["tyro", "rich", *_NEEDS.get(args[0] if args else "", ())]
    if "--tensorboard" in args:
        needs.append("tensorboardX")
    if "--scheduler" in args:
        needs.append("distributed")
    gone = list(dict.fromkeys([package, *missing(needs)]))
    # The command's own extra brings what draws.
    least = "cli" if any(EXTRAS[each] == "plot" for each in gone) else ""
    return say_needs("this", gone, least=least)


def _fail(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code
