"""The folder of a sweep: written piece by piece, gone on with, refused where it is another's."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.sweeps import _folder
from tests.sweeps.cases import AXES, BILINEAR, assert_same, build

ROOT = Path(__file__).parents[2]


def stopping(after):
    told = []

    def progress(step, record):
        told.append(step)
        if len(told) == after:
            raise KeyboardInterrupt

    return progress, told


@pytest.fixture(scope="module")
def whole():
    return gf.sweep(build, AXES, num_steps=5, piece_size=5)


@pytest.mark.slow
def test_a_broken_sweep_goes_on_bit_for_bit(tmp_path, whole):
    folder = tmp_path / "new" / "folder"
    progress, _ = stopping(3 * 3 + 1)  # three records a piece
    with pytest.raises(gf.SweepInterrupted, match="3 of 10 pieces are done and saved in") as caught:
        gf.sweep(build, AXES, num_steps=5, piece_size=5, folder=folder, progress=progress)
    partial = caught.value.partial
    assert partial.done.sum() == 15
    assert "33 of them unfinished" in repr(partial)
    done = partial.done
    np.testing.assert_array_equal(
        partial.values("distance")[:, done], whole.values("distance")[:, done]
    )
    assert np.isnan(partial.values("distance")[:, ~done]).all()
    assert len(list((folder / "pieces").iterdir())) == 3

    progress, told = stopping(0)
    again = gf.sweep(build, AXES, num_steps=5, piece_size=5, folder=folder, progress=progress)
    assert_same(again, whole)
    assert again.done is None
    assert (told[0], told[-1]) == (5 * 15 // 48, 5)
    assert told == sorted(told)

    # All is there: nothing is run.
    progress, told = stopping(0)
    done = gf.sweep(build, AXES, num_steps=5, piece_size=5, folder=folder, progress=progress)
    assert_same(done, whole)
    assert told == [5]


@pytest.mark.slow
def test_pieces_do_not_change_what_is_run(whole):
    other = gf.sweep(build, AXES, num_steps=5)
    np.testing.assert_allclose(other.values("distance"), whole.values("distance"), rtol=1e-6)


def of(num_steps=2, axes=None, **changes):
    """Return a small sweep's arguments."""

    def small(seed, gamma=0.0):
        method = gf.simultaneous(optax.sgd(changes.get("h", 0.1)))
        field = gf.consensus(BILINEAR, gamma=gamma)
        return gf.simulation(method, field, gf.Players(1.0 + seed, 0.0), record_every=2)

    fixed = {"gamma": changes.get("gamma", 0.0)}
    return {
        "build": small, "axes": axes or {"seed": range(3)}, "num_steps": num_steps, "fixed": fixed,
        "piece_size": changes.get("piece_size", 2),
    }  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep")
    gf.sweep(**of(), folder=path)
    return path


def contents(folder):
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_steps": 3}, "holds another: num_steps: 2 → 3"),
        (
            {"axes": {"seed": range(4)}},
            r"holds another: axes\['seed'\]: \[0, 1, 2\] → \[0, 1, 2, 3\]",
        ),
        ({"axes": {"seed": [0, 1, 3]}}, r"axes\['seed'\]: \[0, 1, 2\] → \[0, 1, 3\]"),
        ({"piece_size": 3}, "holds another: piece_size: 2 → 3"),
        ({"gamma": 0.5}, r"holds another: fixed\['gamma'\]"),
        ({"h": 0.2}, "holds another: build computes something else"),
    ],
)
def test_a_folder_of_another_sweep_is_refused(folder, changes, message):
    before = contents(folder)
    with pytest.raises(ValueError, match=message):
        gf.sweep(**of(**changes), folder=folder)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", 2, "is of another version of sweep folders, 2, and this one has 1"),
        ("ganfield", "9.0", "holds another: ganfield: '9.0' → "),
        ("jax", "0.1", "holds another: jax: '0.1' → "),
    ],
)
def test_a_folder_of_another_version_is_refused(folder, name, value, message):
    about = folder / "sweep.json"
    before = about.read_text()
    try:
        about.write_text(json.dumps(json.loads(before) | {name: value}))
        with pytest.raises(ValueError, match=message):
            gf.sweep(**of(), folder=folder)
    finally:
        about.write_text(before)


