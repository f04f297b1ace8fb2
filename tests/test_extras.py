"""What is missing is asked for once, in the same sentence by whatever door."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ganfield as gf
from ganfield import _extras, cli

ROOT = Path(gf.__file__).parents[1]
RING = ROOT / "experiments" / "numerics_of_gans" / "ring.py"
NEEDS_FLAX = "ganfield.networks needs flax: pip install 'ganfield[networks]'"


def without(package, *arguments, folder):
    """Run a program where a package cannot be imported."""
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.modules[{package!r}] = None\n")
    path = os.pathsep.join(map(str, (folder, ROOT)))
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
    )


@pytest.mark.long
def test_a_script_asks_in_a_sentence_for_what_it_needs(tmp_path):
    for package, said in (
        ("flax", NEEDS_FLAX),
        ("matplotlib", "this needs matplotlib: pip install 'ganfield[plot]'"),
        ("tyro", "this needs tyro: pip install 'ganfield[cli]'"),
    ):
        process = without(package, RING, "--help", folder=tmp_path)
        assert (process.returncode, process.stdout) == (1, "")
        assert process.stderr == f"error: {said}\n"


@pytest.mark.slow
def test_every_way_to_import_gives_the_same_sentence(tmp_path):
    code = """
import importlib
for name, attribute in (("ganfield.networks", None), ("ganfield", "networks")):
    try:
        getattr(importlib.import_module(name), str(attribute))
    except ImportError as error:
        print(error)
"""
    process = without("flax", "-c", code, folder=tmp_path)
    assert process.stdout.splitlines() == [NEEDS_FLAX] * 2


@pytest.mark.parametrize(
    ("package", "who", "said"),
    [
        ("flax", "networks", NEEDS_FLAX),
        ("matplotlib", "plot", "ganfield.plot needs matplotlib: pip install 'ganfield[plot]'"),
        ("orbax", "training", "ganfield.training needs orbax: pip install 'ganfield[images]'"),
    ],
)
def test_what_is_needed_is_said_with_its_extra(package, who, said, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f"^{said.replace('[', '.').replace(']', '.')}$"):
        _extras.need(package, who=f"ganfield.{who}")


def test_what_a_package_itself_misses_is_no_missing_package(monkeypatch, tmp_path):
    (tmp_path / "broken.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        _extras.need("broken", who="this")


@pytest.mark.parametrize(
    ("gone", "command", "said"),
    [
        ("flax orbax PIL sklearn", "train run", "flax, orbax, PIL and sklearn: [images]"),
        ("flax orbax tensorboardX", "train r --tensorboard", "[images,tensorboard]"),
        ("flax", "train run", "this needs flax: pip install 'ganfield[networks]'"),
        ("flax sklearn", "train-classifier", "this needs flax and sklearn: [images]"),
        ("tyro rich matplotlib scipy", "field", "tyro, rich, matplotlib and scipy: [cli]"),
        ("tyro rich flax", "list", "this needs tyro and rich: [cli]"),
    ],
)
def test_a_command_asks_once_for_all_that_it_needs(gone, command, said, monkeypatch):
    for package in gone.split():
        monkeypatch.setitem(sys.modules, package, None)
    sentence = cli._say_missing(gone.split()[0], command.split())
    assert (
        sentence.replace("pip install 'ganfield[", "[")
        .replace("]'", "]")
        .endswith(said.replace("pip install 'ganfield[", "[").replace("]'", "]"))
    )
