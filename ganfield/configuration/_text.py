"""From texts, as command lines have them, to values."""

from collections.abc import Sequence
from typing import Any


def parse_settings(texts: Sequence[str], *, argument: str = "settings") -> dict[str, str]:
    """Return name → text of the value, from texts such as "method.gamma=0.1".

    Args:
        texts: each NAME=VALUE.
        argument: what the caller calls them.

    Raises:
        ValueError: a text is not NAME=VALUE, or names what another one named.

    Example:
        >>> parse_settings(["method.gamma=0.1", "seed=3"])
        {'method.gamma': '0.1', 'seed': '3'}
    """
    settings: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ValueError(
                f"{argument} must be NAME=VALUE, such as method.gamma=0.1, got {text!r}"
            )
        if name in settings:
            raise ValueError(f"{argument} must give {name} once, got it again: {text!r}")
        settings[name] = value
    return settings


def guess(value: Any) -> Any:
    """Return a text as the number, truth value or None that it looks like; all else as it is.

    Example:
        >>> [guess(text) for text in ("3", "1e-3", "true", "none", "r1")]
        [3, 0.001, True, None, 'r1']
    """
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return {"true": True, "false": False, "none": None}.get(value.lower(), value)
