"""All six figures of the vector-field studies, one after the other.

Each study is a script of its own, which has more options.

    python experiments/vector_fields/all.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import autoencoder
import curl
import densities
import dirac
import ganfield as gf
import minibatch
import panels
from ganfield.cli import script

STUDIES: dict[str, Callable[[Path], None]] = {
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


def main(config: Config) -> None:
    """Run the studies."""
    chosen = {name: gf.checks.lookup(STUDIES, name, argument="study") for name in config.studies}
    gf.reporting.check_distinct(config.studies, argument="studies")
    experiment = gf.reporting.Experiment(config)
    seconds: dict[str, float] = {}
    for name, study in chosen.items():
        print(f"{name}\n{'=' * len(name)}")
        study(experiment.folder)
        seconds[name] = experiment.lap()
        print()
    experiment.save("seconds.json", **seconds)
    experiment.finish(", ".join(f"{name} {spent:.0f} s" for name, spent in seconds.items()))


if __name__ == "__main__":
    script(main, Config)
