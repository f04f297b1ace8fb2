"""Runs in processes of their own, killed, interrupted and starved, against one that was not."""

import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ganfield as gf
from tests.training.tiny import NETWORK, assert_same_bits, rows, saved

ROOT = Path(gf.__file__).parents[1]
# A checkpoint takes far longer than its four steps: most kills hit one that is being written.
CONFIG = gf.configuration.Config(
    data=gf.configuration.DataConfig(name="ring"),
    generator=NETWORK,
    discriminator=NETWORK,
    method=gf.configuration.MethodConfig(name="alternating"),
    batch_size=8,
    latent_size=3,
    num_steps=120,
    record_every=10,
    evaluate_every=30,
    checkpoint_every=4,
)


def start(folder, *options, changes=None, limit=None):
    """Start ``ganfield train``."""
    config = CONFIG.replace(changes or {})
    differences = gf.configuration.preset("ring/simultaneous").differences(config)
    pairs = [f"{name}={new}" for name, (_, new) in differences.items()]
    command = [sys.executable, "-m", "ganfield", "train", str(folder)]
    command += ["--preset", "ring/simultaneous", "--set", *pairs, *options]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "2"},
        preexec_fn=limit,
    )


def wait_for(condition, process, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    process = start(folder, changes={"checkpoint_every": 60})
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return folder


def restored(folder):
    """Return the parameters where a run stands, without taking a step."""
    config = gf.runs.read_config(folder)
    result = gf.training.train(config, folder, resume="always")
    assert result.outcome == "done"
    return result.params


@pytest.mark.long
def test_a_run_killed_at_any_moment_ends_as_if_it_had_not_been(unbroken, tmp_path):
    random_time = random.Random(0)
    for count in range(2):
        process = start(tmp_path)
        before = saved(tmp_path)[-1:] if count else []
        wait_for(lambda last=before: last != stands(tmp_path)[-1:], process)
        time.sleep(random_time.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert stands(tmp_path)[-1] < 120
    process = start(tmp_path)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "resumed from step" in err
    assert_same_bits(restored(tmp_path), restored(unbroken))
    assert rows(tmp_path) == rows(unbroken)
    for name in ("real.png", "step_0000000.png", "step_0000090.png", "step_0000120.png"):
        images = [(where / "samples" / name).read_bytes() for where in (tmp_path, unbroken)]
        assert images[0] == images[1]
    # What the kills left half-written is gone.
    left = [p.name for p in tmp_path.rglob("*") if "tmp" in p.name or "partial" in p.name]
    assert left == []


def stands(folder):
    """Return the steps of the checkpoints of a run that may be writing one, or not there yet."""
    return saved(folder) if (folder / "checkpoints").is_dir() else []


@pytest.mark.long
def test_ctrl_c_saves_and_can_be_resumed(unbroken, tmp_path):
    # No checkpoint is due before the end: the one that is there comes from Ctrl-C.
    changes = {"checkpoint_every": 1_000_000, "num_steps": 10_000_000}
    process = start(tmp_path, "--json", changes=changes)
    wait_for(lambda: b"\n10," in content(tmp_path / "metrics.csv"), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    (step,) = saved(tmp_path)
    found = json.loads(out)
    assert (found["outcome"], found["step"]) == ("interrupted", step)
    said = f"error: interrupted and saved at step {step}. The same command goes on from there.\n"
    assert err == said
    assert_rows_agree(tmp_path, unbroken)


@pytest.mark.long
def test_two_devices_make_the_run_of_one(unbroken, tmp_path):
    process = start(tmp_path, "--devices", "2", changes={"checkpoint_every": 60})
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    for one, other in zip(rows(tmp_path), rows(unbroken), strict=True):
        for name in set(one) - {"warnings"}:
            # Sums are taken in another order.
            assert float(one[name]) == pytest.approx(float(other[name]), rel=1e-4), name


def assert_rows_agree(one, other):
    common = min(len(rows(one)), len(rows(other)))
    assert common > 1
    assert rows(one)[:common] == rows(other)[:common]


def content(path):
    return path.read_bytes() if path.exists() else b""


@pytest.mark.long
def test_a_disk_that_is_full_is_reported(tmp_path):
    def limit():
        # Files may not grow beyond this, which stands for a disk without room.
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    process = start(tmp_path, changes={"generator.width": 4000, "num_steps": 4}, limit=limit)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    # Not by lines: a thread of Orbax may write into the middle of one.
    assert re.search(
        r"error: the checkpoint of step 4 cannot be written to .*; there is no checkpoint yet", err
    )
    assert saved(tmp_path) == []


@pytest.mark.slow
def test_a_second_ctrl_c_ends_the_process_at_once():
    waits = (
        "import time\n"
        "from ganfield.training._interrupts import listening\n"
        "with listening() as wish:\n"
        "    print('ready', flush=True)\n"
        "    while wish.signal is None:\n"
        "        time.sleep(0.01)\n"
        "    print('noted', flush=True)\n"
        "    time.sleep(300)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", waits],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        for word in ("ready\n", "noted\n"):
            assert process.stdout.readline() == word
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=100) == -signal.SIGINT
    finally:
        process.kill()
        process.communicate()
