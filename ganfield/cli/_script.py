"""How an experiment's script ends: one place for its options, its errors and its exit code."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

C = TypeVar("C")


def script(
    main: Callable[[C], int], config: Callable[..., C], args: Sequence[str] | None = None
) -> int:
    """Read a script's options, run it, and return its exit code, as `ganfield` itself has them.

    Args:
        main: ``main(config) -> code``.
        config: a dataclass whose fields are the options, each with its help below it.
        args: the options; those that the script was started with if None.

    Returns:
        What ``main`` returns; 2 after a ``ValueError`` and 1 after an ``OSError``, each printed in
        one line on stderr; 130 after Ctrl-C.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass
        ... class Config:
        ...     steps: int = 3
        >>> script(lambda config: print(config.steps) or 0, Config, ["--steps", "5"])
        5
        0
    """
    import tyro

    try:
        return main(tyro.cli(config, args=args))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: what was written until then stays in the output folder")
        return 130