@pytest.mark.slow
def test_damaged_pieces_are_named(folder):
    path = folder / "pieces" / "000001.npz"
    whole = path.read_bytes()
    with np.load(path) as archive:
        middle = whole.index(archive["leaf0"].tobytes())
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    damaged = [whole[:-30], b"", flipped, b"no archive"]
    try:
        for content in damaged:
            path.write_bytes(content)
            with pytest.raises(ValueError, match=r"000001.npz cannot be read: .* Remove it, and"):
                gf.sweep(**of(), folder=folder)
        path.write_bytes((folder / "pieces" / "000000.npz").read_bytes())
        with pytest.raises(ValueError, match=r"000001.npz cannot be read: .* not fit"):
            gf.sweep(**of(), folder=folder)
        path.unlink()
        gf.sweep(**of(), folder=folder)
    finally:
        path.write_bytes(whole)


@pytest.mark.slow
def test_a_piece_of_another_sweep_is_refused(folder, tmp_path):
    gf.sweep(**of(gamma=0.5), folder=tmp_path)
    piece = tmp_path / "pieces" / "000001.npz"
    piece.write_bytes((folder / "pieces" / "000001.npz").read_bytes())
    with pytest.raises(ValueError, match="cannot be read: it is of another sweep"):
        gf.sweep(**of(gamma=0.5), folder=tmp_path)


def test_other_folders_are_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"folder must be a new or empty one, or .*mine"):
        gf.sweep(**of(), folder=tmp_path)
    with pytest.raises(ValueError, match="folder must be a folder that can be written to"):
        gf.sweep(**of(), folder="/dev/null/sweep")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.slow
def test_a_full_disk_is_named_and_loses_nothing(tmp_path, monkeypatch):
    savez, calls = np.savez, []

    def full(path, **arrays):
        calls.append(path)
        if len(calls) == 2:
            Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        savez(path, **arrays)

    monkeypatch.setattr(_folder.np, "savez", full)
    with pytest.raises(OSError, match=r"No space left on device: .*000001.npz"):
        gf.sweep(**of(), folder=tmp_path)
    assert [path.name for path in (tmp_path / "pieces").iterdir()] == ["000000.npz"]
    assert_same(gf.sweep(**of(), folder=tmp_path), gf.sweep(**of()))


@pytest.mark.slow
def test_keys_and_small_floats_come_back(tmp_path):
    def build(key):
        params = gf.Players(jax.random.normal(key, (2,), jnp.bfloat16), jnp.zeros(2, jnp.bfloat16))
        method = gf.simultaneous(optax.sgd(0.5))
        return gf.simulation(
            method, lambda p, batch=None: gf.Players(-p.theta, p.phi), params,
            record=lambda state, info: {"theta": state.params.theta},
        )  # fmt: skip

    arguments = {"axes": {"key": jax.random.split(jax.random.key(0), 3)}, "num_steps": 2}
    first, again = (gf.sweep(build, **arguments, folder=tmp_path) for _ in range(2))
    assert first.run.params.theta.dtype == jnp.bfloat16
    assert_same(first, again)
    assert first.axes["key"].tolist() == [0, 1, 2]


@pytest.mark.slow
def test_runs_that_stop_early_are_padded(tmp_path):
    """A piece whose runs have all stopped ends before the others."""

    def build(step_size):
        field, start = (lambda p, batch=None: p), gf.Players(jnp.ones(()), jnp.zeros(()))
        method = gf.simultaneous(optax.sgd(step_size))
        return gf.simulation(
            method, field, start, record_every=20,
            record=lambda state, info: {"theta": state.params.theta, "step": jnp.int32(7)},
        )  # fmt: skip

    axes = {"step_size": jnp.array([1.0, 1.0, -0.5, -0.5])}
    split = gf.sweep(build, axes, num_steps=200, piece_size=2, folder=tmp_path)
    assert_same(split, gf.sweep(build, axes, num_steps=200))
    assert split.run.stopped_at.tolist() == [128, 128, -1, -1]
    assert len(split.run.steps) == 11


SCRIPT = """
import sys, time
import ganfield as gf
from tests.sweeps.cases import AXES, build
def progress(step, record):
    print(step, flush=True)
    time.sleep(float(sys.argv[2]))
gf.sweep(build, AXES, num_steps=5, piece_size=5, folder=sys.argv[1], progress=progress)
"""


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_signals_lose_the_piece_in_work_at_most(number, tmp_path, whole):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*command, "0.05"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment,
    ) as process:  # fmt: skip
        for _ in range(8):  # two pieces and two records
            process.stdout.readline()
        process.send_signal(number)
        process.wait(60)
    assert process.returncode != 0
    saved = list((tmp_path / "pieces").glob("[0-9]*.npz"))
    assert 2 <= len(saved) < 10
    again = gf.sweep(build, AXES, num_steps=5, piece_size=5, folder=tmp_path)
    assert_same(again, whole)
    assert list((tmp_path / "pieces").glob(".*")) == []
