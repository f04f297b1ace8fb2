"""Imports run one way, heavy packages stay where they belong, and nothing private is used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ganfield

ROOT = Path(ganfield.__file__).parent
# Each part may import those before it. The arrows of docs/design.md.
ORDER = (
    (
        "_summarize",
        "_html",
        "_extras",
        "program",
        "_types",
        "_describe",
        "_registry",
        "checks",
        "_tree",
        "_memory",
        "_numbers",
        "_compiled",
        "_files",
        "_hashes",
    ),
    ("jaxpr",),
    ("networks", "data", "games"),
    ("field",),
    ("methods",),
    ("simulate",),
    ("spectra", "evaluation"),
    ("stability",),
    ("dynamics",),
    ("testing", "reporting"),
    ("sweeps",),
    ("plotting",),
    ("configuration",),
    ("export",),
    ("runs",),
    ("training",),
    ("__init__",),
    ("cli",),
    ("__main__",),
)
LEVEL = {part: level for level, parts in enumerate(ORDER) for part in parts}
ALONE = {
    "flax": {"networks"},
    "matplotlib": {"plotting"},
    "rich": {"simulate", "cli"},
    "tyro": {"cli"},
    "filelock": {"cli"},
    "platformdirs": {"cli"},
    "orbax": {"runs"},
    "PIL": {"data", "plotting", "runs"},
    "sklearn": {"data", "evaluation"},
    "cloudpickle": {"sweeps"},
    "distributed": {"cli"},
    "xarray": {"sweeps"},
}
# A primitive has to say its derivatives, and what it is under vmap: JAX has no other place for it.
PRIMITIVES = "_ordered_convolution.py"
RULES = {"jax.interpreters", *(f"jax.interpreters.{name}" for name in ("ad", "batching", "mlir"))}


def modules():
    every = sorted(ROOT.rglob("*.py"))
    # What npm installs to build the page is not ours.
    return [path for path in every if "node_modules" not in path.parts]


def part_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def violations(path, names):
    part = part_of(path)
    for name in names:
        head, *rest = name.split(".")
        target = rest[0] if head == "ganfield" and rest and rest[0] in LEVEL else part
        # The lowest level holds single files, which may use each other.
        if target != part and LEVEL[target] >= max(LEVEL[part], 1):
            yield f"{path.name} in {part} imports {name}"
        if head in ALONE and part not in ALONE[head]:
            yield f"{path.name} in {part} imports {name}"
        rules = path.name == PRIMITIVES and name in RULES
        if name.startswith(("jax._", "jax.interpreters")) and not rules:
            yield f"{path.name} imports the private {name}"


def test_every_part_has_its_place():
    assert {part_of(path) for path in modules()} == set(LEVEL)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    assert list(violations(path, imported(path))) == []


@pytest.mark.parametrize(
    "name",
    ["ganfield.methods", "ganfield.spectra", "flax.nnx", "matplotlib", "jax._src.core"],
)
def test_the_walk_finds_a_violation(name):
    assert list(violations(ROOT / "field" / "_field.py", [name]))


@pytest.mark.slow
def test_import_stays_light():
    code = (
        "import sys, ganfield; "
        "print([m for m in ('flax', 'matplotlib', 'tyro', 'rich', 'scipy.stats') "
        "if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_files_stay_short():
    assert {
        path.name: n for path in modules() if (n := len(path.read_text("utf-8").splitlines())) > 500
    } == {}


def test_public_names_exist_and_are_documented():
    for name in dir(ganfield):
        member = getattr(ganfield, name)
        assert isinstance(member, dict) or name == "Field" or member.__doc__, name


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("plot", ImportError, r"pip install 'ganfield\[plot\]'"),
        ("plots", AttributeError, "no attribute 'plots'"),
    ],
)
def test_what_cannot_be_loaded_is_named(monkeypatch, name, error, message):
    monkeypatch.setitem(sys.modules, "ganfield.plotting", None)
    with pytest.raises(error, match=message):
        getattr(ganfield, name)
