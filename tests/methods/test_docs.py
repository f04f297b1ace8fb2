"""The pages about methods and games say what the registries hold."""

import re
import runpy
from pathlib import Path

import pytest

import ganfield as gf

DOCS = Path(__file__).parents[2] / "docs"
TABLES = runpy.run_path(str(DOCS / "tables.py"))
NAMES = [*gf.METHODS, *gf.WRAPPERS, *gf.TRANSFORMS]


@pytest.mark.parametrize("path", TABLES["PAGES"], ids=lambda path: path.name)
def test_tables_are_those_of_the_registries(path):
    page = path.read_text("utf-8")
    assert TABLES["written"](page) == page, "run: python docs/tables.py"


@pytest.mark.parametrize("name", [*NAMES, *gf.GAMES])
def test_a_row_is_complete(name):
    build = {**gf.METHODS, **gf.WRAPPERS, **gf.TRANSFORMS, **gf.GAMES}[name]
    _, summary, options, reference, cost = TABLES["row"](name, build)
    assert (cost != "–") == (name in NAMES)
    assert reference != "–" or name in ("identity", "clipped")
    assert options == "–" or options.startswith("`")
    assert summary != "–"


@pytest.mark.parametrize("name", [*gf.OBJECTIVES, *gf.PENALTIES])
def test_every_objective_and_penalty_has_a_row(name):
    page = (DOCS / "games.md").read_text("utf-8")
    assert re.search(rf"^\| [^|]*`{name}`", page, re.MULTILINE)


def test_no_row_is_left_of_what_is_gone():
    page = (DOCS / "methods.md").read_text("utf-8")
    rows = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert rows == set(NAMES)


@pytest.mark.parametrize(
    ("letters", "name"),
    [
        ("ACGD", "adaptive_competitive"),
        ("AltGD", "alternating"),
        ("CGD", "competitive"),
        ("ConOpt", "consensus"),
        ("DRAGAN", "dragan"),
        ("EG", "extragradient"),
        ("EMA", "averaged"),
        ("FR", "follow_the_ridge"),
        ("GDA", "simultaneous"),
        ("HGD", "conservative_relaxation"),
        ("JARE", "jare"),
        ("LCGD", "linearized_competitive"),
        ("LEAD", "lead"),
        ("LSGAN", "least_squares"),
        ("ODE-GAN", "runge_kutta"),
        ("OGDA", "optimistic"),
        ("PEG", "past_extragradient"),
        ("PP", "proximal_point"),
        ("R1", "r1"),
        ("RSGAN", "relativistic"),
        ("RaSGAN", "relativistic_average"),
        ("SGA", "symplectic"),
        ("TTUR", "scaled"),
        ("WGAN", "wasserstein"),
        ("WGAN-GP", "wgan_gp"),
    ],
)
def test_names_of_papers_lead_to_ours(letters, name):
    """By the first line of the docstring, which `ganfield list` prints, and in the pages."""
    builders = gf.METHODS | gf.WRAPPERS | gf.TRANSFORMS | gf.OBJECTIVES | gf.PENALTIES
    word = re.compile(rf"\b{letters}\b")
    assert word.search((builders[name].__doc__ or "").partition("\n")[0])
    assert any(word.search(path.read_text("utf-8")) for path in TABLES["PAGES"])
