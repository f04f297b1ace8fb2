"""Axes as command lines have them: settings and their values."""

from collections.abc import Sequence
from typing import Any

from ganfield.checks import lookup
from ganfield.configuration import Config
from ganfield.configuration._settings import flat
from ganfield.reporting import check_distinct

_MOST = 1_000_000  # values of a range
_ALIASES = {"method": "method.name", "step_size": "method.learning_rate", "data": "data.name"}


def parse_axes(texts: Sequence[str], config: Config) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """Return name of an axis → the setting that it is, and name → values, each checked.

    Args:
        texts: each NAME=VALUES, values separated by commas or whole numbers as FIRST:END.
        config: of which they are settings.

    Raises:
        ValueError: a text is not of that form, or has no values; a setting is there twice, or is
            none; a value is not of its kind.

    Example:
        >>> parse_axes(["gamma=1,3", "seed=0:3"], Config())
        ({'gamma': 'method.gamma', 'seed': 'seed'}, {'gamma': [1.0, 3.0], 'seed': [0, 1, 2]})
    """
    settings: dict[str, str] = {}
    axes: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not (name and equals):
            raise ValueError(f"--axis must be NAME=VALUES, such as gamma=1,3,10, got {text!r}")
        settings[name] = _setting(name, config)
        if name in axes or list(settings.values()).count(settings[name]) > 1:
            raise ValueError(f"--axis must give {settings[name]} once, got it again: {text!r}")
        axes[name] = [_typed(config, settings[name], each) for each in _split(name, values)]
        check_distinct(axes[name], argument=f"--axis {name}")
    return settings, axes


def _setting(name: str, config: Config) -> str:
    known = [setting for setting, _ in flat(config)]
    if name in known or "." in name:
        return name
    if name in _ALIASES:
        return _ALIASES[name]
    ends = [setting for setting in known if setting.rpartition(".")[2] == name]
    if len(ends) > 1:
        raise ValueError(f"--axis {name} may be {' or '.join(ends)}: say which")
    lasts = {setting.rpartition(".")[2]: setting for setting in known}
    return lookup(lasts, name, argument="setting of --axis")


def _split(name: str, text: str) -> list[str]:
    first, colon, end = text.partition(":")
    if colon:
        if not (first.isdecimal() and end.isdecimal() and int(first) < int(end)):
            raise ValueError(
                f"--axis {name} must have values, whole numbers FIRST:END with FIRST < END, got "
                f"{text!r}"
            )
        if int(end) - int(first) > _MOST:
            raise ValueError(f"--axis {name} must have at most {_MOST:,} values, got {text!r}")
        return [str(value) for value in range(int(first), int(end))]
    values = text.split(",")
    if not all(values):
        raise ValueError(f"--axis {name} must have values between commas, got {text!r}")
    return values


def _typed(config: Config, setting: str, text: str) -> Any:
    try:
        changed = config.replace({setting: text})
    except ValueError as error:
        raise ValueError(f"--axis: {error}") from error
    return dict(flat(changed))[setting]
