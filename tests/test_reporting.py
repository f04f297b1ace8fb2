"""Results on disk: whole files, honest origins, and folders that can be written to."""

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf

check_folder = gf.reporting.check_folder
provenance = gf.reporting.provenance
save_json = gf.reporting.save_json
to_json = gf.reporting.to_json


def strict(path):
    """Read JSON, and refuse the NaN and Infinity that Python would accept."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(path.read_text("utf-8"), parse_constant=refuse)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2.5, "é", True, None]}, {"a": [1, 2.5, "é", True, None]}),
        (float("nan"), None),
        ([float("inf"), -float("inf"), 1.0], [None, None, 1.0]),
        (np.array([[1.0, np.nan], [np.inf, 2.0]]), [[1.0, None], [None, 2.0]]),
        (jnp.array([1.5, jnp.nan]), [1.5, None]),
        (np.float32("nan"), None),
        (jnp.float32(0.25), 0.25),
        (np.int64(3), 3),
        (np.arange(3), [0, 1, 2]),
        (np.bool_(True), True),
        (np.zeros((0, 2)), []),
        ({1: (2, np.array(3.0))}, {"1": [2, 3.0]}),
        ({"deep": [{"x": (np.nan,)}]}, {"deep": [{"x": [None]}]}),
        (gf.Players(1.0, jnp.nan), [1.0, None]),
        (Path("a") / "b", str(Path("a") / "b")),
        (1 - 2j, {"re": 1.0, "im": -2.0}),
        (np.array([1j, np.nan]), [{"re": 0.0, "im": 1.0}, {"re": None, "im": 0.0}]),
        (jnp.array(0.5j), {"re": 0.0, "im": 0.5}),
    ],
)
def test_saved_values_come_back(tmp_path, value, expected):
    save_json(tmp_path / "x.json", value)
    loaded = strict(tmp_path / "x.json")
    assert loaded == expected
    assert type(loaded) is type(expected)


def test_json_text_is_what_is_saved(tmp_path):
    value = {"φ": np.array([0.5, np.nan]), "λ": 1j}
    save_json(tmp_path / "x.json", value)
    assert (tmp_path / "x.json").read_text("utf-8") == to_json(value) + "\n"
    assert json.loads(to_json(value)) == {"φ": [0.5, None], "λ": {"re": 0.0, "im": 1.0}}
    with pytest.raises(TypeError, match="not JSON serializable"):
        to_json({1, 2})


@pytest.mark.usefixtures("x64")
def test_float64_loses_no_digit(tmp_path):
    values = np.array([np.pi, 0.1, 1e-300, 2 / 3])
    save_json(tmp_path / "x.json", {"numpy": values, "jax": jnp.asarray(values)})
    assert strict(tmp_path / "x.json") == {"numpy": values.tolist(), "jax": values.tolist()}


def test_a_reader_keeps_the_old_file(tmp_path):
    path = tmp_path / "x.json"
    save_json(path, {"old": list(range(100))})
    with path.open(encoding="utf-8") as reader:
        save_json(str(path), {"new": 1})
        assert json.load(reader) == {"old": list(range(100))}
    assert strict(path) == {"new": 1}
    assert names(tmp_path) == ["x.json"]


def test_a_value_that_is_no_json_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.json"
    save_json(path, "old")
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_json(path, {"new": {1, 2}})
    assert strict(path) == "old"
    assert names(tmp_path) == ["x.json"]


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    save_json(path, "old")

    def break_off(self, content):
        with self.open("wb") as file:
            file.write(content[:2])
        raise OSError("disk is full")

    monkeypatch.setattr(Path, "write_bytes", break_off)
    with pytest.raises(OSError, match="disk is full"):
        save_json(path, {"new": 1})
    monkeypatch.undo()
    assert strict(path) == "old"
    save_json(path, "newer")
    assert strict(path) == "newer"


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        save_json(tmp_path / "missing" / "x.json", 1)
    assert names(tmp_path) == []


def git(folder, *arguments):
    identity = ("-c", "user.name=n", "-c", "user.email=e@e", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def script(tmp_path, monkeypatch):
    """The running script, as it seems: it lies in no repository yet."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    path = tmp_path / "study" / "run.py"
    path.parent.mkdir()
    path.write_text("pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path), "--steps", "3"])
    return path


def test_provenance_outside_of_a_repository(script):
    origin = provenance()
    assert origin["commit"] is None
    assert origin["uncommitted"] is None
    assert origin["command"] == f"python {Path('study') / script.name} --steps 3"


@pytest.mark.skipif(
    shutil.which("git") is None,
    reason="makes a repository; the test below is for machines without git",
)
def test_provenance_in_a_repository(script, tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "study")
    git(tmp_path, "commit", "--quiet", "--message=x", "--no-verify")
    origin = provenance()
    assert origin["commit"] == git(tmp_path, "rev-parse", "HEAD")
    assert origin["uncommitted"] is False

    (tmp_path / "untracked.json").write_text("{}")
    assert provenance()["uncommitted"] is False
    script.write_text("changed\n")
    assert provenance()["uncommitted"] is True
    # The repository is that of the script, wherever it is started.
    monkeypatch.chdir("/")
    assert provenance()["commit"] == origin["commit"]


def test_provenance_without_git(script, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert script.is_file()
    origin = provenance()
    assert (origin["commit"], origin["uncommitted"]) == (None, None)


def test_provenance_names_versions_and_hardware(tmp_path):
    origin = provenance()
    assert origin["versions"]["python"] == platform.python_version()
    for package in ("jax", "jaxlib", "flax", "optax", "numpy"):
        assert origin["versions"][package] == metadata.version(package)
    assert origin["device"] == {
        "platform": jax.devices()[0].platform,
        "kind": jax.devices()[0].device_kind,
        "count": len(jax.devices()),
        "cpu_cores": os.cpu_count(),
    }
    save_json(tmp_path / "x.json", origin)
    assert strict(tmp_path / "x.json") == origin


def test_provenance_leaves_out_what_is_not_installed(monkeypatch):
    version = metadata.version

    def without_flax(package):
        if package == "flax":
            raise metadata.PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(metadata, "version", without_flax)
    versions = provenance()["versions"]
    assert "flax" not in versions
    assert versions["jax"] == jax.__version__


def test_check_folder_makes_folders_and_leaves_nothing_else(tmp_path):
    folder = tmp_path / "a" / "b"
    assert check_folder(str(folder)) == folder
    assert folder.is_dir()
    (folder / "kept").write_text("x")
    assert check_folder(folder) == folder
    assert names(folder) == ["kept"]


def test_check_folder_refuses_what_is_no_folder(tmp_path):
    occupied = tmp_path / "file"
    occupied.write_text("kept")
    dangling = tmp_path / "link"
    dangling.symlink_to(occupied / "nowhere")
    for path in (occupied, occupied / "below", dangling, "/dev/null", "/dev/null/x"):
        with pytest.raises(ValueError, match=r"^output must be a folder .* written to") as error:
            check_folder(path)
        assert repr(str(path)) in str(error.value)
    assert occupied.read_text() == "kept"
    with pytest.raises(ValueError, match=r"^--out must be a folder"):
        check_folder(occupied, argument="--out")


def test_check_folder_refuses_where_no_file_can_be_made():
    # A folder that exists and takes no file, from root either.
    folder = Path("/proc/self")
    if not folder.is_dir():
        pytest.skip("needs /proc")
    with pytest.raises(ValueError, match="can be written to, got '/proc/self'"):
        check_folder(folder)
