"""What notebooks show: results as tables, bars without widgets, and a page of the docs as cells."""

import json
import re
import subprocess
import sys
import types
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield import _html

ROOT = Path(__file__).parents[1]


class Cells(HTMLParser):
    """The texts of a table's cells, and what is open in the end."""

    def __init__(self, page):
        super().__init__()
        self.open, self.cells = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        assert tag in ("table", "caption", "thead", "tbody", "tr", "th", "td"), tag
        self.open.append(tag)
        self.cells += [""] * (tag in ("caption", "th", "td"))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.cells[-1] += data


def cells(result):
    parsed = Cells(result._repr_html_())
    assert parsed.open == []
    return parsed.cells


def test_texts_are_escaped():
    page = _html.html_table(["<b>"], [["<script>alert(1)</script>"], ["a & b"]], title="<i>")
    assert Cells(page).cells == ["<i>", "<b>", "<script>alert(1)</script>", "a & b"]
    assert "<script>" not in page


def test_results_are_tables():
    origin = gf.Players(np.float64(0), np.float64(0.25))
    radius = gf.spectra.SpectralRadius(1.25, 1.25, np.array([1 + 0.5j, 0.1]), 0.0, 1e-12, "none")
    assert cells(radius)[:5] == ["SpectralRadius", "value", "1.25", "rate", "1.25"]
    assert "1+0.5j, 0.1+0j" in cells(radius)
    points = gf.dynamics.Equilibria((origin,), np.array([0.0]), np.array([7]), 8, 7)
    assert cells(points) == [
        "1 equilibria: 7 of 8 starts ended at zeros", "point", "residual", "hits",
        "θ = 0, φ = 0.25", "0", "7",
    ]  # fmt: skip
    none = gf.dynamics.Equilibria((), np.zeros(0), np.zeros(0, int), 8, 0, "the field is <flat>")
    assert cells(none)[0].endswith("0 of 8 starts ended at zeros. the field is <flat>")
    rates = gf.spectra.ConvergenceRate(0.5, float("nan"))
    assert cells(rates) == ["ConvergenceRate", "predicted", "0.5", "measured", "nan"]
    coverage = gf.evaluation.ModeCoverage(*map(np.asarray, (8, 8, 0.98, 0.1, np.ones(8) / 8)))
    assert cells(coverage)[1:3] == ["modes_covered", "8"]


@pytest.mark.slow
def test_runs_are_tables():
    v = gf.vector_field(gf.games.bilinear())
    run = gf.simulate(gf.simultaneous(optax.sgd(0.1)), v, gf.Players(1.0, 0.0), num_steps=3)
    assert cells(run)[:3] == ["Run", "outcome", "3 steps, finite"]
    assert cells(gf.Sweep(run, 1.0, 2.0))[:2] == ["Sweep", "runs"]


def test_a_comparison_is_a_table():
    def group(label, values):
        metrics = {"step": np.array([0, 10]), "loss_phi": np.array([values, values])}
        return gf.runs.Group(label, ("a", "b"), (0, 1), metrics, {})

    groups = (group("method.name=lead", [1.0, 2.0]), group("<other>", [3.0, 3.0]))
    assert cells(gf.runs.Comparison(groups, {}, None))[1:] == [
        "runs of", "seeds", "loss_phi", "method.name=lead", "2", "1.5 ± 0.71",
        "<other>", "2", "3 ± 0",
    ]  # fmt: skip


@pytest.fixture
def kernel(monkeypatch):
    """A notebook that keeps what it is shown, and has no widgets."""
    shown = []
    handle = types.SimpleNamespace(update=shown.append)
    display = types.ModuleType("IPython.display")
    display.HTML = str
    display.display = lambda page, display_id: [shown.append(page), handle][1]
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel="a kernel")
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setitem(sys.modules, "rich", None)  # which would ask for widgets
    return shown


def test_a_bar_needs_no_widgets(kernel, capsys):
    with gf.progress_bar("a <b>", 4, lambda record: f"loss {record:g}") as progress:
        for step in range(1, 5):
            progress(step, 1 / step)
    assert '<progress value="0" max="4">' in kernel[0]
    assert '<progress value="4" max="4">' in kernel[-1]
    assert "a &lt;b&gt;" in kernel[-1]
    assert "loss 0.25" in kernel[-1]
    # Quick steps do not flood the browser.
    assert len(kernel) <= 3
    assert capsys.readouterr() == ("", "")


@pytest.mark.long
def test_a_page_is_a_notebook():
    script, page = ROOT / "tests" / "as_notebook.py", ROOT / "docs" / "data.md"
    done = subprocess.run(
        [sys.executable, script, page, "end", "coverage"],
        capture_output=True, text=True, timeout=600, check=True, cwd=ROOT,
    )  # fmt: skip
    ran = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(ran) > 20
    for cell in ran:
        assert cell["failed"] == cell["fails"], cell
        assert cell["stderr"] == "", cell
    *_, run, coverage, bar = (cell["html"] for cell in ran)
    assert Cells(run[0]).cells[:3] == ["Run", "outcome", "100 steps, finite"]
    assert Cells(coverage[0]).cells[:3] == ["ModeCoverage", "modes_covered", "8"]
    assert re.search(r"a &lt;b&gt; .*4/4.* loss 0.25", bar[-1])
