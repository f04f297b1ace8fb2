"""From texts and nested dicts to typed settings, and errors that name the setting."""

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganfield.checks import lookup

Options = Mapping[str, Any]
"""Further keyword arguments of a builder, by name: numbers, names, true or false."""


def parse_settings(texts: Sequence[str]) -> dict[str, str]:
    """Return dotted name → text of the value, from texts such as "method.gamma=0.1".

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
            raise ValueError(f"--set must be NAME=VALUE, such as method.gamma=0.1, got {text!r}")
        if name in settings:
            raise ValueError(f"--set must give {name} once, got it again: {text!r}")
        settings[name] = value
    return settings


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted name and the value of every leaf of nested dicts."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def put(tree: dict[str, Any], name: str, value: Any) -> None:
    """Set a value in nested dicts, by its dotted name.

    Raises:
        ValueError: there is no such name.
    """
    known = {n for n, _ in flat(tree)} | set(_branches(tree))
    *path, last = name.split(".")
    place: Any = tree
    for part in path:
        place = place.get(part) if isinstance(place, dict) else None
    free = bool(path) and path[-1].endswith("options")
    if not isinstance(place, dict) or not (last in place or free):
        lookup(dict.fromkeys(known), name, argument="setting")
    place[last] = _guess(value) if free else value


def _branches(tree: Mapping[str, Any]) -> Iterator[str]:
    for name, value in tree.items():
        for inner, deeper in value.items() if isinstance(value, Mapping) else ():
            if isinstance(deeper, Mapping):
                yield f"{name}.{inner}.NAME"


def _guess(value: Any) -> Any:
    """Return a text as the number or truth value that it looks like."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return {"true": True, "false": False, "none": None}.get(value.lower(), value)


def from_settings(cls: type[Any], tree: Mapping[str, Any], prefix: str = "") -> Any:
    """Return a dataclass of dataclasses from nested dicts; what they leave out has its default.

    Raises:
        ValueError: a name is unknown, or a value is not of the kind that the name wants.
    """
    kinds = typing.get_type_hints(cls)
    known = {f.name: kinds[f.name] for f in dataclasses.fields(cls)}
    values = {}
    for name, value in tree.items():
        lookup({prefix + n: 0 for n in known}, prefix + name, argument="setting")
        values[name] = _typed(known[name], value, prefix + name)
    return cls(**values)


def _typed(kind: Any, value: Any, name: str) -> Any:
    """Return a value, or the text of one, as what a field's annotation asks for."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if isinstance(value, kind):
            return value
        if not isinstance(value, Mapping):
            raise ValueError(
                f"{name} must be set part by part, such as {name}."
                f"{dataclasses.fields(kind)[0].name}=…, got {value!r}"
            )
        return from_settings(kind, value, f"{name}.")
    if kind == Options:
        if not isinstance(value, Mapping):
            raise ValueError(f"{name} must be set part by part, such as {name}.NAME=…")
        return dict(value)
    if isinstance(kind, types.UnionType):
        (inner,) = (part for part in typing.get_args(kind) if part is not type(None))
        none = value is None or (isinstance(value, str) and value.lower() == "none")
        return None if none else _typed(inner, value, name)
    found = _guess(value) if kind is not str else value
    if kind is float and isinstance(found, int) and not isinstance(found, bool):
        found = float(found)
    if kind is int and isinstance(found, float) and found.is_integer():
        found = int(found)
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        words = {int: "an integer", float: "a number", bool: "true or false", str: "a name"}
        raise ValueError(f"{name} must be {words[kind]}, got {value!r}")
    return found
