"""What can be named on the command line."""

from collections.abc import Mapping
from typing import Any

import optax

import ganfield as gf

OPTIMIZERS = {"sgd": optax.sgd, "adam": optax.adam, "rmsprop": optax.rmsprop}
REGISTRIES: dict[str, Mapping[str, Any]] = {
    "games": gf.GAMES,
    "methods": gf.METHODS,
    "transforms": gf.TRANSFORMS,
    "objectives": gf.OBJECTIVES,
    "penalties": gf.games.PENALTIES,
    "optimizers": OPTIMIZERS,
}
