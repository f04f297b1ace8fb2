"""All six figures of the vector-field studies, one after the other.

Each study is a script of its own, which has more options.

    python experiments/vector_fields/all.py
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import autoencoder
import curl
import densities
import dirac
import minibatch
import panels
from rich.console import Console

import ganfield as gf
from ganfield.cli import script

STUDIES: dict[str, Callable[[Path], int]] = {
    "curl": lambda output: curl.main(curl.Config(output=output)),
    "panels": lambda output: panels.main(panels.Config(output=output)),
    "dirac": lambda output: dirac.main(dirac.Config(output=output)),
    "autoencoder": lambda output: autoencoder.main(autoencoder.Config(output=output)),
    "minibatch": lambda output: minibatch.main(minibatch.Config(output=output)),
    "densities": lambda output: densities.main(densities.Config(output=output)),
}


@dataclass(frozen=True)
class Config:
    """Run the vector-field studies; each alone has more options, see ``<study>.py --help``."""

    studies: tuple[str, ...] = tuple(STUDIES)
    """Which: curl, panels, dirac, autoencoder, minibatch, densities."""
    output: Path = Path("results/vector_fields")
    """Folder for the figures and, beside each, its numbers."""


def main(config: Config) -> int:
    """Run the studies; return the first exit code that is not 0."""
    chosen = {name: gf.checks.lookup(STUDIES, name, argument="study") for name in config.studies}
    output, console = gf.reporting.check_folder(config.output), Console()
    seconds: dict[str, float] = {}
    for name, study in chosen.items():
        console.rule(name)
        began = time.perf_counter()
        code = study(output)
        seconds[name] = time.perf_counter() - began
        if code:
            return code
    gf.reporting.save_json(output / "seconds.json", {**gf.reporting.provenance(), **seconds})
    each = ", ".join(f"{name} {spent:.0f}" for name, spent in seconds.items())
    console.rule(f"{sum(seconds.values()):.0f} s in all ({each}); results are in {output}")
    return 0


if __name__ == "__main__":
    sys.exit(script(main, Config))
