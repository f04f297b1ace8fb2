"""Typed settings: dataclasses of dataclasses, changed by dotted names, and errors that say which.

Every value that enters, from a text, from JSON or from a program, passes `typed` once.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from ganfield.checks import lookup
from ganfield.configuration._text import guess

Options = Mapping[str, Any]
"""Further keyword arguments of a builder, by name: numbers, names, true or false."""

S = TypeVar("S")

_KINDS = {int: "an integer", float: "a number", bool: "true or false", str: "a name"}


def flat(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted name and the value of every setting, those in options among them.

    Example:
        >>> dict(flat({"method": {"gamma": 0.1}, "seed": 3}))
        {'method.gamma': 0.1, 'seed': 3}
    """
    for name, value in _parts(settings):
        if isinstance(value, Mapping) or dataclasses.is_dataclass(value):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def replaced(settings: S, name: str, value: Any, *, prefix: str = "") -> S:
    """Return the settings with another value, by its dotted name.

    Args:
        settings: a dataclass of dataclasses.
        name: such as "method.gamma", or "method.options.tolerance".
        value: or the text of one.
        prefix: what the settings are part of, for messages.

    Raises:
        ValueError: there is no such setting, or the value is not of the kind that it wants.
    """
    head, _, rest = name.partition(".")
    kinds = typing.get_type_hints(type(settings))
    if head not in kinds:
        _refuse_name(settings, prefix, name)
    before: Any = getattr(settings, head)
    if not rest:
        after = typed(kinds[head], value, prefix + head)
    elif kinds[head] == Options:
        after = {**before, rest: _option(value, prefix + name)}
    elif dataclasses.is_dataclass(before):
        after = replaced(before, rest, value, prefix=f"{prefix}{head}.")
    else:
        _refuse_name(settings, prefix, name)
    changed: Any = settings
    return dataclasses.replace(changed, **{head: after})


def from_tree(cls: type[S], tree: Mapping[str, Any], *, prefix: str = "") -> S:
    """Return a dataclass of dataclasses from nested dicts; what they leave out has its default.

    Raises:
        ValueError: a name is unknown, or a value is not of the kind that the name wants.
    """
    kinds = typing.get_type_hints(cls)
    values = {}
    for name, value in tree.items():
        lookup({prefix + known: None for known in kinds}, prefix + name, argument="setting")
        values[name] = typed(kinds[name], value, prefix + name)
    return cls(**values)


def typed(kind: Any, value: Any, name: str) -> Any:
    """Return a value, or the text of one, as what a setting's annotation asks for."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if isinstance(value, kind):
            return value
        if not isinstance(value, Mapping):
            first = dataclasses.fields(kind)[0].name
            raise ValueError(
                f"{name} must be set part by part, such as {name}.{first}=…, got {value!r}"
            )
        return from_tree(kind, value, prefix=f"{name}.")
    if kind == Options:
        if not isinstance(value, Mapping):
            raise ValueError(f"{name} must be set part by part, such as {name}.NAME=…")
        return {part: _option(inner, f"{name}.{part}") for part, inner in value.items()}
    if isinstance(kind, types.UnionType):
        (inner,) = (part for part in typing.get_args(kind) if part is not type(None))
        none = value is None or (isinstance(value, str) and value.lower() == "none")
        return None if none else typed(inner, value, name)
    plain = value if kind is str else guess(value)
    if kind is float and isinstance(plain, int) and not isinstance(plain, bool):
        plain = float(plain) if abs(plain) < 2**1000 else math.inf
    if kind is int and isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    if not isinstance(plain, kind) or (kind is int and isinstance(plain, bool)):
        raise ValueError(f"{name} must be {_KINDS[kind]}, got {value!r:.60}")
    return plain


def check_numbers(settings: Any, *, prefix: str) -> None:
    """Raise a ``ValueError`` unless every number of a dataclass's own is finite and ≥ 0.

    Those in options are the builders' to check, which know what they mean.
    """
    for name, value in _parts(settings):
        if isinstance(value, float) and not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{prefix}{name} must be a finite number ≥ 0, got {value!r:.60}")


def _option(value: Any, name: str) -> Any:
    plain = guess(value)
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return plain


def _parts(settings: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(settings, Mapping):
        yield from settings.items()
    else:
        yield from ((f.name, getattr(settings, f.name)) for f in dataclasses.fields(settings))


def _refuse_name(settings: Any, prefix: str, name: str) -> typing.NoReturn:
    known = [*dict(flat(settings, prefix))]
    known += [f"{prefix}{branch}.NAME" for branch in _option_names(settings)]
    lookup(dict.fromkeys(known), prefix + name, argument="setting")
    raise AssertionError(name)


def _option_names(settings: Any) -> Iterator[str]:
    for name, value in _parts(settings):
        if isinstance(value, Mapping):
            yield name
        elif dataclasses.is_dataclass(value):
            yield from (f"{name}.{inner}" for inner in _option_names(value))
