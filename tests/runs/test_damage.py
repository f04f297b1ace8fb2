"""Damaged files of a run: one sentence with the name, or an older checkpoint; all stays."""

import json
import shutil

import pytest

import ganfield as gf
from tests.training.tiny import CONFIG

pytestmark = pytest.mark.slow


def look(folder):
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def copy(trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained[0]["first"], folder)
    return folder


def resume(folder, **options):
    config = CONFIG.replace({"method.optimizer": "rmsprop"})
    return gf.training.train(config, folder, num_steps=41, **options)


def load(folder):
    return gf.runs.load(folder)


def compare(folder):
    return gf.runs.compare([folder])


@pytest.mark.parametrize("call", [load, compare, resume])
@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("run.json", "[1]", "run.json cannot be read: it must hold an object"),
        ("run.json", '{"id": 3}', "run.json cannot be read: id must be a text, got 3"),
        ("run.json", '{"data": []}', "run.json cannot be read: data must be an object"),
        ("run.json", '{"data": {"shape": [8, "8"]}}', "run.json cannot be read: data.shape must"),
        ("run.json", '{"versions": "0.1"}', "run.json cannot be read: versions must be an object"),
        ("config.json", '{"seed": 1, "seed": 2}', "config.json cannot be read: 'seed' is there tw"),
        ("config.json", '{"seed": "x"}', "config.json is no configuration: seed must be an int"),
        ("config.json", '{"game": {"penalty_weight": 1' + "0" * 400 + "}}", "config.json is no co"),
        ("metrics.csv", "step,loss\n0,1,2\n", "metrics.csv"),
    ],
)
def test_each_is_one_sentence_with_the_name(call, name, text, words, copy):
    (copy / name).write_text(text)
    before = look(copy)
    with pytest.raises(ValueError, match=words) as raised:
        call(copy)
    assert str(copy / name) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert look(copy) == before


@pytest.mark.parametrize("text", ["{}", "[1]", '[{"n": 1}', "\udcff"])
def test_protocols_are_named_too(text, copy):
    (copy / "protocol.json").write_text(text, errors="surrogateescape")
    with pytest.raises(ValueError, match=r"protocol\.json cannot be read"):
        compare(copy)


def about(folder, step):
    return folder / "checkpoints" / str(step) / "about" / "metadata"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("about/metadata", "about/metadata has other bytes than were written"),
        ("_CHECKPOINT_METADATA", "_CHECKPOINT_METADATA has other bytes"),
        ("carry/manifest.ocdbt", "carry/manifest.ocdbt has other bytes"),
        ("files.json", "files.json cannot be read"),
    ],
)
def test_an_older_checkpoint_is_taken_for_one_that_was_changed(name, words, copy):
    path = copy / "checkpoints" / "40" / name
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"', b"", 1) + b" ")
    before, said = look(copy), []
    assert gf.runs.load(copy, listen=said.append).step == 20
    assert len(said) == 1
    assert f"step 40 is damaged, {copy}/checkpoints/40: " in said[0]
    assert words in said[0]
    assert look(copy) == before
    assert resume(copy).step == 41
    assert (copy / "checkpoints" / "damaged.40").is_dir()


def test_a_file_that_is_gone_is_named(copy):
    (copy / "checkpoints" / "40" / "carry" / "_METADATA").unlink()
    said = []
    assert gf.runs.load(copy, listen=said.append).step == 20
    assert "carry/_METADATA is not there" in said[0]


def test_what_is_damaged_does_not_keep_new_ones_from_being_written(copy):
    path = copy / "checkpoints" / "20" / "_CHECKPOINT_METADATA"
    path.write_text(path.read_text().replace('_nsecs": 1', '_nsecs": "x", "y": 1'))
    said = []
    assert resume(copy, listen=said.append).step == 41
    assert any("step 20 is damaged" in line for line in said)


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": "x"},
        {"seconds": float("inf")},
        {"leaves": 3},
        {"leaves": {"a": 1}},
        {"sha256": 3},
    ],
)
def test_what_a_checkpoint_says_of_itself_is_looked_at(changes, copy):
    (copy / "checkpoints" / "40" / "files.json").unlink()  # As a kill may leave it.
    path = about(copy, 40)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    said = []
    assert gf.runs.load(copy, listen=said.append).step == 20
    assert f"step 40 is damaged, {copy}/checkpoints/40: about: " in said[0]


def test_a_checkpoint_of_another_run_is_refused(trained, copy):
    for step in (20, 40):
        shutil.rmtree(copy / "checkpoints" / str(step))
    shutil.copytree(trained[0]["second"] / "checkpoints" / "40", copy / "checkpoints" / "40")
    before = look(copy)
    with pytest.raises(ValueError, match=rf"step 40 in {copy}/checkpoints is another run's: it h"):
        gf.runs.load(copy)
    with pytest.raises(ValueError, match=r"step 40 in .* is another run's"):
        resume(copy)
    assert look(copy) == before


def test_a_checkpoint_under_the_number_of_another_is_damaged(copy):
    (copy / "checkpoints" / "40").rename(copy / "checkpoints" / "50")
    assert gf.runs.load(copy).step == 20


def test_what_is_refused_for_its_checkpoints_keeps_them(copy):
    for step in (20, 40):
        about(copy, step).write_text("no JSON")
    (copy / "protocol.json").write_text("[]\n")
    before = look(copy)

    class Scorer:
        protocol = gf.Players(1, 2)

        def __call__(self, generate):
            return {"zero": 0.0}

    with pytest.raises(OSError, match=r"every checkpoint in .* is damaged"):
        resume(copy, evaluate=[Scorer()], allow_changes=True)
    assert look(copy) == before
