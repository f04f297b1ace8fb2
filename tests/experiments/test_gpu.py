"""The GPU run: what is missing, in which order it works, that it goes on, and what it leaves."""

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

SCRIPTS = ("gpu_needs", "gpu_peers", "gpu_plan", "gpu_state", "gpu_measure", "gpu_training")


@pytest.fixture
def gpu(load):
    class Modules:
        needs, peers, plan, state, measure, training = (load(name) for name in SCRIPTS)

    return Modules


@pytest.fixture
def state(gpu, tmp_path):
    return gpu.state.State(tmp_path / "state")


def far():
    return time.time() + 1000


# What is missing.


def test_all_that_is_missing_is_said_at_once(gpu, tmp_path, monkeypatch):
    find = gpu.needs.importlib.util.find_spec
    monkeypatch.setattr(
        gpu.needs.importlib.util, "find_spec", lambda name: None if name == "rich" else find(name)
    )
    sees = {"platform": "cpu", "kind": "cpu", "jax": "0.12"}
    monkeypatch.setattr(gpu.needs, "probe", lambda: (sees, ""))
    with pytest.raises(gpu.needs.MissingError) as missing:
        gpu.needs.check(tmp_path, needs_data=True, any_device=False)
    package, data, device = str(missing.value).splitlines()
    assert package == "missing: the package rich: pip install 'rich'"
    assert data.startswith(f"missing: CIFAR-10 in {tmp_path}: it has none of cifar-10-batches-bin")
    assert "a JAX that sees a GPU: JAX 0.12 here sees cpu alone" in device
    monkeypatch.undo()
    monkeypatch.setattr(gpu.needs, "probe", lambda: (sees, ""))
    assert gpu.needs.check(None, needs_data=False, any_device=True)["kind"] == "cpu"
    monkeypatch.setattr(gpu.needs, "probe", lambda: (sees | {"platform": "gpu"}, ""))
    assert gpu.needs.check(None, needs_data=False, any_device=False)["platform"] == "gpu"
    monkeypatch.setattr(gpu.needs, "probe", lambda: ({}, "no driver"))
    with pytest.raises(gpu.needs.MissingError, match="a JAX that starts; it says: no driver"):
        gpu.needs.check(None, needs_data=False, any_device=True)


def test_cifar10_is_found_in_every_layout_and_unpacked_once(gpu, tmp_path):
    assert gpu.needs.missing_data(None) == ["CIFAR-10, for training: --data FOLDER"]
    (tmp_path / gpu.needs.PACKED).touch()
    (said,) = gpu.needs.missing_data(tmp_path)
    assert said.startswith("unpack_cifar10.py beside")
    target = tmp_path / "unpacked"
    script = tmp_path / gpu.needs.UNPACK
    script.write_text("raise SystemExit('no Pillow')")
    assert gpu.needs.missing_data(tmp_path) == []
    with pytest.raises(gpu.needs.MissingError, match="failed: no Pillow"):
        gpu.needs.unpacked(tmp_path, target)
    folder = target / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    (folder / "batches.meta.txt").touch()
    assert gpu.needs.unpacked(tmp_path, target) == target  # The script, which fails, is not run.
    for name in gpu.needs.LAYOUTS:
        whole = tmp_path / "whole" / name
        whole.mkdir(parents=True)
        (whole / name).touch()
        assert gpu.needs.missing_data(whole) == []
        assert gpu.needs.unpacked(whole, target) == whole


