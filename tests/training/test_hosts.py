"""One run by two processes with two devices each, which find each other by ``jax.distributed``."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ganfield as gf
from ganfield.cli import main
from tests.training.tiny import CONFIG, rows, saved

ROOT = Path(gf.__file__).parents[1]
# Batch norm and consensus: statistics, ‖v‖² and Jᵀv must be those of the global batch.
RUN = CONFIG.replace(
    {
        "method.name": "simultaneous",
        "method.transform": "consensus",
        "method.gamma": 1.0,
        "discriminator.architecture": "dcgan",
        "discriminator.batch_norm": True,
        "checkpoint_every": 1_000_000,
    }
)


def free_port():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def two_processes(folder, *options):
    """Start both, for whatever they do with the folder; the second changes ``options`` by ``{}``.

    Each must have a folder of its own or none, as hosts without a shared disk do.
    """
    port = free_port()
    differences = gf.configuration.preset("digits/mlp").differences(RUN)
    pairs = [f"{name}={new}" for name, (_, new) in differences.items()]
    started = []
    for index in range(2):
        command = [sys.executable, "-m", "ganfield", "train", str(folder / str(index))]
        command += ["--preset", "digits/mlp", "--coordinator", f"localhost:{port}"]
        command += ["--num-processes", "2", "--process-id", str(index), "--set", *pairs]
        command += [option.format(index) for option in options]
        started.append(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "2"},
            )
        )
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def ends(processes):
    """Return exit codes, and what was said on stdout and on stderr."""
    said = [process.communicate(timeout=300) for process in processes]
    return [process.returncode for process in processes], said


@pytest.mark.long
def test_an_interrupted_run_of_two_goes_on_and_is_the_run_of_one(tmp_path):
    table = tmp_path / "0" / "metrics.csv"
    with two_processes(tmp_path, "--num-steps", "100000") as processes:
        end = time.monotonic() + 300
        while not (table.exists() and b"\n10," in table.read_bytes()):
            assert [process.poll() for process in processes] == [None, None], ends(processes)
            assert time.monotonic() < end
            time.sleep(0.01)
        # The wish of any process is that of all; the first one saves.
        processes[1].send_signal(signal.SIGINT)
        codes, said = ends(processes)
    assert codes == [130, 130], said
    (step,) = saved(tmp_path / "0")
    assert 10 <= step < 100000
    assert not (tmp_path / "1").exists()

    last = step + 5
    with two_processes(tmp_path, "--num-steps", str(last)) as processes:
        codes, said = ends(processes)
    assert codes == [0, 0], said
    assert f"resumed from step {step}" in said[0][1]
    # Gloo greets; the command says nothing where it does not write.
    assert all(line.startswith("[Gloo]") for line in said[1][0].splitlines())
    assert saved(tmp_path / "0") == [step, last]

    gf.training.train(RUN, tmp_path / "one", num_steps=min(last, 40))
    compared = 0
    for one, other in zip(rows(tmp_path / "one"), rows(tmp_path / "0"), strict=False):
        if one["step"] == other["step"]:
            compared += 1
            for name in set(one) - {"warnings"}:
                # Sums are taken in another order.
                assert float(other[name]) == pytest.approx(float(one[name]), rel=1e-3), name
    assert compared >= 2
    before = (tmp_path / "0" / "metrics.csv").read_bytes()

    # What one process cannot do ends both, and nothing is lost.
    with two_processes(tmp_path, "seed=7") as processes:
        codes, said = ends(processes)
    assert codes == [2, 1], said
    assert "has another configuration: seed: 0 → 7" in said[0][1]
    assert said[1][1].endswith("process 0 ended the run: what it printed says why\n")
    assert (tmp_path / "0" / "metrics.csv").read_bytes() == before


@pytest.mark.long
def test_two_processes_must_train_the_same(tmp_path):
    with two_processes(tmp_path, "seed={}") as processes:
        codes, said = ends(processes)
    assert codes == [2, 2]
    for _, err in said:
        assert "every process must be given the same configuration" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--process-id", "0"], "--process-id needs --coordinator ADDRESS, got None"),
        (["--coordinator", "localhost:1"], "needs --num-processes and --process-id"),
        (["--coordinator", "here", "2", "0"], "must be host:port or auto, got 'here'"),
        (["--coordinator", "localhost:1", "2", "2"], "must be below --num-processes 2, got 2"),
        (["--coordinator", "auto", "2", "0"], "--num-processes needs --coordinator ADDRESS"),
    ],
)
def test_options_that_cannot_be(options, said, tmp_path, capsys):
    if len(options) == 4:
        options[2:] = ["--num-processes", options[2], "--process-id", options[3]]
    assert main(["train", str(tmp_path / "run"), *options]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
