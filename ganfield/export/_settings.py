"""The numbers of games, transforms, optimizers and methods that a page has sliders for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import optax

from ganfield.checks import check_number, lookup, unknown
from ganfield.configuration import OPTIMIZERS as ALL_OPTIMIZERS
from ganfield.configuration import keywords
from ganfield.export._words import argument, label
from ganfield.methods import METHODS

# Ranges that do not follow from a default: those of all settings of a name.
_RANGES = {
    "step_size": (0.001, 1.0),
    "gamma": (0.0, 3.0),
    "momentum": (-0.95, 0.99),
    "alignment": (0.0, 2.0),
    "strength": (0.0, 2.0),
    "share": (0.0, 1.0),
    "max_norm": (0.01, 4.0),
    "decay": (0.0, 0.999),
    "b1": (-0.9, 0.99),
    "b2": (0.0, 0.9999),
}
# What a transform must be given, and what a page begins with.
_STARTS = {"gamma": 1.0, "max_norm": 1.0}
STEP_SIZE = "step_size"
INNER_SOLVES = ("competitive", "adaptive_competitive", "proximal_point", "follow_the_ridge")
"""Methods that solve an equation in a step."""

METHOD_NAMES = tuple(name for name in METHODS if name not in INNER_SOLVES)
"""The methods that a page offers by itself."""


class Slider(NamedTuple):
    """A number that a person of the page may change.

    Attributes:
        name: of the setting.
        of: "method", "game", "transform" or "optimizer".
        owner: whose setting it is; "" for one that is shown whatever is chosen.
        low: its least value.
        high: its largest.
        value: at first.
        doc: what it does.
    """

    name: str
    of: str
    owner: str
    low: float
    high: float
    value: float
    doc: str = ""

    def record(self) -> dict[str, Any]:
        """Return what the page is told."""
        return {
            "name": self.name,
            "label": label(self.name),
            "of": self.of,
            "owner": self.owner,
            "min": self.low,
            "max": self.high,
            "value": self.value,
            "doc": self.doc,
        }


class Update(NamedTuple):
    """An optimizer of the page.

    Attributes:
        build: ``build(h, **settings)``.
        settings: name → default.
        program: how a program calls it, with the settings to be filled in.
    """

    build: Callable[..., optax.GradientTransformation]
    settings: dict[str, float]
    program: str


OPTIMIZERS: dict[str, Update] = {
    "sgd": Update(optax.sgd, {}, "optax.sgd({step_size})"),
    "momentum": Update(
        lambda h, momentum: optax.sgd(h, momentum=momentum),
        {"momentum": 0.9},
        "optax.sgd({step_size}, momentum={momentum})",
    ),
    "rmsprop": Update(
        lambda h, decay: optax.rmsprop(h, decay=decay),
        {"decay": 0.9},
        "optax.rmsprop({step_size}, decay={decay})",
    ),
    "adam": Update(
        lambda h, b1, b2: optax.adam(h, b1=b1, b2=b2),
        {"b1": 0.9, "b2": 0.999},
        "optax.adam({step_size}, b1={b1}, b2={b2})",
    ),
}
"""Name → optimizer, those that a page offers by itself."""
OPTIMIZER_NAMES = tuple(OPTIMIZERS)
"""Their names."""


def optimizer(name: str) -> Update:
    """Return an optimizer of the page, or any other of `ganfield.configuration.OPTIMIZERS`."""
    if name in OPTIMIZERS:
        return OPTIMIZERS[name]
    lookup({**ALL_OPTIMIZERS, **OPTIMIZERS}, name, argument="optimizer")
    call = f"gf.configuration.OPTIMIZERS[{name!r}]({{step_size}})"
    return Update(ALL_OPTIMIZERS[name], {}, call)


def numbers_of(builder: Callable[..., Any], *, skip: int = 1) -> dict[str, float]:
    """Return the settings of a builder that are numbers, with the values that they have at first.

    A tolerance is none: it says how exactly something is computed, and not what.
    """
    settings = {}
    for name, parameter in keywords(builder, skip=skip).items():
        value = parameter.default
        if value is parameter.empty and name in _STARTS:
            value = _STARTS[name]
        if isinstance(value, float) and name not in ("tolerance", "epsilon" if skip else ""):
            settings[name] = value
    return settings


def slider(
    name: str, of: str, owner: str, value: float, builder: Any, asked: Mapping[str, Any]
) -> Slider:
    """Return a slider, with the range that was asked for or one that suits its first value.

    Args:
        name: of the setting.
        of: whose setting it is.
        owner: which of these.
        value: its default.
        builder: what documents it.
        asked: name → what `check_sliders` returns; (value,) is a first value alone.
    """
    given = asked.get(f"{owner}.{name}", asked.get(name, ()))
    if len(given) == 1:
        value = given[0]
    low, high = _RANGES.get(name, _around(value))
    low, high = min(low, value), max(high, value)
    if len(given) > 1:
        low, high = given[:2]
        value = given[2] if len(given) == 3 else min(max(value, low), high)
    doc = argument(builder, name) if builder is not None else ""
    return Slider(name, of, owner, float(low), float(high), float(value), doc)


def _around(value: float) -> tuple[float, float]:
    return (min(0.0, 4 * value), max(0.0, 4 * value)) if value else (-2.0, 2.0)


def check_sliders(sliders: Mapping[str, Any] | None) -> dict[str, tuple[float, ...]]:
    """Return ranges by name, and first values, or raise a ``ValueError``.

    Example:
        >>> check_sliders({"gamma": (3, 0)})
        Traceback (most recent call last):
        ...
        ValueError: sliders['gamma'] must be (low, high), (low, high, value) or a value, with low <
        high, got (3, 0)
    """
    checked = {}
    for name, given in (sliders or {}).items():
        numbers = tuple(given) if isinstance(given, tuple | list) else (given,)
        for number in numbers:
            check_number(number, argument=f"sliders[{name!r}]", allows=lambda x: math.isfinite(x))
        rises = len(numbers) in (2, 3) and numbers[0] < numbers[1]
        if len(numbers) != 1 and not (rises and numbers[0] <= numbers[-1] <= numbers[1]):
            raise ValueError(
                f"sliders[{name!r}] must be (low, high), (low, high, value) or a value, with low < "
                f"high, got {given!r}"
            )
        checked[name] = numbers
    return checked


def check_used(given: Mapping[str, Any], names: set[str]) -> None:
    """Raise a ``ValueError`` unless all names are those of sliders."""
    for name in given:
        if name not in names:
            raise ValueError(unknown(names, name, argument="slider"))
