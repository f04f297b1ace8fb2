"""The classifier: what it learns, that it learns the same again, and its file."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

import ganfield as gf
from ganfield.evaluation import hash_of, load_classifier, save_classifier
from ganfield.training import CLASSIFIER_PRESETS, train_classifier


@pytest.fixture(scope="module")
def digits():
    return gf.data.digits(), gf.data.digits("test")


@pytest.fixture(scope="module")
def trained(digits):
    losses = {}
    settings = CLASSIFIER_PRESETS["digits"]
    found = train_classifier(*digits, **settings, on_epoch=losses.__setitem__)
    assert list(losses) == list(range(1, settings["num_epochs"] + 1))
    assert losses[settings["num_epochs"]] < 0.05 < losses[1]
    return found


def test_digits_are_learned(trained, digits):
    _, test = digits
    assert trained.metadata["test_accuracy"] >= 0.97
    seen = trained.features(test.pixels)
    right = np.mean(seen.probabilities.argmax(axis=1) == test.labels)
    assert right == pytest.approx(trained.metadata["test_accuracy"], abs=1e-9)
    assert seen.features.shape == (355, 64)
    np.testing.assert_allclose(seen.probabilities.sum(axis=1), 1, rtol=1e-6)


def test_scores_tell_digits_from_noise_and_from_few_digits(trained, digits):
    train, test = digits
    evaluate = gf.evaluation.evaluator(trained.features, test, 200)
    real = evaluate(lambda size: train.pixels[:size])
    noise = evaluate(
        lambda size: np.random.default_rng(0).integers(0, 256, (size, 8, 8, 1), dtype=np.uint8)
    )
    ones = train.pixels[np.isin(train.labels, (1, 2))]
    collapsed = evaluate(lambda size: ones[:size])
    assert real["classifier_score"] > 7
    assert noise["classifier_score"] < real["classifier_score"]
    assert 1.5 < collapsed["classifier_score"] < 2.5
    for worse in (noise, collapsed):
        for name in ("frechet_classifier_distance", "kernel_classifier_distance", "class_jsd"):
            assert worse[name] > 3 * abs(real[name])
    assert real["precision"] > 0.8 > noise["precision"]
    assert collapsed["recall"] < 0.5 < real["recall"]
    assert collapsed["class_entropy"] == pytest.approx(np.log(2), abs=0.2)


def test_seed_decides(digits):
    few = dataclasses.replace(digits[0], flip=True)
    hashes = [
        train_classifier(few, digits[1], num_epochs=1, width=2, num_features=4, seed=seed).hash
        for seed in (0, 0, 1)
    ]
    assert hashes[0] == hashes[1] != hashes[2]
    with jax.enable_x64(True):
        again = train_classifier(few, digits[1], num_epochs=1, width=2, num_features=4)
    assert again.hash == hashes[0]


def test_file_holds_all(trained, digits, tmp_path):
    path = tmp_path / "digits.npz"
    save_classifier(path, trained)
    assert [file.name for file in tmp_path.iterdir()] == ["digits.npz"]
    found = load_classifier(path)
    assert found.metadata == trained.metadata
    assert found.hash == trained.hash == trained.metadata["hash"] == hash_of(found.params)
    pixels = digits[1].pixels[:9]
    np.testing.assert_array_equal(
        found.features(pixels).features, trained.features(pixels).features
    )
    assert repr(found.features).startswith("Features(name='classifier of digits, 9")


def test_default_float_changes_nothing(trained, digits):
    pixels = digits[1].pixels[:9]
    expected = trained.features(pixels)
    with jax.enable_x64(True):
        found = trained.features(pixels)
    np.testing.assert_allclose(found.features, expected.features, rtol=1e-6)


def test_changed_files_are_refused(trained, tmp_path):
    path = tmp_path / "digits.npz"
    save_classifier(path, trained)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, "logits/bias": arrays["logits/bias"] + 1})
    with pytest.raises(ValueError, match=r"have the SHA-256 .* damaged or was changed"):
        load_classifier(path)
    np.savez(path, pixels=np.zeros(3))
    with pytest.raises(
        ValueError, match=r"must be a classifier that ganfield wrote, got .*metadata"
    ):
        load_classifier(path)
    for text in (b"<html>", b""):
        path.write_bytes(text)
        with pytest.raises(ValueError, match="must be a classifier that ganfield wrote"):
            load_classifier(path)
    with pytest.raises(FileNotFoundError):
        load_classifier(tmp_path / "none.npz")
    with pytest.raises(ValueError, match=r"path must end in .npz, got .*digits.txt"):
        save_classifier(tmp_path / "digits.txt", trained)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("shape", [(5, 7, 2), (8, 8, 1), (3, 4, 1)])
def test_network_agrees_with_scipy(shape):
    network = gf.networks.classifier(shape, 3, width=2, num_features=4)
    params = network.init(jax.random.key(0))
    images = np.random.default_rng(0).normal(size=(2, *shape))
    found = network.apply(params, jnp.asarray(images))
    for index, x in enumerate(images):
        for number, layer in params["convolutions"].items():
            stride, kernel = (2 if number else 1), np.asarray(layer["kernel"])
            # SAME as TensorFlow's: of the padding that is needed, the smaller half comes first.
            totals = [max((-(-side // stride) - 1) * stride + 3 - side, 0) for side in x.shape[:2]]
            x = np.pad(x, [*((n // 2, n - n // 2) for n in totals), (0, 0)])
            maps = [correlate(x, k, mode="valid")[..., 0] for k in np.moveaxis(kernel, -1, 0)]
            x = np.maximum(np.stack(maps, axis=-1)[::stride, ::stride] + layer["bias"], 0)
        flat = np.moveaxis(x, -1, 0).ravel()
        features = np.maximum(flat @ params["features"]["kernel"] + params["features"]["bias"], 0)
        logits = features @ params["logits"]["kernel"] + params["logits"]["bias"]
        np.testing.assert_allclose(found[0][index], features, atol=1e-12)
        np.testing.assert_allclose(found[1][index], logits, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_epochs": 0}, "num_epochs must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"learning_rate": -1.0}, "learning_rate must be"),
        ({"train": gf.data.Images(np.zeros((4, 8, 8, 1), np.uint8))}, "train must have labels"),
        (
            {"test": gf.data.digits("test", size=16)},
            r"one shape, got \(8, 8, 1\) and \(16, 16, 1\)",
        ),
    ],
)
def test_bad_arguments_are_named(digits, change, message):
    arguments = {"train": digits[0], "test": digits[1], "num_epochs": 1, **change}
    with pytest.raises(ValueError, match=message):
        train_classifier(arguments.pop("train"), arguments.pop("test"), **arguments)


def test_network_refuses_bad_shapes():
    with pytest.raises(ValueError, match="image_shape must be"):
        gf.networks.classifier((8, 8), 10)
    with pytest.raises(ValueError, match="num_classes must be an integer ≥ 2"):
        gf.networks.classifier((8, 8, 1), 1)
