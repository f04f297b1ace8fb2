"""The command line: fields, spectra and equilibria of the registered games, without a program."""

import io
import os
import sys
from collections.abc import Sequence

from ganfield.cli._script import script as script

_EXTRAS = {
    "flax": "networks",
    "matplotlib": "cli",
    "orbax": "images",
    "PIL": "images",
    "rich": "cli",
    "scipy": "cli",
    "sklearn": "images",
    "tensorboardX": "tensorboard",
    "tyro": "cli",
}


def main(args: Sequence[str] | None = None) -> int:
    """Run one command, and return an exit code that scripts can use.

    Args:
        args: the command and its options; those that the program was started with if None.

    Returns:
        0: success. 1: nothing was found, a package is missing, or a file cannot be written. 2: an
        argument is not allowed. 130: interrupted by Ctrl-C.

    Example:
        >>> main(["spectrum", "--game", "bilinaer"])  # On stderr: did you mean 'bilinear'?
        2
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # θ and φ become question marks where the encoding has none, and not an error.
            stream.reconfigure(errors="replace")
    try:
        # Only here, so that a missing package is a message and no traceback.
        from ganfield.cli._app import run

        code = run(sys.argv[1:] if args is None else args)
        sys.stdout.flush()
    except SystemExit as stop:  # tyro has said why; --help is no error.
        return stop.code if isinstance(stop.code, int) else 0
    except ImportError as error:
        missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        package = str(getattr(missing, "name", "")).partition(".")[0]
        if package not in _EXTRAS:
            raise
        return _fail(f"this needs {package}: pip install 'ganfield[{_EXTRAS[package]}]'", 1)
    except ValueError as error:
        return _fail(str(error), 2)
    except BrokenPipeError:
        # The reader of the output has gone, `| head` say; Python would complain again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(str(error), 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    return code


def _fail(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code
