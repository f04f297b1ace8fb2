"""What can be named on the command line."""

from collections.abc import Mapping
from typing import Any

import ganfield as gf

REGISTRIES: dict[str, Mapping[str, Any]] = {
    "games": gf.games.closed_forms(),
    "gans": gf.games.gans(),
    "methods": gf.METHODS,
    "transforms": gf.TRANSFORMS,
    "objectives": gf.OBJECTIVES,
    "penalties": gf.games.PENALTIES,
    "wrappers": gf.WRAPPERS,
    "optimizers": gf.configuration.OPTIMIZERS,
}
