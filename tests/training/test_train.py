"""Runs in one process: what they leave, what they refuse, and where they stop."""

import errno
import json
import sys
from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np
import pytest
from PIL import Image

import ganfield as gf
from ganfield.runs import _checkpoints, _tables
from tests.training.tiny import CONFIG, assert_same_bits, rows, saved

train = gf.training.train
PLAYERS = ("generator", "discriminator")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run from step 0 to 60, never stopped; its folder and its result."""
    folder = tmp_path_factory.mktemp("whole")
    seen = []

    def evaluate(generate):
        images = generate(5)
        seen.append(images)
        return {"mean": float(images.mean())}

    result = train(CONFIG, folder, evaluate=[evaluate])
    return folder, result, seen


@pytest.mark.slow
def test_the_folder_holds_what_is_promised(whole):
    folder, result, _ = whole
    assert (result.outcome, result.step, result.stopped_at) == ("finished", 60, -1)
    assert {path.name for path in folder.iterdir()} == {
        ".lock", "config.json", "run.json", "metrics.csv", "path.csv", "scores.csv", "samples",
        "checkpoints", "events.log",
    }  # fmt: skip
    assert sorted(path.name for path in (folder / "samples").iterdir()) == [
        "real.png", "step_0000000.png", "step_0000030.png", "step_0000060.png",
    ]  # fmt: skip
    assert saved(folder) == [20, 40, 60]
    assert [int(row["step"]) for row in rows(folder)] == [0, 10, 20, 30, 40, 50, 60]
    assert [int(row["step"]) for row in rows(folder, "scores.csv")] == [0, 30, 60]
    resolved = replace(CONFIG, data=replace(CONFIG.data, storage="device"))
    assert gf.runs.read_config(folder) == resolved
    about = json.loads((folder / "run.json").read_text())
    assert about["data"]["count"] == 1442
    assert about["versions"]["jax"] == jax.__version__


def test_generators_are_compared_on_the_same_latent_variables(whole):
    folder, _, seen = whole
    assert [each.shape for each in seen] == [(5, 8, 8, 1)] * 3
    assert rows(folder, "scores.csv")[0]["mean"] == f"{seen[0].mean():.9g}"
    first = np.asarray(Image.open(folder / "samples" / "step_0000000.png"))
    assert first.shape == (64, 64)  # 2×2 images of 8 pixels, each pixel four wide
    # The first image of the grid is the first that evaluation gets.
    shown = gf.data.to_uint8(seen[0][0, :, :, 0])
    np.testing.assert_array_equal(first[:32:4, :32:4], shown)


def test_real_images_are_real(whole):
    grid = np.asarray(Image.open(whole[0] / "samples" / "real.png"))
    tiles = grid[::4, ::4].reshape(2, 8, 2, 8).swapaxes(1, 2).reshape(4, 8, 8)
    known = {image.tobytes() for image in gf.data.digits().pixels[..., 0]}
    assert all(np.ascontiguousarray(tile).tobytes() in known for tile in tiles)


@pytest.mark.slow
def test_steps_are_those_of_simulate(whole):
    built = gf.configuration.build(CONFIG)
    keys = jax.random.split(jax.random.key(CONFIG.seed), 4)
    sample = built.sampler()

    @jax.jit
    def run(sample, params):
        return gf.simulate(
            built.method, built.field, params, num_steps=60, key=keys[1], sample=sample
        ).params

    expected = run(sample, jax.jit(built.game.init)(keys[0]))
    found = whole[1].params
    for one, other in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.long
def test_metrics_are_what_they_say(whole):
    folder, result, _ = whole
    built = gf.configuration.build(CONFIG)
    params, row = result.params, rows(folder)[-1]
    key = gf.configuration.random_keys(CONFIG).metrics
    batch = built.sampler()(jax.random.fold_in(key, 60))
    losses = built.game.losses(params, batch)
    v = built.original(params, batch)
    fake = built.generator.apply(params.theta, batch.latent)
    right = [built.discriminator.apply(params.phi, x)[:, 0] for x in (batch.real, fake)]

    def norm(tree):
        return np.linalg.norm(np.concatenate([np.ravel(x) for x in jax.tree.leaves(tree)]))

    def half_square(params):
        return sum(jax.numpy.sum(x**2) for x in jax.tree.leaves(built.original(params, batch))) / 2

    def distance(x):
        x = np.asarray(x).reshape(8, -1)
        return np.mean([np.linalg.norm(x[i] - x[j]) for i in range(8) for j in range(8) if i != j])

    expected = {
        "loss_theta": losses.theta,
        "loss_phi": losses.phi,
        "norm_v_theta": norm(v.theta),
        "norm_v_phi": norm(v.phi),
        "norm_grad_L": norm(jax.grad(half_square)(params)),
        "accuracy_real": np.mean(right[0] > 0),
        "accuracy_fake": np.mean(right[1] < 0),
        "saturated": np.mean(np.concatenate([right[0], -right[1]]) > np.log(99)),
        "diversity": distance(fake) / distance(batch.real),
    }
    for name, value in expected.items():
        assert float(row[name]) == pytest.approx(float(value), rel=1e-4, abs=1e-7), name


@pytest.mark.slow
def test_a_finished_run_has_nothing_to_do(whole):
    folder, result, _ = whole
    before = (folder / "metrics.csv").read_bytes()
    said = []
    again = train(CONFIG, folder, listen=said.append)
    assert (again.outcome, again.step) == ("done", 60)
    assert said == ["nothing to do: the run is at step 60, and num_steps is 60"]
    assert_same_bits(again.params, result.params)
    assert train(CONFIG, folder, num_steps=30).step == 60
    assert (folder / "metrics.csv").read_bytes() == before


@pytest.mark.long
def test_a_run_in_pieces_is_the_whole_run(whole, tmp_path):
    # 25 is no step of any rhythm: its row, its grid and its score are those of an end.
    evaluate = [lambda generate: {"mean": float(generate(5).mean())}]
    piece = train(CONFIG, tmp_path, num_steps=25, evaluate=evaluate)
    assert (piece.outcome, rows(tmp_path)[-1]["step"]) == ("finished", "25")
    seconds = piece.seconds
    said = []
    end = train(CONFIG, tmp_path, listen=said.append, evaluate=evaluate)
    assert "resumed from step 25" in said
    assert end.seconds > seconds
    folder, result, _ = whole
    assert_same_bits(end.params, result.params)
    for name in ("metrics.csv", "scores.csv"):
        assert rows(tmp_path, name) == rows(folder, name)
    names = [path.name for path in (tmp_path / "samples").iterdir()]
    assert sorted(names) == sorted(path.name for path in (folder / "samples").iterdir())
    for name in names:
        images = [(where / "samples" / name).read_bytes() for where in (tmp_path, folder)]
        assert images[0] == images[1]


@pytest.mark.long
def test_convolutions_batch_norm_and_consensus_in_pieces(tmp_path):
    layers = {"architecture": "dcgan", "batch_norm": True, "width": 2}
    changes = {"method.name": "simultaneous", "method.transform": "consensus", "method.gamma": 1.0}
    for player in ("generator", "discriminator"):
        changes |= {f"{player}.{name}": value for name, value in layers.items()}
    config = CONFIG.replace(changes | {"num_steps": 6, "reference_size": 16})
    train(config, tmp_path / "pieces", num_steps=4)
    pieces = train(config, tmp_path / "pieces")
    whole = train(config, tmp_path / "whole")
    assert_same_bits(pieces.params, whole.params)
    grids = [(tmp_path / run / "samples/step_0000006.png") for run in ("pieces", "whole")]
    assert grids[0].read_bytes() == grids[1].read_bytes()


@pytest.mark.long
@pytest.mark.parametrize("how", ["emptied", "changed", "half", "removed"])
def test_damaged_checkpoints_are_not_loaded(how, whole, tmp_path):
    train(CONFIG, tmp_path, num_steps=40)
    assert saved(tmp_path) == [20, 40]
    folder = tmp_path / "checkpoints" / "40"
    largest = max((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    content = bytearray(largest.read_bytes())
    if how == "emptied":
        largest.write_bytes(b"")
    elif how == "changed":
        content[len(content) // 2] ^= 0xFF
        largest.write_bytes(bytes(content))
    elif how == "half":
        largest.write_bytes(bytes(content[: len(content) // 2]))
    else:
        largest.unlink()
    said = []
    result = train(CONFIG, tmp_path, listen=said.append)
    assert "checkpoint of step 40 is damaged" in said[0]
    assert "resumed from step 20" in said
    assert (tmp_path / "checkpoints" / "damaged.40").is_dir()
    assert_same_bits(result.params, whole[1].params)
    assert rows(tmp_path) == rows(whole[0])


@pytest.mark.long
def test_without_a_whole_checkpoint_nothing_is_begun_anew(tmp_path):
    train(CONFIG, tmp_path, num_steps=20)
    (tmp_path / "checkpoints" / "20" / "about" / "metadata").write_text("no JSON")
    for _ in range(2):  # Also when asked again, after the damaged one was renamed.
        with pytest.raises(OSError, match=r"every checkpoint in .* is damaged"):
            train(CONFIG, tmp_path)
    assert [row["step"] for row in rows(tmp_path)] == ["0", "10", "20"]


@pytest.mark.long
def test_memory_that_runs_out_damages_nothing(monkeypatch, tmp_path):
    train(CONFIG, tmp_path, num_steps=20)

    def restore(self, *args, **options):
        raise MemoryError

    monkeypatch.setattr(_checkpoints.orbax.Checkpointer, "restore", restore)
    with pytest.raises(MemoryError):
        train(CONFIG, tmp_path)
    monkeypatch.undo()
    assert saved(tmp_path) == [20]
    assert train(CONFIG, tmp_path, num_steps=20).outcome == "done"


@pytest.mark.long
def test_nothing_is_written_twice_at_the_start(tmp_path):
    train(CONFIG, tmp_path, num_steps=0)
    train(CONFIG, tmp_path, num_steps=10)
    assert [row["step"] for row in rows(tmp_path)] == ["0", "10"]


@pytest.mark.long
def test_another_configuration_is_refused(whole):
    folder, _, _ = whole
    other = CONFIG.replace({"method.learning_rate": 0.5, "generator.width": 5})
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    said = r"generator.width: 4 → 5; method.learning_rate: 0.001 → 0.5\..*allow_changes=True"
    with pytest.raises(ValueError, match=said):
        train(other, folder)
    with pytest.raises(ValueError, match=r"does not fit this configuration: .*theta.* is float32"):
        train(other.replace({"num_steps": 90}), folder, allow_changes=True)
    # What was refused is not remembered.
    assert gf.runs.read_config(folder).generator.width == 4
    assert train(CONFIG, folder).outcome == "done"
    after = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    changed = {path.name for path, _ in set(before) ^ set(after)}
    assert changed <= {"config.json", "events.log", folder.name}


@pytest.mark.long
def test_allowed_changes_go_on(tmp_path):
    train(CONFIG, tmp_path, num_steps=20)
    said = []
    other = CONFIG.replace({"method.learning_rate": 1e-4})
    assert train(other, tmp_path, num_steps=30, allow_changes=True, listen=said.append).step == 30
    assert "configuration changed: method.learning_rate: 0.001 → 0.0001" in said
    assert gf.runs.read_config(tmp_path).method.learning_rate == 1e-4


class Own:
    """A distribution that is no pytree."""

    def sample(self, key, size):
        return jax.random.uniform(key, (size, 2))


MATERIAL = {
    "points": lambda: gf.data.points(np.random.default_rng(0).normal(size=(50, 2))),
    "points in five dimensions": lambda: gf.data.points(np.ones((9, 5))),
    "a line": gf.data.line,
    "two moons": gf.data.two_moons,
    "spiral": lambda: gf.data.spiral(3),
    "of one's own": Own,
}


@pytest.mark.long
@pytest.mark.parametrize("name", MATERIAL)
def test_all_distributions_are_trained_on(name, tmp_path):
    result = train(CONFIG, tmp_path, data=MATERIAL[name](), num_steps=2)
    assert (result.outcome, result.step) == ("finished", 2)
    assert (tmp_path / "samples" / "real.png").exists()


@pytest.mark.slow
def test_own_arrays_may_stay_on_the_host_and_are_told_apart(tmp_path):
    array = np.random.default_rng(0).normal(size=(50, 2))
    config = CONFIG.replace({"data.storage": "host"})
    train(config, tmp_path, data=gf.data.points(array), num_steps=2)
    assert json.loads((tmp_path / "run.json").read_text())["data"]["count"] == 50
    with pytest.raises(ValueError, match="the data are not those that the run"):
        train(config, tmp_path, data=gf.data.points(array + 1), num_steps=3)


@pytest.mark.long
def test_columns_in_another_order_keep_their_names(whole, tmp_path):
    train(CONFIG, tmp_path, num_steps=30)
    table = tmp_path / "metrics.csv"
    lines = [line.split(",") for line in table.read_text().splitlines()]
    order = [0, *range(len(lines[0]) - 1, 0, -1)]
    table.write_text("".join(",".join(line[k] for k in order) + "\n" for line in lines))
    train(CONFIG, tmp_path)
    assert table.read_text().startswith("step,warnings,recall,precision,")
    assert rows(tmp_path) == rows(whole[0])


@pytest.mark.long
def test_a_folder_is_for_one_process(tmp_path):
    seen = []

    def meanwhile(generate):
        with pytest.raises(ValueError, match="another process is training in"):
            train(CONFIG, tmp_path)
        seen.append(True)
        return {"zero": 0.0}

    train(CONFIG, tmp_path, num_steps=10, evaluate=[meanwhile])
    assert seen


@pytest.mark.long
def test_a_nan_stops_the_run(tmp_path):
    config = CONFIG.replace(
        {"method.optimizer": "sgd", "method.learning_rate": 3e37, "checkpoint_every": 1}
    )
    said = []
    result = train(config, tmp_path, listen=said.append)
    assert result.outcome == "stopped"
    assert result.stopped_at == result.step > 0
    *_, stop, verdict = said
    assert verdict == f"diverging: it met a NaN or an infinity at step {result.step}"
    assert f"at step {result.step}" in stop
    last = result.step - 1
    assert saved(tmp_path)[-1:] == ([last] if last else [])
    assert ("no checkpoint yet" in stop) == (last == 0)
    assert train(config, tmp_path).step == result.step


@pytest.mark.long
def test_a_full_disk_is_one_line(monkeypatch, tmp_path):
    save = _checkpoints.orbax.CheckpointManager.save

    def full(self, step, **arguments):
        if step == 40:
            raise ValueError("Error writing: No space left on device\nmore\nlines")
        return save(self, step, **arguments)

    monkeypatch.setattr(_checkpoints.orbax.CheckpointManager, "save", full)
    with pytest.raises(OSError, match=r"step 40 cannot be written.*No space left") as raised:
        train(CONFIG, tmp_path)
    assert "\n" not in str(raised.value)
    assert "the last good checkpoint is of step 20" in str(raised.value)
    monkeypatch.undo()
    assert train(CONFIG, tmp_path).step == 60


@pytest.mark.long
def test_a_full_disk_at_a_row(monkeypatch, tmp_path, whole):
    append = _tables.Table.append

    def full(self, row):
        if row["step"] == 30:
            with self.path.open("a") as file:
                file.write("30,0.1")  # what fits
            raise OSError(errno.ENOSPC, "No space left on device", str(self.path))
        append(self, row)

    monkeypatch.setattr(_tables.Table, "append", full)
    with pytest.raises(OSError, match=r"No space left on device.*is of step 20"):
        train(CONFIG, tmp_path)
    monkeypatch.undo()
    assert_same_bits(train(CONFIG, tmp_path).params, whole[1].params)
    assert rows(tmp_path) == rows(whole[0])


@pytest.mark.long
def test_batches_of_the_host_resume_too(tmp_path):
    config = CONFIG.replace({"data.storage": "host"})
    whole = train(config, tmp_path / "whole")
    train(config, tmp_path / "pieces", num_steps=27)
    # The storage was decided when the run began.
    pieces = train(CONFIG, tmp_path / "pieces")
    assert pieces.step == 60
    assert_same_bits(pieces.params, whole.params)
    assert rows(tmp_path / "pieces") == rows(tmp_path / "whole")


@pytest.mark.slow
def test_time_may_be_limited(tmp_path):
    seen = []
    result = train(CONFIG, tmp_path, max_seconds=1e-9, progress=seen.append)
    assert (result.outcome, result.step) == ("out of time", 1)
    assert saved(tmp_path)[-1] == 1
    assert (seen[0].step, seen[0].num_steps) == (1, 60)
    assert seen[0].steps_per_second > 0


@pytest.mark.long
def test_points_of_the_plane_are_drawn(tmp_path):
    small = {f"{player}.{size}": 1 for player in PLAYERS for size in ("width", "num_layers")}
    config = gf.configuration.preset("ring/simultaneous")
    config = config.replace({"batch_size": 16, "samples": 64, **small})
    assert train(config, tmp_path, num_steps=2).step == 2
    picture = np.asarray(Image.open(tmp_path / "samples" / "real.png"))
    # Eight modes: as much on the left as on the right, nothing in the middle.
    dark = picture < 255
    assert dark.any()
    assert not dark[120:200, 120:200].any()
    # A board that reaches further is seen whole: a corner, [−4, −2]² of [−6.4, 6.4]².
    board = config.replace({"data.name": "checkerboard", "record_every": 1})
    assert train(board, tmp_path / "board", num_steps=1).step == 1
    dark = np.asarray(Image.open(tmp_path / "board" / "samples" / "real.png")) < 255
    assert dark[211:260, 60:110].sum() >= 6
    assert not dark[:, :58].any()


@pytest.mark.slow
def test_tensorboard_is_an_extra(monkeypatch, tmp_path):
    train(CONFIG, tmp_path, num_steps=10, tensorboard=True)
    (events,) = (tmp_path / "tensorboard").iterdir()
    assert b"norm_grad_L" in events.read_bytes()
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'ganfield\[tensorboard\]'"):
        train(CONFIG, tmp_path, num_steps=20, tensorboard=True)


class Scorer:
    """Scores with a protocol, as `ganfield.evaluation.evaluator` takes them."""

    class Protocol(NamedTuple):
        n_fake: int

    notes = ("there are few",)

    def __init__(self, count):
        self.protocol = self.Protocol(count)

    def __call__(self, generate):
        return {"mean": float(generate(self.protocol.n_fake).mean())}


@pytest.mark.long
def test_scores_of_different_protocols_do_not_mix(tmp_path):
    said = []
    train(CONFIG, tmp_path, num_steps=0, evaluate=[Scorer(5)], listen=said.append)
    train(CONFIG, tmp_path, num_steps=1, evaluate=[Scorer(5)], listen=said.append)
    assert said.count("note on the scores: there are few") == 2  # Once a call.
    assert json.loads((tmp_path / "protocol.json").read_text()) == [{"n_fake": 5}]
    before = (tmp_path / "scores.csv").read_bytes()
    with pytest.raises(ValueError, match=r"was scored otherwise.*n_fake: 5 → 6"):
        train(CONFIG, tmp_path, num_steps=2, evaluate=[Scorer(6)])
    with pytest.raises(ValueError, match=r"was scored otherwise.*known protocols: 1 → 2"):
        train(CONFIG, tmp_path, num_steps=2, evaluate=[Scorer(5), Scorer(6)])
    assert (tmp_path / "scores.csv").read_bytes() == before
    train(CONFIG, tmp_path, num_steps=2, evaluate=[Scorer(6)], allow_changes=True)
    assert [row["step"] for row in rows(tmp_path, "scores.csv")] == ["0", "2"]
    assert json.loads((tmp_path / "protocol.json").read_text()) == [{"n_fake": 6}]
