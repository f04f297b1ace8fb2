"""What changes as a knob turns: figures of bifurcations in small games.

Expected and measured are in README.md.

python experiments/bifurcations/bifurcations.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ganfield as gf
import lattice_diagram
import lazy_penalty
import penalty_weight
import step_size_cycle
from ganfield.cli import script

Rows = list[tuple[str, str, str]]


def lazy(output: Path) -> None:
    """Ask how lazily a penalty may be paid."""
    lazy_penalty.main(lazy_penalty.Config(output=output))


# A study that saves its own numbers returns nothing.
STUDIES: dict[str, Callable[[Path], Rows | None]] = {
    "lattice_diagram": lattice_diagram.study,
    "penalty_weight": penalty_weight.study,
    "step_size_cycle": step_size_cycle.study,
    "lazy_penalty": lazy,
}


@dataclass(frozen=True)
class Config:
    """Draw the diagrams of small games, and hold them against what is known."""

    studies: tuple[str, ...] = tuple(STUDIES)
    """Which: lattice_diagram, penalty_weight, step_size_cycle, lazy_penalty."""
    output: Path = Path("results/bifurcations")
    """Folder for the figures and for result.json."""


def main(config: Config) -> None:
    """Run the studies."""
    chosen = {name: gf.checks.lookup(STUDIES, name, argument="study") for name in config.studies}
    gf.reporting.check_distinct(config.studies, argument="studies")
    experiment = gf.reporting.Experiment(config)
    head = ("quantity", "expected", "measured")
    results, tables = {}, []
    for name, study in chosen.items():
        print(f"{name} …", flush=True)
        experiment.lap()
        rows = study(experiment.folder) or []
        results[name] = {
            "seconds": round(experiment.lap(), 1),
            "rows": [dict(zip(head, row, strict=True)) for row in rows],
        }
        if rows:
            tables.append(gf.reporting.table(head, rows))
    experiment.save("result.json", studies=results)
    experiment.finish(*tables)


if __name__ == "__main__":
    script(main, Config)
