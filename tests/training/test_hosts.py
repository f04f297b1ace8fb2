"""One run by two processes with two devices each, which find each other by ``jax.distributed``."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ganfield as gf
from ganfield.cli import main
from ganfield.training._lines import free_port
from tests.training.tiny import CONFIG, assert_same_bits, rows, saved

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


@contextlib.contextmanager
def two_processes(folder, *options, config=RUN):
    """Start both, for whatever they do with the folder; the second changes ``options`` by ``{}``.

    Each must have a folder of its own or none, as hosts without a shared disk do.
    """
    port = free_port()
    differences = gf.configuration.preset("digits/mlp").differences(config)
    pairs = [f"{name}={new}" for name, (_, new) in differences.items()]
    commands = []
    for index in range(2):
        command = ["-m", "ganfield", "train", str(folder / str(index))]
        command += ["--preset", "digits/mlp", "--coordinator", f"localhost:{port}"]
        command += ["--num-processes", "2", "--process-id", str(index), "--set", *pairs]
        commands.append(command + [option.format(index) for option in options])
    with started(*commands) as processes:
        yield processes


@contextlib.contextmanager
def started(*commands):
    """Start processes with two devices each."""
    processes = [
        subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "2"},
        )
        for command in commands
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def ends(processes):
    """Return exit codes, and what was said on stdout and on stderr."""
    said = [process.communicate(timeout=300) for process in processes]
    return [process.returncode for process in processes], said


def wait_for_step(processes, table, step):
    """Wait until a row of metrics of this step is there."""
    end = time.monotonic() + 300
    while not (table.exists() and f"\n{step}," in table.read_text()):
        assert [process.poll() for process in processes] == [None, None], ends(processes)
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.long
def test_an_interrupted_run_of_two_goes_on_and_is_the_run_of_one(tmp_path):
    table = tmp_path / "0" / "metrics.csv"
    with two_processes(tmp_path, "--num-steps", "100000") as processes:
        wait_for_step(processes, table, 10)
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
    # The command says nothing where it does not write.
    assert said[1] == ("", "")
    assert saved(tmp_path / "0") == [step, last]

    gf.training.train(RUN, tmp_path / "one", num_steps=min(last, 40))
    compared = 0
    for one, other in zip(rows(tmp_path / "one"), rows(tmp_path / "0"), strict=False):
        if one["step"] == other["step"]:
            compared += 1
            for name in set(one) - {"warnings"}:
                # Sums are taken in another order.
                expected = pytest.approx(float(one[name]), rel=1e-3, nan_ok=True)
                assert float(other[name]) == expected, name
    assert compared >= 2
    before = (tmp_path / "0" / "metrics.csv").read_bytes()

    # What one process cannot do ends both, and nothing is lost.
    with two_processes(tmp_path, "seed=7") as processes:
        codes, said = ends(processes)
    assert codes == [2, 1], said
    assert "has another configuration: seed: 0 → 7" in said[0][1]
    assert said[1][1].endswith("process 0 ended the run: what it printed says why\n")
    assert (tmp_path / "0" / "metrics.csv").read_bytes() == before


def killed(processes, index, table, step):
    """Kill one of the processes after a step; return the other's end, and seconds until then."""
    wait_for_step(processes, table, step)
    processes[index].kill()
    before = time.monotonic()
    out, err = processes[1 - index].communicate(timeout=300)
    return processes[1 - index].returncode, out, err, time.monotonic() - before


@pytest.mark.long
def test_kills_of_either_after_a_checkpoint_leave_no_trace(tmp_path):
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    folder, paced = broken / "0", RUN.replace({"checkpoint_every": 20})
    again = "The same command in every process goes on"
    with two_processes(broken, "--num-steps", "1000000", config=paced) as processes:
        code, out, err, seconds = killed(processes, 1, folder / "metrics.csv", 30)
    last = saved(folder)[-1]
    lost = f"process 1 was lost; the last good checkpoint is of step {last}"
    assert (code, out, err.splitlines()[-1]) == (1, "", f"error: {lost}. {again}")
    assert seconds < 30
    assert (folder / "events.log").read_text().splitlines()[-1].endswith(lost)

    with two_processes(broken, "--num-steps", "1000000", config=paced) as processes:
        code, out, err, seconds = killed(processes, 0, folder / "metrics.csv", last + 30)
    # Nothing of JAX's, which would abort.
    assert (code, out, err) == (1, "", f"error: process 0 was lost. {again}\n")
    assert seconds < 30

    assert saved(folder)[-1] > last
    last = saved(folder)[-1] + 30
    for where in (broken, unbroken):
        with two_processes(where, "--num-steps", str(last), config=paced) as processes:
            codes, said = ends(processes)
        assert codes == [0, 0], said
    assert_same_bits(gf.runs.load(folder).state, gf.runs.load(unbroken / "0").state)
    assert rows(folder) == rows(unbroken / "0")


