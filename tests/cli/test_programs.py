"""Compiled programs are kept between starts: where, for whom, and what becomes of trouble."""

import os
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import filelock
import jax
import pytest

import ganfield as gf
from ganfield import cli, program
from ganfield.cli import _programs
from ganfield.cli._programs import keep_programs
from ganfield.cli._sweep import Sweep

ROOT = Path(gf.__file__).parents[1]
SETTINGS = ("jax_compilation_cache_dir", "jax_enable_compilation_cache", *_programs._SETTINGS)


@pytest.fixture
def config(monkeypatch, tmp_path):
    """Return JAX's settings, as they are where nobody has set any; they are put back."""
    before = {name: getattr(jax.config, name) for name in SETTINGS}
    jax.config.update("jax_compilation_cache_dir", None)
    for name in SETTINGS:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(_programs, "_mend", lambda folder: None)
    yield jax.config
    for name, value in before.items():
        jax.config.update(name, value)


def folder_in(cache):
    return cache / "ganfield" / f"programs-{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.skipif(sys.platform != "linux", reason="other platforms have no XDG_CACHE_HOME")
def test_the_folder_and_the_limit(config, tmp_path):
    keep_programs()
    folder = folder_in(tmp_path / "cache")
    assert config.jax_compilation_cache_dir == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert 0 < config.jax_compilation_cache_max_size <= 2**30
    assert config.jax_persistent_cache_min_compile_time_secs < 0.1


def test_what_the_environment_says_stays(config, tmp_path, monkeypatch):
    jax.config.update("jax_compilation_cache_max_size", 12345)
    monkeypatch.setenv("JAX_COMPILATION_CACHE_MAX_SIZE", "12345")
    keep_programs()
    assert config.jax_compilation_cache_max_size == 12345
    for given in ("", str(tmp_path / "mine")):
        jax.config.update("jax_compilation_cache_dir", given)
        keep_programs()
        assert config.jax_compilation_cache_dir == given
    jax.config.update("jax_compilation_cache_dir", None)
    jax.config.update("jax_enable_compilation_cache", False)
    keep_programs()
    assert config.jax_compilation_cache_dir is None


def test_a_folder_that_cannot_be_used_is_told_of_once(config, tmp_path, monkeypatch, capsys):
    (tmp_path / "cache").write_text("a file")
    keep_programs()
    (tmp_path / "cache").unlink()
    monkeypatch.setattr(_programs, "_LOCKED", 0.01)
    folder = folder_in(tmp_path / "cache")
    folder.mkdir(parents=True)
    with filelock.FileLock(folder / "check.lock"):
        keep_programs()
    monkeypatch.setitem(sys.modules, "filelock", None)
    keep_programs()
    assert config.jax_compilation_cache_dir is None
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 3
    assert all(
        line.startswith("what is compiled is not kept for another start: ") for line in lines
    )


def test_only_a_program_keeps_them(monkeypatch, capsys):
    kept = []
    monkeypatch.setattr(_programs, "keep_programs", lambda: kept.append(1))
    assert cli.main(["list", "methods"]) == 0
    assert kept == []
    monkeypatch.setattr(program, "has_begun", lambda: True)
    assert cli.main(["list", "methods"]) == 0
    assert kept == [1]


def test_what_cannot_be_read_is_removed(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *rest: said.append(str(message)))
    for name in ("jit_f-12-cache", "jit_f-12-atime", "jit_g-34-cache"):
        (tmp_path / name).touch()
    _programs._mend(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        entry = "persistent compilation cache entry for 'jit_f': zlib.error: -5"
        warnings.warn(f"Error reading {entry}", stacklevel=1)
        warnings.warn("something else", stacklevel=1)
    assert said == ["something else"]
    assert [path.name for path in tmp_path.iterdir()] == ["jit_g-34-cache"]


def test_workers_of_a_sweep_keep_them_too(monkeypatch):
    """Those that Dask has, and those that it will have, are told to."""
    distributed = pytest.importorskip("distributed")
    told = []

    @contextmanager
    def connected(address, **options):
        yield SimpleNamespace(
            register_worker_callbacks=lambda setup: told.append(setup),
            get_executor=lambda pure: "an executor",
        )

    monkeypatch.setattr(distributed, "Client", connected)
    sweep = Sweep(preset="ring", output=Path("r"), scheduler="tcp://somewhere:1")
    with sweep._where() as executor:
        assert executor == "an executor"
    assert told == [keep_programs]


# One simulation of the ring, in a process of its own: what it ended at, and the programs it read.
_SCRIPT = """
import ganfield.program
ganfield.program.begin()
import hashlib
from dataclasses import dataclass
import jax, optax
import ganfield as gf
from ganfield.cli import script

@dataclass(frozen=True)
class Config:
    \"\"\"Take a few steps.\"\"\"

def main(config):
    read = []
    jax.monitoring.register_event_listener(
        lambda name, **_: read.append(name) if name.endswith("/cache_hits") else None)
    game = gf.games.gan(gf.networks.mlp(2, 2), gf.networks.mlp(2, 1))
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=16, latent_size=2)
    method = gf.simultaneous(optax.adam(1e-3))
    w = gf.consensus(gf.vector_field(game), gamma=1.0)
    start = game.init(jax.random.key(0))
    run = gf.simulate(method, w, start, num_steps=20, key=jax.random.key(1), sample=sample)
    leaves = jax.tree.leaves(run.state.params)
    print(hashlib.sha256(b"".join(map(bytes, jax.device_get(leaves)))).hexdigest(), len(read))

script(main, Config)
"""


def started(tmp_path, **environment):
    """Return a process of the script whose folder is below the test's."""
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT)
    # All is kept: what takes as long as the least that is kept may be kept by one start alone.
    environment.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    for name in SETTINGS:
        environment.setdefault(name.upper(), None)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    changed = os.environ | {"PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path)} | environment
    given = {name: value for name, value in changed.items() if value is not None}
    return subprocess.Popen(
        [sys.executable, script],
        env=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process):
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    digest, read = out.split()
    return digest, int(read)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="other platforms have no XDG_CACHE_HOME")
def test_kept_programs_do_the_same_bit_for_bit(tmp_path):
    """Compiled, kept by two at once, read, damaged and mended: one end, and a silent stderr."""
    compiled, none = ended(started(tmp_path, JAX_ENABLE_COMPILATION_CACHE="0"))
    assert none == 0
    folder = folder_in(tmp_path)
    assert not folder.exists()
    both = [started(tmp_path) for _ in range(2)]
    assert {ended(process)[0] for process in both} == {compiled}
    kept = {path: path.read_bytes() for path in folder.glob("*-cache")}
    digest, read = ended(started(tmp_path))
    assert digest == compiled
    assert read >= len(kept) > 0
    for path, whole in kept.items():
        path.write_bytes(whole[: len(whole) // 2])
    assert ended(started(tmp_path))[0] == compiled
    assert all(len(path.read_bytes()) > len(whole) // 2 for path, whole in kept.items())
    assert ended(started(tmp_path)) == (compiled, read)
