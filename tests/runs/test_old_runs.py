"""Run folders as earlier versions wrote them go on, or are refused in a sentence."""

import json
import re
import shutil

import pytest

import ganfield as gf
from ganfield.cli import main
from tests.training.tiny import assert_same_bits

pytestmark = pytest.mark.slow


def change(path, function):
    """Change what a JSON file says."""
    content = json.loads(path.read_text("utf-8"))
    function(content)
    path.write_text(json.dumps(content), "utf-8")


@pytest.fixture
def before_ids(trained, tmp_path):
    """A run of a version in which runs had no id, and checkpoints no digests of their files."""
    folder = tmp_path / "run"
    shutil.copytree(trained[0]["first"], folder)
    change(folder / "run.json", lambda about: about.pop("id"))
    for checkpoint in (folder / "checkpoints").iterdir():
        (checkpoint / "files.json").unlink()
        change(checkpoint / "about" / "metadata", lambda about: about.pop("run"))
    return folder


@pytest.fixture
def before_transforms(before_ids):
    """A run of 0.1.0, which had other words in its configuration and in its checkpoints."""

    def rename(config):
        method = config["method"]
        method["field"] = method.pop("transform")
        method["field_options"] = method.pop("transform_options")
        for name in ("wrapper", "wrapper_options"):
            del method[name]

    def rename_leaves(about):
        leaves = about["leaves"].items()
        about["leaves"] = {
            name.replace(".state.memory", ".state.optimizer"): kind for name, kind in leaves
        }

    change(before_ids / "config.json", rename)
    for checkpoint in (before_ids / "checkpoints").iterdir():
        change(checkpoint / "about" / "metadata", rename_leaves)
    return before_ids


def ways(folder, tmp_path):
    return (
        ["compare", folder],
        ["report", folder, "--output", tmp_path / "run.html"],
        ["sample", folder, "--output", tmp_path / "samples.npz", "--num", 4],
        ["train", folder, "--num-steps", 41],
    )


def test_a_run_before_ids_is_read_and_goes_on(before_ids, trained, tmp_path):
    new = gf.runs.load(trained[0]["first"])
    assert_same_bits(gf.runs.load(before_ids).state.params, new.state.params)
    about = (before_ids / "run.json").read_bytes()
    for command in ways(before_ids, tmp_path):
        assert main(list(map(str, command))) == 0, command
    assert (before_ids / "run.json").read_bytes() == about
    assert gf.runs.load(before_ids).step == 41
    assert "resumed from step 40" in (before_ids / "events.log").read_text()
    # And one whose run.json was lost: its checkpoints are known to no other.
    (before_ids / "run.json").unlink()
    assert main(["train", str(before_ids), "--num-steps", "42"]) == 0
    assert "id" not in json.loads((before_ids / "run.json").read_text())


def test_a_run_of_0_1_0_is_refused_in_a_sentence(before_transforms, tmp_path, capsys):
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    said = (
        f"the run in {before_transforms} is of a ganfield before method.field in its config.json "
        "became method.transform: this one cannot read its checkpoints. Give another folder"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        gf.runs.load(before_transforms)
    for command in ways(before_transforms, tmp_path):
        assert main(list(map(str, command))) == 2, command
        assert capsys.readouterr() == ("", f"error: {said}\n")
    assert files == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    # Nor do new words in its configuration help.
    def rename(config):
        method = config["method"]
        method["transform"], method["transform_options"] = method.pop("field"), {}
        del method["field_options"]

    change(before_transforms / "config.json", rename)
    with pytest.raises(ValueError, match=r"step 40 in .* does not fit this configuration: \.state"):
        gf.runs.load(before_transforms)