@pytest.mark.long
def test_two_processes_stop_together_where_the_first_ones_record_says_so(tmp_path):
    config = CONFIG.replace({"batch_size": 8, "stop": "norm_v above 0 for 20 steps"})
    for message in ("told to stop", "nothing to do: the run is told to stop"):
        with two_processes(tmp_path, "--num-steps", "100000", config=config) as processes:
            codes, said = ends(processes)
        assert codes == [0, 0], said
        words = " ".join(said[0][1].split())
        assert f"{message} at step 20: norm_v above 0 for 20 steps (" in words
        assert said[1] == ("", "")
        assert saved(tmp_path / "0") == [20]
        assert [row["step"] for row in rows(tmp_path / "0")] == ["0", "10", "20"]


@pytest.mark.long
def test_two_processes_must_train_the_same(tmp_path):
    with two_processes(tmp_path, "seed={}") as processes:
        codes, said = ends(processes)
    assert codes == [2, 2]
    for _, err in said:
        assert "every process must be given the same configuration" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_what_one_process_cannot_build_ends_both(tmp_path):
    # The other one must not be putting its images on all devices meanwhile.
    code = """
import sys
import jax
import ganfield as gf
from tests.training.tiny import CONFIG

class Broken:
    def sample(self, key, size):
        raise ValueError("no images here")

port, index, folder = sys.argv[1:]
jax.distributed.initialize(f"localhost:{port}", 2, int(index))
data = Broken() if int(index) else None
try:
    gf.training.train(CONFIG, folder, data=data, mesh=gf.sharding.data_mesh())
except (ValueError, ConnectionAbortedError) as error:
    print(error)
"""
    port = str(free_port())
    commands = [["-c", code, port, str(index), str(tmp_path / "run")] for index in range(2)]
    with started(*commands) as processes:
        codes, said = ends(processes)
    assert codes == [0, 0], said
    assert "process 1 ended the run: what it printed says why" in said[0][0]
    assert "no images here" in said[1][0]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--process-id", "0"], "--process-id needs --coordinator ADDRESS, got None"),
        (["--coordinator", "localhost:1"], "needs --num-processes and --process-id"),
        (["--coordinator", "here", "2", "0"], "must be host:port or auto, got 'here'"),
        (["--coordinator", "localhost:1", "2", "2"], "must be below --num-processes 2, got 2"),
        (["--coordinator", "auto", "2", "0"], "--num-processes needs --coordinator ADDRESS"),
        (["--coordinator", "localhost:0", "2", "0"], "must be from 1 to 65535, got 0"),
        (["--coordinator", "localhost:99999", "2", "0"], "must be from 1 to 65535, got 99999"),
        (["--coordinator", "[::1]:65536", "2", "1"], "must be from 1 to 65535, got 65536"),
        (["--coordinator", ":1234", "2", "1"], "must be host:port or auto, got ':1234'"),
        (["--wait", "9"], "--wait needs --coordinator ADDRESS, got None"),
        (
            ["--coordinator", "auto", "--wait=0.1"],
            "must be from 1 to 604800 seconds, got 0.1",
        ),
        (
            ["--coordinator", "auto", "--wait=nan"],
            "must be from 1 to 604800 seconds, got nan",
        ),
    ],
)
def test_options_that_cannot_be(options, said, tmp_path, capsys):
    if len(options) == 4:
        options[2:] = ["--num-processes", options[2], "--process-id", options[3]]
    assert main(["train", str(tmp_path / "run"), *options]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_run_notes_that_a_process_did_not_come(tmp_path, capsys):
    (tmp_path / "config.json").write_text("{}")
    options = ["--coordinator", f"localhost:{free_port()}", "--num-processes=2"]
    assert main(["train", str(tmp_path), *options, "--process-id=0", "--wait=1"]) == 1
    said = "process 1 of 2 did not come within 1 s to port "
    assert capsys.readouterr().err.startswith(f"error: {said}")
    assert said in (tmp_path / "events.log").read_text()
