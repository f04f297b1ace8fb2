"""What goes with a choice: settings that only some data sets, methods or networks take."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ganfield import data
from ganfield.configuration._data import DATA
from ganfield.configuration._objects import OPTIMIZERS
from ganfield.configuration._options import keywords
from ganfield.field import TRANSFORMS
from ganfield.methods import METHODS, WRAPPERS

if TYPE_CHECKING:
    from ganfield.configuration._config import Config

_PLAYERS = ("generator", "discriminator")


def left_behind(config: Config, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted name → default of the settings that do not outlive the choices of the changes.

    Args:
        config: before the changes.
        changes: dotted name → value.

    Example:
        >>> import ganfield as gf
        >>> config = gf.configuration.Config().replace({"data.size": 16})
        >>> left_behind(config, {"data.name": "ring"})
        {'data.size': None}
    """
    goes: dict[str, Any] = {}
    for choice, takes in CHOICES.items():
        part, _, key = choice.partition(".")
        settings = getattr(config, part)
        chosen = changes.get(choice)
        names = None
        if isinstance(chosen, str) and chosen != getattr(settings, key):
            names = takes(chosen)
        if names is None:
            continue
        for name, default in _defaults(settings).items():
            value, dotted = getattr(settings, name), f"{part}.{name}"
            if name not in _OF[choice] or value == default or dotted in changes:
                continue
            if isinstance(value, Mapping):
                kept = {option: inner for option, inner in value.items() if option in names}
                if kept != value:
                    goes[dotted] = kept
            elif name not in names:
                goes[dotted] = default
    return goes


def _defaults(settings: Any) -> dict[str, Any]:
    return {
        field.name: {} if field.default is dataclasses.MISSING else field.default
        for field in dataclasses.fields(settings)
    }


def _of_data(name: str) -> set[str] | None:
    if name not in DATA:
        return None
    source = DATA[name]
    takes = {*keywords(getattr(data, source.loader), skip=int(source.in_folder))} - {"split"}
    takes |= {"flip", "pairs"} if source.images else set()
    return (
        takes
        | ({"split"} if source.has_parts else set())
        | ({"folder"} if source.in_folder else set())
    )


def _of(registry: Mapping[str, Callable[..., Any]]) -> Callable[[str], set[str] | None]:
    return lambda name: {*keywords(registry[name])} if name in registry else None


def _of_game(name: str) -> set[str] | None:
    # Games that are given networks bring Flax.
    from ganfield.configuration._gans import MAKERS, options_of

    return {*options_of(name)} if name in MAKERS else None


def _of_network(name: str) -> set[str] | None:
    return set() if name == "mlp" else None


# What was said of batch norm is decided anew, and so is no default: `NetworkConfig`.
_OF_NETWORK = ("growing", "batch_norm", "spectral_norm", "dtype", "options")
CHOICES: dict[str, Callable[[str], set[str] | None]] = {
    "data.name": _of_data,
    "game.name": _of_game,
    "method.name": _of(METHODS),
    "method.transform": _of(TRANSFORMS),
    "method.optimizer": _of(OPTIMIZERS),
    "method.wrapper": _of(WRAPPERS),
    **{f"{player}.architecture": _of_network for player in _PLAYERS},
}
_OF: dict[str, tuple[str, ...]] = {
    "data.name": ("folder", "split", "size", "flip", "pairs", "options"),
    "game.name": ("options",),
    "method.name": ("theta_steps", "phi_steps", "options"),
    "method.transform": ("gamma", "transform_options"),
    "method.optimizer": ("optimizer_options",),
    "method.wrapper": ("wrapper_options",),
    **{f"{player}.architecture": _OF_NETWORK for player in _PLAYERS},
}