def test_nothing_is_done_where_something_is_missing(gpu, load, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpu.needs, "probe", lambda: ({"platform": "gpu", "kind": "H100"}, ""))
    script, folder = load("gpu_run"), tmp_path / "state"
    assert script.main(["--state", str(folder), "--pack", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "missing: CIFAR-10, for training: --data FOLDER\n"
    assert list(tmp_path.iterdir()) == []


# The order of work.


def test_the_order_of_work(gpu):
    plan = gpu.plan
    first, *rest = plan.training(plan.FULL)
    assert first == ("cifar10/simgd_2", 50_000)
    assert rest[:3] == [
        ("cifar10/altgd_2", 50_000),
        ("cifar10/conopt_2", 50_000),
        ("cifar10/simgd_2", 150_000),
    ]
    assert [name[-1] for name, _ in (first, *rest)] == [*"222222111111000000"]
    rows = plan.benchmarks(plan.FULL)
    assert [row.precision for row in rows] == sorted(
        (row.precision for row in rows), key=plan.PRECISIONS.index
    )
    keys = [row.key for row in (*plan.floors(plan.FULL), *rows)]
    assert len(set(keys)) == len(keys) == 4 + 3 * 13
    assert keys[4:11] == [
        "ring, simultaneous, tf32",
        "ring, consensus, tf32",
        "ring, simultaneous, 16 runs, tf32",
        "ring, consensus, 16 runs, tf32",
        "ring, simultaneous, 256 runs, tf32",
        "ring, consensus, 256 runs, tf32",
        "ring, Jacobian 2003², tf32",
    ]
    residual = next(row.task for row in rows if row.name == "ResNet, consensus")
    assert residual["config"]["generator"]["architecture"] == "resnet"
    assert residual["config"]["batch_size"] == 64
    json.dumps([row.task for row in rows])


# Rows are kept one by one.


class Fake:
    """A peer that answers at once: seconds that rise by one with every measurement."""

    def __init__(self, error=None, seconds=0.0):
        self.error, self.requests, self.seconds = error, [], seconds

    def ask(self, request, seconds):
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        if "prepare" in request:
            return {"prepare": 1.0, "flops": 40.0, "bytes": 10.0}
        if "more" in request:
            return {"operations": [{"operation": "dot", "milliseconds": 1.0, "count": 2}]}
        self.seconds += 1
        return {"seconds": self.seconds}


def rows_of(gpu, *names):
    peers = ("ganfield", "torch.compile")
    return [gpu.plan.Row(name, "tf32", peers, {"kind": "ring"}) for name in names]


def measure_all(gpu, state, rows, peers, **options):
    scale = replace(gpu.plan.SMALL, repeats=3)
    arguments = {"deadline": far(), "profile": False, "saved": lambda: None} | options
    return gpu.measure.measure_rows(state, rows, scale, peers=peers, **arguments)


def test_rows_go_on_where_they_ended(gpu, state):
    first, second = rows_of(gpu, "first", "second")
    kept = []

    def killed():
        kept.append(sorted(gpu.state.State(state.folder).content["rows"]))
        raise KeyboardInterrupt

    peers = {"ganfield": Fake(), "torch.compile": Fake(seconds=10.0)}
    with pytest.raises(KeyboardInterrupt):
        measure_all(gpu, state, [first, second], peers, saved=killed)
    assert kept == [["first, tf32"]]
    again, peers = gpu.state.State(state.folder), {"ganfield": Fake(), "torch.compile": Fake()}
    assert measure_all(gpu, again, [first, second], peers)
    rows = again.content["rows"]
    assert list(rows) == ["first, tf32", "second, tf32"]
    # The first turn warms up; only the compiled step is told so.
    assert rows["first, tf32"]["ganfield"]["seconds"] == [2.0, 3.0, 4.0]
    assert rows["first, tf32"]["torch.compile"]["seconds"] == [12.0, 13.0, 14.0]
    assert rows["second, tf32"]["name"] == "second"
    told = [fake.requests[0]["prepare"]["compiled"] for fake in peers.values()]
    assert told == [False, True]
    assert len(peers["ganfield"].requests) == 5
    assert again.content["attempts"] == {}


def test_a_row_that_fails_says_why_and_the_rest_goes_on(gpu, state):
    rows = rows_of(gpu, "first")
    peers = {"ganfield": Fake(), "torch.compile": Fake(gpu.peers.PeerError("no double backward"))}
    assert measure_all(gpu, state, rows, peers)
    row = state.content["rows"]["first, tf32"]
    assert row["torch.compile"] == {"error": "no double backward"}
    assert gpu.measure.median(row, "ganfield") == 3.0
    assert gpu.measure.median(row, "torch.compile") is None
    assert gpu.measure.median(row, "PyTorch") is None
    # One that ends the script every time is left out in the end.
    (row,) = rows_of(gpu, "fatal")
    for _ in range(2):
        assert state.begin(row.key) < 2
    assert measure_all(gpu, state, [row], peers)
    assert state.content["rows"][row.key]["error"] == "began 2 times and ended the script"


def test_the_end_of_a_part_costs_no_row(gpu, state):
    rows = rows_of(gpu, "first")
    assert not measure_all(gpu, state, rows, {"ganfield": Fake()}, deadline=time.time() - 1)
    late = Fake(gpu.peers.OutOfTimeError("no answer"))
    clock = iter([0.0, 1.0, 20.0])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gpu.measure, "time", SimpleNamespace(time=lambda: next(clock)))
        assert not measure_all(gpu, state, rows, {"ganfield": late}, deadline=10.0)
    assert state.content["rows"] == {}
    assert state.content["attempts"] == {}


def test_shares_of_the_floor_and_profiles_of_what_is_slow(gpu, state):
    floors = {
        "product, tf32": {"kind": "product", "precision": "tf32"},
        "copy, float32": {"kind": "copy", "precision": "float32"},
    }
    for row in floors.values():
        row |= {"ganfield": {"seconds": [4.0], "flops": 400.0, "bytes": 200.0}}
        row |= {"PyTorch": {"seconds": [2.0]}}
    state.content["rows"] = dict(floors)
    assert gpu.measure.rates(floors) == {"tf32": 200.0, "copy": 100.0}
    # 40 operations take .2 s, 10 bytes .1 s, and the step takes 3 s.
    peers = {"ganfield": Fake()}
    assert measure_all(gpu, state, rows_of(gpu, "slow"), peers, profile=True)
    row = state.content["rows"]["slow, tf32"]
    shares = gpu.measure.floor_shares(row, "tf32", state.content["rows"])
    assert shares == pytest.approx({"product": 0.2 / 3, "copy": 0.1 / 3})
    assert row["profile"][0]["operation"] == "dot"
    peers = {"ganfield": Fake(seconds=-2.9)}
    assert measure_all(gpu, state, rows_of(gpu, "fast"), peers, profile=True)
    assert "profile" not in state.content["rows"]["fast, tf32"]


# Processes that fail.


@pytest.mark.slow
def test_a_peer_survives_what_fails_and_ends_what_hangs(gpu, tmp_path):
    script = tmp_path / "peer.py"
    script.write_text(
        "import os, time\n"
        "from gpu_peers import serve\n"
        "def prepare(task):\n"
        "    print('noise')\n"
        "    exec(task['do'])\n"
        "    return (lambda: 2.5), {'about': 1}\n"
        "serve(prepare)\n"
    )
    peer = gpu.peers.Peer(str(script), tmp_path / "log")
    with pytest.raises(gpu.peers.PeerError, match="RuntimeError: nothing is prepared"):
        peer.ask({"measure": True}, 60)
    with pytest.raises(gpu.peers.PeerError, match="ZeroDivisionError"):
        peer.ask({"prepare": {"do": "1 / 0"}}, 60)
    assert peer.ask({"prepare": {"do": "pass"}}, 60) == {"about": 1}
    assert peer.ask({"measure": True}, 60) == {"seconds": 2.5}
    with pytest.raises(gpu.peers.PeerError, match="ended with code 7"):
        peer.ask({"prepare": {"do": "os._exit(7)"}}, 60)
    with pytest.raises(gpu.peers.OutOfTimeError):
        peer.ask({"prepare": {"do": "time.sleep(60)"}}, 0.2)
    assert "noise" in (tmp_path / "log").read_text()
    peer.close()


# What travels.


def make_run(state, name, steps=(4, 8), size=1000):
    folder = state.folder / "runs" / name
    for step in steps:
        (folder / "checkpoints" / str(step)).mkdir(parents=True)
        (folder / "checkpoints" / str(step) / "arrays").write_bytes(os.urandom(size))
    (folder / "metrics.csv").write_text("step\n8\n")
    (folder / ".lock").touch()
    state.content["runs"][name] = {"step": 8}
    return folder


def test_a_packed_state_is_the_state(gpu, state, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu.state, "PIECE", 7000)
    make_run(state, "first")
    make_run(state, "large", size=50_000)
    make_run(state, "second")
    (state.folder / "classifier.npz").write_bytes(b"weights")
    state.save()
    packed, fresh = tmp_path / "packed", tmp_path / "fresh"
    packed.mkdir()
    (packed / "state-00000000-1of1").touch()  # of another time
    assert gpu.state.pack(state, packed, limit=40_000) == ["large"]
    pieces = sorted(packed.iterdir())
    assert len(pieces) > 1
    assert max(piece.stat().st_size for piece in pieces) <= 7000
    assert gpu.state.restore(packed, fresh)
    again = gpu.state.State(fresh)
    assert again.content["runs"] == {"first": {"step": 8}, "second": {"step": 8}}
    assert (fresh / "classifier.npz").read_bytes() == b"weights"
    run, before = fresh / "runs" / "first", state.folder / "runs" / "first"
    files = sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())
    assert files == ["checkpoints/8/arrays", "metrics.csv"]
    arrays = "checkpoints/8/arrays"
    assert (run / arrays).read_bytes() == (before / arrays).read_bytes()
    # A state that is there is newer.
    assert not gpu.state.restore(packed, fresh)
    assert not gpu.state.restore(tmp_path / "fresh", tmp_path / "other")
    pieces[0].write_bytes(b"x" * 7000)
    with pytest.raises(ValueError, match="is damaged"):
        gpu.state.restore(packed, tmp_path / "other")
    pieces[0].unlink()
    with pytest.raises(ValueError, match=rf"has {len(pieces) - 1} of {len(pieces)} pieces"):
        gpu.state.restore(packed, tmp_path / "other")


