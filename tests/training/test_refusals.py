"""What training refuses before anything is written."""

from dataclasses import replace

import jax
import numpy as np
import pytest

import ganfield as gf
from tests.training.tiny import CONFIG

train = gf.training.train


@pytest.mark.parametrize(
    ("resume", "made", "said"),
    [
        ("always", None, "there is no run in .* to resume"),
        ("never", "config.json", "holds a run already"),
        ("auto", "holiday.jpg", "must be a new or empty folder.*holds holiday.jpg"),
        ("autp", None, "did you mean 'auto'"),
    ],
)
def test_folders_that_are_refused_stay_as_they_are(resume, made, said, tmp_path):
    if made:
        (tmp_path / made).write_text("{}")
    before = list(tmp_path.iterdir())
    with pytest.raises(ValueError, match=said):
        train(CONFIG, tmp_path, resume=resume)
    assert list(tmp_path.iterdir()) == before


def test_a_wrong_configuration_leaves_no_folder(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'standard'"):
        train(CONFIG.replace({"game.objective": "standrad"}), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_other_images_are_refused(tmp_path):
    train(CONFIG, tmp_path, num_steps=10)
    images = gf.data.digits()
    other = replace(images, pixels=255 - images.pixels)
    with pytest.raises(ValueError, match=r"the data are not those that the run .* started with"):
        train(CONFIG, tmp_path, data=other)


@pytest.mark.slow
@pytest.mark.parametrize("channels", [2, 4])
def test_images_that_cannot_be_shown_are_refused_before_anything_is_written(channels, tmp_path):
    pixels = np.repeat(gf.data.digits().pixels, channels, axis=-1)
    said = rf"1 or 3 channels.*got the shape \(8, 8, {channels}\)"
    folder = tmp_path / "run"
    with pytest.raises(ValueError, match=said):
        train(CONFIG, folder, data=gf.data.Images(pixels), num_steps=1)
    assert list(tmp_path.iterdir()) == []
    gf.data.save_npz(tmp_path / "some.npz", gf.data.Images(pixels))
    config = CONFIG.replace(
        {"data.name": "npz", "data.folder": str(tmp_path / "some.npz"), "data.size": None}
    )
    with pytest.raises(ValueError, match=said):
        train(config, folder, num_steps=1)
    assert [path.name for path in tmp_path.iterdir()] == ["some.npz"]
    gf.data.save_npz(tmp_path / "some.npz", gf.data.Images(pixels[..., :1]))
    assert train(config, folder, num_steps=1).step == 1


@pytest.mark.slow
def test_scores_beside_images_of_another_shape_are_refused_before_anything_is_written(tmp_path):
    def apply(pixels):
        flat = pixels.reshape(len(pixels), -1) / 255
        return flat, jax.nn.softmax(flat)

    features = gf.evaluation.Features(apply, name="pixels", hash="none", kind="pixel")
    scorers = [
        gf.evaluation.evaluator(features, gf.data.digits("test", size=size), 20, splits=2)
        for size in (16, 8)
    ]
    said = r"shape of the real ones .*\(16, 16, 1\), got \(8, 8, 1\)"
    with pytest.raises(ValueError, match=said):
        train(CONFIG, tmp_path / "run", evaluate=scorers[:1], num_steps=1)
    assert list(tmp_path.iterdir()) == []
    assert train(CONFIG, tmp_path / "run", evaluate=scorers[1:], num_steps=1).step == 1


def test_an_array_is_refused_and_says_what_makes_data_of_it(tmp_path):
    points = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(ValueError, match=r"data must have sample.*gf\.data\.points"):
        train(CONFIG, tmp_path / "run", data=points)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("how", ["one is missing", "one has another name", "one comes twice"])
def test_columns_of_other_names_are_refused(how, tmp_path):
    train(CONFIG, tmp_path, num_steps=10)
    table = tmp_path / "metrics.csv"
    head, *rest = table.read_text().splitlines()
    other = {
        "one is missing": head.removesuffix(",warnings"),
        "one has another name": head.replace("diversity", "variety"),
        "one comes twice": head.replace("loss_phi", "loss_theta"),
    }[how]
    table.write_text("\n".join([other, *rest, ""]))
    before = table.read_bytes()
    with pytest.raises(ValueError, match=r"metrics.csv has the columns step,.*another version's"):
        train(CONFIG, tmp_path)
    assert table.read_bytes() == before
