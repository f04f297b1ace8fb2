import importlib
import json
from pathlib import Path

import numpy as np
import pytest

import ganfield as gf

FOLDER = Path(gf.__file__).parents[1] / "experiments" / "label_games"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("label_games")


def test_a_small_run(script, tmp_path):
    config = script.Config(num_steps=1, num_samples=8, num_epochs=1, output=tmp_path)
    assert script.main(config) == 0
    found = json.loads((tmp_path / "result.json").read_text())["results"]
    assert set(found) == {"conditional", "auxiliary classifier", "info"}
    assert all(np.sum(row["counts"]) == 80 for row in found.values())
    assert (tmp_path / "label_games.png").stat().st_size > 5000


def test_judgement(script):
    """Classes that show the next class's digit, all but one of them always."""
    shown = np.repeat((np.arange(10) + 1) % 10, 4)
    shown[0] = 5

    class Features:
        probabilities = np.eye(10)[shown]

    found = script.judge(np.zeros((10, 4, 16, 16, 1)), lambda images: Features)
    assert (found["own_digit"], found["one_digit"]) == (0.0, 0.975)
    assert found["digits"] == 10
    assert 2.1 < found["information"] < np.log(10)


def test_bad_counts_are_refused(script):
    with pytest.raises(ValueError, match="num_steps must be an integer ≥ 1, got 0"):
        script.main(script.Config(num_steps=0))
