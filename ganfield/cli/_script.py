"""How an experiment's script starts and ends: its options, its errors and its exit code."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from ganfield import program
from ganfield._extras import say_missing

C = TypeVar("C")


def script(
    main: Callable[[C], None], config: Callable[..., C], args: Sequence[str] | None = None
) -> None:
    """Read a script's options and run it; end the process as `ganfield` does if that fails.

    Args:
        main: ``main(config)``.
        config: a dataclass whose fields are the options, each with its help below it.
        args: the options; if None those that the script was started with, whose process this is
            then: see `ganfield.program`.

    Raises:
        SystemExit: with the code 2 after a ``ValueError`` and 1 after an ``OSError`` or where a
            package is missing, each printed in one line on stderr; 130 after Ctrl-C, 143 after
            SIGTERM.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass
        ... class Config:
        ...     steps: int = 3
        >>> script(lambda config: print(config.steps), Config, ["--steps", "5"])
        5
    """
    if args is None:
        program.begin()
    try:
        import tyro

        from ganfield.cli._programs import keep_programs

        with program.Running():
            chosen = tyro.cli(config, args=args)
            if program.has_begun():
                keep_programs()
            main(chosen)
    except ImportError as error:
        said = say_missing(error)
        if said is None:
            raise
        print(f"error: {said}", file=sys.stderr)
        sys.exit(1)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ValueError) else 1)
    except KeyboardInterrupt:
        print("Interrupted: what was written until then stays in the output folder")
        code = program.interrupted()
        program.leave(code)
        sys.exit(code)
