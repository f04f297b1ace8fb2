"""What is wrong, in the words of the command line: the library names settings and arguments."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# What the library calls it → the option that gives it, in commands about the plane and in `train`.
OF_THE_PLANE = {
    r"(method\.transform_options|--set)\.": "--set ",
    r"method\.name\b": "--method",
    r"method\.learning_rate\b": "--step-size",
    r"method\.(transform|optimizer|wrapper|gamma)\b": r"--\1",
}
OF_TRAINING = {
    r"\ballow_changes=True\b": "--allow-changes",
    r"\bresume='never'": "--resume never",
    r"^data\.folder must say": "--data must say",
}
OF_SWEEPS = {
    r"^folder must\b": "--output must",
    r"^piece_size\b": "--piece-size",
    r"^data\.folder must say": "--data must say",
}


@contextmanager
def in_words(of: Mapping[str, str]) -> Iterator[None]:
    """Put the command line's names in the place of the library's, in a ``ValueError``.

    Args:
        of: regular expression → what to say instead.
    """
    try:
        yield
    except ValueError as error:
        message = str(error)
        for name, option in of.items():
            message = re.sub(name, option, message)
        raise ValueError(message) from error
