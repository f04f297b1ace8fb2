"""Runs beside each other."""

import json
import shutil

import numpy as np
import pytest

import ganfield as gf
from tests.training.tiny import rows

pytestmark = pytest.mark.slow


@pytest.fixture
def folders(trained):
    return trained[0]


@pytest.mark.long
def test_seeds_are_one_group(folders):
    comparison = gf.runs.compare([folders["first"], folders["other"], folders["second"]])
    assert comparison.differences == {
        "method.name": ("alternating", "simultaneous"),
        "method.transform": ("identity", "consensus"),
        "method.gamma": (None, 1.0),
    }
    seeds, other = comparison.groups
    assert seeds.label == "method.name=alternating method.transform=identity"
    assert (seeds.seeds, seeds.folders) == ((0, 1), (folders["first"], folders["second"]))
    assert seeds.metrics["loss_phi"].shape == (5, 2)
    of_file = [[float(row["loss_phi"]) for row in rows(f)] for f in seeds.folders]
    np.testing.assert_array_equal(seeds.metrics["loss_phi"], np.transpose(of_file))
    mean, deviation = seeds.last()["loss_phi"]
    ends = [row[-1] for row in of_file]
    assert mean == pytest.approx(np.mean(ends))
    assert deviation == pytest.approx(abs(ends[0] - ends[1]) / np.sqrt(2))
    assert np.isnan(other.last()["brightness"][1])
    assert "warnings" not in seeds.metrics


def test_rows_are_those_of_the_steps_that_all_have(folders, tmp_path):
    short = tmp_path / "short"
    shutil.copytree(folders["second"], short)
    lines = (short / "metrics.csv").read_text("utf-8").splitlines()
    (short / "metrics.csv").write_text("\n".join([*lines[:2], *lines[3:5]]) + "\n", "utf-8")
    (group,) = gf.runs.compare([folders["first"], short]).groups
    assert group.metrics["step"].tolist() == [0, 20, 30]
    (short / "metrics.csv").write_text(lines[0] + "\n" + lines[1].replace("0,", "7,", 1) + "\n")
    with pytest.raises(ValueError, match="no recorded step in common"):
        gf.runs.compare([folders["first"], short])


def test_what_does_not_compare_is_refused(folders, tmp_path):
    with pytest.raises(ValueError, match="at least one run"):
        gf.runs.compare([])
    with pytest.raises(ValueError, match="is given twice"):
        gf.runs.compare([folders["first"], folders["first"]])
    with pytest.raises(ValueError, match="there is no run in"):
        gf.runs.compare([folders["first"], tmp_path])
    other = tmp_path / "other"
    shutil.copytree(folders["second"], other)
    (other / "protocol.json").write_text('[{"classifier": "a", "n_fake": 50}]')
    first = tmp_path / "first"
    shutil.copytree(folders["first"], first)
    (first / "protocol.json").write_text('[{"classifier": "a", "n_fake": 40}]')
    with pytest.raises(ValueError, match=r"another protocol than .*first: n_fake: 40 → 50"):
        gf.runs.compare([first, other])
    about = json.loads((other / "run.json").read_text("utf-8"))
    about["data"]["sha256"] = "0"
    (other / "run.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match=r"trained on other data than .*first: sha256"):
        gf.runs.compare([folders["first"], other])
