"""The options of a builder, held against its signature."""

import inspect
import math
import os
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import jax

from ganfield._files import reason_of
from ganfield.checks import lookup


def keywords(builder: Callable[..., Any], *, skip: int = 1) -> dict[str, inspect.Parameter]:
    """Return the parameters that options may give: all but the first ones, the builder's subject.

    Args:
        builder: of a transform, a method, an optimizer, which take a subject first; of a game or a
            loader, which may take none.
        skip: how many parameters are the subject.
    """
    try:
        signature = inspect.signature(builder, eval_str=True)
    except NameError:  # An annotation is for type checkers alone.
        signature = inspect.signature(builder)
    return dict(list(signature.parameters.items())[skip:])


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
            a number, or there is none, a finite number; true or false where that is the default;
            else what the annotation says, as far as it speaks of plain values.

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
        name: _fitting(value, takes[name], f"{argument}.{name}") for name, value in options.items()
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


@contextmanager
def naming_options(options: Mapping[str, Any], *, argument: str) -> Iterator[None]:
    """Name the options in a builder's ``TypeError``, which knows nothing of where they come from.

    Example:
        >>> import numpy as np
        >>> with naming_options({"mu_dtype": "x"}, argument="method.optimizer_options"):
        ...     np.dtype("x")
        Traceback (most recent call last):
        ...
        ValueError: method.optimizer_options, here mu_dtype='x', cannot be taken: data type 'x' not
        understood
    """
    try:
        yield
    except TypeError as error:
        if not options:
            raise
        said = ", ".join(f"{name}={value!r:.40}" for name, value in options.items())
        raise ValueError(f"{argument}, here {said}, cannot be taken: {reason_of(error)}") from error


def _fitting(value: Any, parameter: inspect.Parameter, name: str) -> Any:
    """Return a value where the default and the annotation say of which kind it must be."""
    default = parameter.default
    if isinstance(value, jax.core.Tracer):  # A sweep's: which number it is nobody knows yet.
        return value
    if value is None and type(None) in typing.get_args(parameter.annotation):
        return value
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false, got {value!r:.60}")
        return value
    if isinstance(default, int | float) or default is inspect.Parameter.empty:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number, got {value!r:.60}")
        return int(value) if isinstance(default, int) and float(value).is_integer() else value
    kinds = _kinds(parameter.annotation)
    if kinds and not any(allows(value) for allows in kinds.values()):
        raise ValueError(f"{name} must be {' or '.join(kinds)}, got {value!r:.60}")
    return value


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _kinds(annotation: Any) -> dict[str, Callable[[Any], bool]]:
    """Return the kinds of plain values that an annotation allows, in words → whether one is it.

    It is empty where the annotation speaks of others, such as arrays and functions.
    """
    plain: dict[Any, tuple[str, Callable[[Any], bool]]] = {
        int: ("an integer", _is_integer),
        str: ("a text", _is_text),
        type(None): ("none", lambda value: value is None),
        os.PathLike[str]: ("a path", lambda value: isinstance(value, os.PathLike)),
        Sequence[int]: ("a list of integers", lambda value: _is_list(value, _is_integer)),
        Sequence[str]: ("a list of texts", lambda value: _is_list(value, _is_text)),
        Mapping[str, str]: ("texts by name", lambda value: isinstance(value, Mapping)),
    }
    members = typing.get_args(annotation) if _is_union(annotation) else (annotation,)
    if not all(member in plain for member in members):
        return {}
    return dict(plain[member] for member in members)


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (types.UnionType, typing.Union)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, list | tuple) and all(map(of, value))
