import json

import numpy as np
import pytest


@pytest.fixture
def script(load):
    return load("label_games")


@pytest.fixture
def quick(script, monkeypatch):
    """Return the script, which leaves the compiler of other tests as it is."""
    monkeypatch.setattr(script.stopping, "compile_quickly", lambda quick: None)
    return script


@pytest.mark.long
def test_a_small_run(quick, drawn, tmp_path):
    script = quick
    script.main(script.Config(quick=True, parts=False, output=tmp_path))
    results = json.loads((tmp_path / "result.json").read_text())["results"]
    assert set(results) == {"conditional", "auxiliary classifier", "info"}
    assert all(np.sum(row["counts"]) == 80 for row in results.values())
    assert (tmp_path / "label_games.png").exists()
    grids = drawn("label_games")
    assert [ax.get_title() for ax in grids] == list(results)
    for ax in grids:  # ten rows of eight images, with a white line around each
        tiles = ax.images[0].get_array().reshape(10, 10, 8, 10).swapaxes(1, 2)
        assert tiles[:, :, 1:-1, 1:-1].std(axis=(2, 3)).min() > 0
        np.testing.assert_array_equal(tiles[:, :, [0, -1]], 1)


@pytest.mark.long
def test_few_labels(load, drawn, tmp_path):
    few_labels = load("few_labels")
    rows = few_labels.measure(few_labels.Config(quick=True, output=tmp_path))
    written = json.loads((tmp_path / "few_labels.json").read_text())["results"]
    assert set(written) == set(rows) == {"feature_matching", "labels alone"}
    for name, of_counts in rows.items():
        assert written[name] == {"10": of_counts[10]}
        assert 0.35 < of_counts[10][0] < 0.95  # learns, from 100 labels and in 200 steps
    (ax,) = drawn("few_labels")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(rows)


@pytest.mark.long
def test_inverse(load, drawn, tmp_path):
    inverse = load("inverse")
    results = inverse.measure(inverse.Config(quick=True, output=tmp_path))
    plain, mended = results["continua"]
    assert (plain["dimension"], plain["kind"], mended["kind"]) == (1, "centre", "stable")
    assert plain["frequencies"] == [3.0, 3.881]  # the singular values of tests/games/test_bigan.py
    for row in results["posterior"].values():
        np.testing.assert_allclose(row["measured"], row["expected"], rtol=1e-3)
    (ax,) = drawn("inverse")
    assert ax.images[0].get_array().shape == (3 * 10, inverse.SHOWN * 10)


@pytest.mark.long
def test_translation(load, drawn, tmp_path):
    translation = load("translation")
    results = translation.measure(translation.Config(quick=True, output=tmp_path))
    for task in ("quarter", "edges"):
        (row,) = results[task].values()
        assert row["stopped_at"] == -1
        assert 0.05 < row["l1"] < 0.6  # a constant 0 has 0.75
    assert [ax.get_title() for ax in drawn("translation")] == ["quarter", "edges"]


def test_published_is_what_was_found(script, tmp_path):
    readme, found = (script.HERE / "README.md").read_text("utf-8"), tmp_path / "results"
    (tmp_path / "figures").mkdir()
    found.mkdir()
    (tmp_path / "README.md").write_text(readme, "utf-8")  # has all marks
    for name in script.TABLES:
        (found / f"{name}.md").write_text(f"of {name}\n", "utf-8")
        for suffix in (".png", ".json"):
            (found / f"{name}{suffix}").write_text(name)
    (found / "result.json").write_text("games")
    script.publish(found, tmp_path)
    written = (tmp_path / "README.md").read_text("utf-8")
    assert all(f"begin -->\nof {name}\n<!--" in written for name in script.TABLES)
    assert (tmp_path / "figures" / "probe.json").read_text() == "probe"
    assert (tmp_path / "figures" / "result.json").read_text() == "games"
    with pytest.raises(ValueError, match="publish must go without quick"):
        script.chosen(script.Config(publish=True, quick=True))


def test_sharpness(load):
    """A ramp along each axis, by its slopes."""
    ramp = np.add.outer(0.1 * np.arange(5), 0.2 * np.arange(5))[None, ..., None]
    np.testing.assert_allclose(load("translation").sharpness(ramp), 0.3)


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
    for part in (script, script.few_labels, script.inverse, script.translation):
        with pytest.raises(ValueError, match="num_steps must be an integer ≥ 1, got 0"):
            part.chosen(part.Config(num_steps=0))