def test_what_travels_fits(gpu):
    """With 12 MiB of repository and 18 MiB of packed images it is below 64 MiB."""
    assert gpu.state.STATE_LIMIT + (12 + 18) * 2**20 < 64 * 2**20
    assert gpu.state.REPORT_LIMIT < 16 * 2**20 - 1
    assert -(-gpu.state.STATE_LIMIT // gpu.state.PIECE) + 1 <= 8


def test_an_archive_has_a_limit(gpu, tmp_path):
    noise = [(f"runs/{index}.png", os.urandom(30_000)) for index in range(5)]
    files = [("tables.md", b"first"), *noise, ("last.csv", b"1,2\n" * 500)]
    gpu.state.write_report(tmp_path / "report.zip", files, limit=120_000)
    content = (tmp_path / "report.zip").read_bytes()
    assert len(content) < 120_000
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.namelist() == [
        "tables.md",
        *(f"runs/{index}.png" for index in range(3)),
        "last.csv",
        "left_out.txt",
    ]
    assert archive.read("left_out.txt") == b"runs/3.png\nruns/4.png\n"


# Training goes on.


def train(gpu, state, answers, monkeypatch, deadline=None):
    asked = []

    def ask(state, task, deadline):
        asked.append(task)
        answer = answers[len(asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(gpu.training, "ask", ask)
    (state.folder / "classifier.npz").touch()
    scale = replace(gpu.plan.SMALL, presets=(("digits/mlp", "digits/dcgan"),), milestones=(6, 12))
    done = gpu.training.train_all(
        state,
        scale,
        data=None,
        precision="tf32",
        deadline=deadline or far(),
        saved=lambda: None,
    )
    return done, [(task["preset"], task["goal"]) for task in asked]


def test_training_goes_on_where_it_ended(gpu, state, monkeypatch):
    mlp, dcgan = "digits/mlp", "digits/dcgan"
    answers = [{"step": 6, "outcome": "finished"}, {"step": 3, "outcome": "out of time"}]
    done, asked = train(gpu, state, answers, monkeypatch)
    assert not done
    assert asked == [(mlp, 6), (dcgan, 6)]
    state = gpu.state.State(state.folder)
    assert not train(gpu, state, [], monkeypatch, deadline=time.time() + 1)[0]
    # A NaN ends a run for good; what fails is tried twice.
    broken = gpu.peers.PeerError("out of memory")
    answers = [{"step": 4, "outcome": "stopped"}, broken]
    assert train(gpu, state, answers, monkeypatch) == (True, [(dcgan, 6), (mlp, 12)])
    assert state.content["runs"]["digits_mlp-tf32"]["error"] == "out of memory"
    assert train(gpu, state, [broken], monkeypatch) == (True, [(mlp, 12)])
    assert train(gpu, state, [], monkeypatch) == (True, [])


def test_no_classifier_no_scores(gpu, state, monkeypatch):
    def ask(state, task, deadline):
        raise gpu.peers.PeerError("no labels")

    monkeypatch.setattr(gpu.training, "ask", ask)
    for _ in range(3):
        gpu.training.make_classifier(state, gpu.plan.SMALL, None, far())
    assert state.content["classifier"] == {"error": "no labels"}
    assert state.content["attempts"] == {"classifier": 3}


def test_training_ends_with_its_time_or_with_who_started_it(load):
    is_over, parent = load("gpu_train").is_over, os.getppid()
    assert not is_over(far(), parent)
    assert is_over(time.time() - 1, parent)
    assert is_over(far(), parent + 1)


# PyTorch's side.


def test_runs_side_by_side_are_runs(load):
    """In PyTorch: v of two runs in one is v of each."""
    torch = pytest.importorskip("torch")
    torch_ring = load("torch_ring")
    players, draw = torch_ring.ring_game(2, "cpu")
    real, latent = draw()
    both = torch_ring.both_gradients(players, real, latent, differentiable=False)
    for run in range(2):
        single, _ = torch_ring.ring_game(1, "cpu")
        of_single = [parameter for player in single for parameter in player.parameters()]
        of_both = [parameter[run] for player in players for parameter in player.parameters()]
        with torch.no_grad():
            for one, other in zip(of_single, of_both, strict=True):
                one.copy_(other.T if one.ndim == 2 else other[0])
        alone = torch_ring.both_gradients(single, real[run], latent[run], differentiable=False)
        for one, other in zip(alone, both, strict=True):
            side = other[run].T if one.ndim == 2 else other[run][0]
            np.testing.assert_allclose(one, side, atol=1e-6)


@pytest.mark.slow
def test_pytorchs_jacobian_is_that_of_its_field(load, monkeypatch):
    """Rows of it, of both players, are single pullbacks of v."""
    torch = pytest.importorskip("torch")
    torch_ring, gpu_torch = load("torch_ring"), load("gpu_torch")
    players, draw = torch_ring.ring_game(1, "cpu")
    real, latent = (x[:8] for x in draw())
    monkeypatch.setattr(torch_ring, "ring_game", lambda *_: (players, lambda: (real, latent)))
    matrix = gpu_torch.jacobian({"chunk": 512})().detach()
    assert matrix.shape == (2003, 2003)
    gradients = torch_ring.both_gradients(players, real, latent, differentiable=True)
    v = -torch.cat([gradient.reshape(-1) for gradient in gradients])
    parameters = [parameter for player in players for parameter in player.parameters()]
    for row in (0, 1121, 2002):
        pulled = torch.autograd.grad(
            v[row], parameters, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        expected = torch.cat([part.reshape(-1) for part in pulled])
        np.testing.assert_allclose(matrix[row], expected, atol=1e-7)
    assert float(matrix.abs().max()) > 0.01


# The whole, at small scale.


@pytest.mark.long
def test_a_part_that_ran_out_of_time_is_resumed(gpu, load, tmp_path):
    """Training that its deadline ended goes on, and everything ends in one small archive."""
    folder = tmp_path / "state"
    state = gpu.state.State(folder)
    state.content["small"] = True
    run = {"preset": "digits/mlp", "precision": "tf32", "step": 0}
    task = gpu.training.training_task(state, gpu.plan.SMALL, run, 12, None, time.time() - 1)
    quick = {"preset": "digits/mlp", "data": None, "folder": str(folder), "quick": True}
    assert load("gpu_train").train_classifier(quick)["test_accuracy"] > 0
    run |= load("gpu_train").train(task)
    assert run["outcome"] == "out of time"
    assert 1 <= run["step"] < 12
    state.content["runs"]["digits_mlp-tf32"] = run
    state.save()
    script = load("gpu_run").__file__
    options = ["--small", "--state", str(folder), "--only", "perceptron, tf32"]
    command = [sys.executable, script, *options, "--pack", str(tmp_path / "out")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert f"digits_mlp-tf32: {run['step']} → 12" in answer.stdout
    content = gpu.state.State(folder).content
    assert list(content["rows"]) == [
        "product, tf32",
        "product, float32",
        "product, bfloat16",
        "copy, float32",
        "perceptron, tf32",
    ]
    assert content["rows"]["perceptron, tf32"]["ganfield"]["seconds"][0] > 0
    finished = content["runs"]["digits_mlp-tf32"]
    assert (finished["step"], finished["outcome"]) == (12, "finished")
    assert float(finished["scores"]["classifier_score"]) >= 1
    report, piece = sorted((tmp_path / "out").iterdir())
    assert report.stat().st_size < 2**20
    names = zipfile.ZipFile(report).namelist()
    assert {"tables.md", "result.json", "figures/scores.png", "figures/samples.png"} < set(names)
    assert "runs/digits_mlp-tf32/metrics.csv" in names
    assert any(name.endswith("step_0000012.png") for name in names)
    # On a fresh machine the packed state is all that is needed.
    assert gpu.state.restore(tmp_path / "out", tmp_path / "fresh")
    restored = tmp_path / "fresh" / "runs" / "digits_mlp-tf32"
    config = load("gpu_train").configuration({**task, "goal": 14})
    again = load("gpu_train").gf.training.train(config, restored)
    assert (again.outcome, again.step) == ("finished", 14)
    assert piece.name.startswith("state-")
