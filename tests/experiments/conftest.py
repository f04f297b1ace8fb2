"""What tests of experiments share: scripts by their names, and figures as they were drawn."""

import importlib
from pathlib import Path

import pytest
from matplotlib.figure import Figure

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def load(monkeypatch):
    """Import a module of the experiments by its name, which no other has."""
    for folder in sorted(path.parent for path in EXPERIMENTS.glob("*/README.md")):
        monkeypatch.syspath_prepend(str(folder))
    return importlib.import_module


@pytest.fixture
def drawn(monkeypatch):
    """Return the axes of a figure that was saved, by the name of its file."""
    figures = {}
    save = Figure.savefig

    def keep(figure, path, **options):
        figures[Path(path).name.lstrip(".").partition(".")[0]] = figure
        save(figure, path, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return lambda name: figures[name].axes
