import json

import numpy as np
import pytest


@pytest.fixture
def script(load):
    return load("label_games")


@pytest.mark.long
def test_a_small_run(script, drawn, tmp_path):
    config = script.Config(num_steps=1, num_samples=8, num_epochs=1, output=tmp_path)
    script.main(config)
    results = json.loads((tmp_path / "result.json").read_text())["results"]
    assert set(results) == {"conditional", "auxiliary classifier", "info"}
    assert all(np.sum(row["counts"]) == 80 for row in results.values())
    assert (tmp_path / "label_games.png").exists()
    grids = drawn("label_games")
    assert [ax.get_title() for ax in grids] == list(results)
    for ax in grids:  # ten rows of eight images, with a white line around each
        tiles = ax.images[0].get_array().reshape(10, 18, 8, 18).swapaxes(1, 2)
        assert tiles[:, :, 1:-1, 1:-1].std(axis=(2, 3)).min() > 0
        np.testing.assert_array_equal(tiles[:, :, [0, -1]], 1)


def test_judgement(script):
    """Classes that show the next class's digit, all but one of them always."""
    shown = np.repeat((np.arange(10) + 1) % 10, 4)
    shown[0] = 5

    class Features:
        probabilities = np.eye(10)[shown]

    judged = script.judge(np.zeros((10, 4, 16, 16, 1)), lambda images: Features)
    assert (judged["own_digit"], judged["one_digit"]) == (0.0, 0.975)
    assert judged["digits"] == 10
    assert 2.1 < judged["information"] < np.log(10)


def test_bad_counts_are_refused(script):
    with pytest.raises(ValueError, match="num_steps must be an integer ≥ 1, got 0"):
        script.main(script.Config(num_steps=0))
