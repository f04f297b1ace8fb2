"""Builders: how they get into a registry, and what they build gets a name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from ganfield._describe import describe
from ganfield.checks import unknown

P = ParamSpec("P")
T = TypeVar("T")
V = TypeVar("V")


class UnknownNameError(KeyError, ValueError):
    """A name that a registry does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


class Registry(dict[str, V]):
    """Name → builder, or what else has that name.

    Args:
        kind: what the names are of.
        entries: what is there from the start.
        check_first: ``check_first(first)`` raises a ``ValueError`` unless a builder's first
            argument is what it must be.

    Raises:
        UnknownNameError: a ``KeyError`` and a ``ValueError``, when a name is asked for that is not
            there; it says which is meant.

    Example:
        >>> import ganfield as gf
        >>> gf.METHODS["optimstic"]
        Traceback (most recent call last):
        ...
        ganfield._registry.UnknownNameError: unknown method 'optimstic': did you mean ...
    """

    def __init__(
        self,
        kind: str,
        entries: Mapping[str, V] | None = None,
        *,
        check_first: Callable[[Any], None] | None = None,
    ):
        super().__init__(entries or {})
        self.kind, self.check_first = kind, check_first

    def __missing__(self, name: str) -> V:
        raise UnknownNameError(unknown(self, name, argument=self.kind))


# What bears the name of a `Method`, of a `Game` and of a `Network`; a field bears its own.
_BEARERS = ("step", "losses", "apply")
_SYMBOLS = {"gamma": "γ"}


def registered(
    registry: dict[str, Callable[..., T]],
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return the decorator that enters a builder into a registry, by its name, and names its work.

    Args:
        registry: name → builder, a `Registry` or any dict.

    Returns:
        ``decorate(build) -> build``, with the same signature and documentation.

    Raises:
        ValueError: another module has registered that name.

    Example:
        >>> import optax, ganfield as gf
        >>> from ganfield._registry import Registry
        >>> methods = Registry("method")
        >>> @registered(methods)
        ... def twice(optimizer):
        ...     return gf.simultaneous(optax.chain(optimizer, optax.scale(2.0)))
        >>> methods["twice"](optax.sgd(0.1))
        twice(sgd(0.1))
    """

    def decorate(build: Callable[P, T]) -> Callable[P, T]:
        check_first = getattr(registry, "check_first", None)
        name, builder = build.__name__, named(build, check_first)
        if name in registry and registry[name].__module__ != build.__module__:
            raise ValueError(f"{name!r} is registered already, by {registry[name].__module__}")
        registry[name] = builder
        return builder

    return decorate


def named(
    build: Callable[P, T], check_first: Callable[[Any], None] | None = None
) -> Callable[P, T]:
    """Return the builder whose work says in its repr how it was called.

    Args:
        build: makes a field, a method, a game or a network.
        check_first: of a registry, if it has one.

    Example:
        >>> import ganfield as gf
        >>> gf.consensus(gf.vector_field(gf.games.bilinear(2.0)), gamma=0.5)
        consensus(γ=0.5) of bilinear(2)
    """

    @functools.wraps(build)
    def builder(*args: P.args, **kwargs: P.kwargs) -> T:
        if check_first is not None and args:
            check_first(args[0])
        built: Any = build(*args, **kwargs)
        if any(built is given for given in (*args, *kwargs.values())):
            return built
        for bearer in set(_BEARERS).intersection(getattr(built, "_fields", ())):
            return built._replace(**{bearer: Named(getattr(built, bearer), build, args, kwargs)})
        built = NamedField(built, build, args, kwargs)
        return built

    return builder


class Named:
    """A function that says what made it. It is called, hashed and compared as any function."""

    def __init__(
        self,
        function: Callable[..., Any],
        build: Callable[..., Any],
        args: tuple,
        kwargs: dict[str, Any],
    ):
        functools.update_wrapper(self, function)
        self._function, self._build, self._args, self._kwargs = function, build, args, kwargs

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        said = [describe(value) for value in self._args] + _options(self._kwargs)
        return f"{self._build.__name__}({', '.join(said)})"


class NamedField(Named):
    """A field: of a game, or of another field."""

    def __repr__(self) -> str:
        given = inspect.signature(self._build).bind(*self._args, **self._kwargs).arguments
        (_, source), *others = given.items()
        # w of the v of a game is said to be w of the game.
        if isinstance(source, NamedField) and source._build.__name__ == "vector_field":
            source = [*source._args, *source._kwargs.values()][0]
        options = f"({', '.join(_options(dict(others)))})" if others else ""
        return f"{self._build.__name__}{options} of {describe(source)}"


def _options(given: dict[str, Any]) -> list[str]:
    return [f"{_SYMBOLS.get(name, name)}={describe(value)}" for name, value in given.items()]


def name_of(function: Callable[..., Any], kind: str) -> str:
    """Return what made a function, or of what kind it is and where it was defined."""
    return repr(function) if isinstance(function, Named) else f"{kind} of {describe(function)}"
