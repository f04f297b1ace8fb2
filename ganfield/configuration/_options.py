"""The options of a builder, held against its signature."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from ganfield.checks import lookup


def keywords(builder: Callable[..., Any], *, skip: int = 1) -> dict[str, inspect.Parameter]:
    """Return the parameters that options may give: all but the first ones, the builder's subject.

    Args:
        builder: of a transform, a method, an optimizer, which take a subject first; of a game or a
            loader, which may take none.
        skip: how many parameters are the subject.
    """
    return dict(list(inspect.signature(builder).parameters.items())[skip:])


def arguments(
    options: Mapping[str, Any], takes: Mapping[str, inspect.Parameter], *, argument: str
) -> dict[str, Any]:
    """Return the options as arguments of a builder, each a thing that it takes there.

    Args:
        options: name → value.
        takes: the builder's parameters, from `keywords`.
        argument: what the caller calls the options, "method.options" for example.

    Raises:
        ValueError: the builder takes no such option, or another kind of value: where its default is
            a number, or there is none, a finite number; true or false where that is the default.

    Example:
        >>> import ganfield as gf
        >>> arguments({"shrae": 0.5}, keywords(gf.lookahead), argument="method.options")
        Traceback (most recent call last):
        ...
        ValueError: unknown name in method.options 'shrae': did you mean 'share'? Known: num_steps,
        share
    """
    for name in options:
        if not takes:
            raise ValueError(f"{argument}: there are none here, got {name}")
        lookup(takes, name, argument=f"name in {argument}")
    return {
        name: _fitting(value, takes[name].default, f"{argument}.{name}")
        for name, value in options.items()
    }


def missing(options: Mapping[str, Any], takes: Mapping[str, inspect.Parameter]) -> list[str]:
    """Return the names that a builder must be given, and options do not give."""
    return [
        name
        for name, parameter in takes.items()
        if parameter.default is parameter.empty
        and parameter.kind is not parameter.VAR_KEYWORD
        and name not in options
    ]


def _fitting(value: Any, default: Any, name: str) -> Any:
    """Return a value where the default says of which kind it must be."""
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false, got {value!r}")
        return value
    if isinstance(default, int | float) or default is inspect.Parameter.empty:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number, got {value!r}")
        return int(value) if isinstance(default, int) and float(value).is_integer() else value
    return value
