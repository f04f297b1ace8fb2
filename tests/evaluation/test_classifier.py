"""The classifier: what it learns, that it learns the same again, and its file."""

import dataclasses
import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

import ganfield as gf
from ganfield.evaluation import (
    CLASSIFIER_PRESETS,
    hash_of,
    load_classifier,
    save_classifier,
    train_classifier,
)


@pytest.fixture(scope="module")
def digits():
    return gf.data.digits(), gf.data.digits("test")


@pytest.fixture(scope="module")
def trained(digits):
    losses = {}
    settings = CLASSIFIER_PRESETS["digits"]
    classifier = train_classifier(*digits, **settings, on_epoch=losses.__setitem__)
    assert list(losses) == list(range(1, settings["num_epochs"] + 1))
    assert losses[settings["num_epochs"]] < 0.05 < losses[1]
    return classifier


@pytest.mark.long
def test_digits_are_learned(trained, digits):
    _, test = digits
    assert trained.metadata["test_accuracy"] >= 0.97
    extracted = trained.features(test.pixels)
    right = np.mean(extracted.probabilities.argmax(axis=1) == test.labels)
    assert right == pytest.approx(trained.metadata["test_accuracy"], abs=1e-9)
    assert extracted.features.shape == (355, 64)
    np.testing.assert_allclose(extracted.probabilities.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.slow
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


@pytest.mark.parametrize("seed", [2**32, 2**40, 2**64])
def test_seeds_that_would_be_others_are_refused(digits, seed):
    with pytest.raises(ValueError, match=f"seed must be an integer from 0 to 2³² − 1, got {seed}"):
        train_classifier(*digits, num_epochs=1, seed=seed)


@pytest.mark.long
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
    loaded = load_classifier(path)
    assert loaded.metadata == trained.metadata
    assert loaded.hash == trained.hash == trained.metadata["hash"] == hash_of(loaded.params)
    pixels = digits[1].pixels[:9]
    np.testing.assert_array_equal(
        loaded.features(pixels).features, trained.features(pixels).features
    )
    assert repr(loaded.features).startswith("Features(name='classifier of digits, 9")


def test_default_float_changes_nothing(trained, digits):
    pixels = digits[1].pixels[:9]
    expected = trained.features(pixels)
    with jax.enable_x64(True):
        in_float64 = trained.features(pixels)
    np.testing.assert_allclose(in_float64.features, expected.features, rtol=1e-6)


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


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A file of a classifier that knows nothing, as it was written."""
    network = gf.networks.classifier((8, 8, 1), 10, width=1, num_features=2)
    params = network.init(jax.random.key(0))
    metadata = {"dataset": "digits", "image_shape": [8, 8, 1], "num_classes": 10, "width": 1}
    metadata |= {"num_features": 2, "test_accuracy": 0.1, "hash": hash_of(params)}
    path = tmp_path_factory.mktemp("classifier") / "digits.npz"
    save_classifier(path, gf.evaluation.Classifier(params, metadata))
    return path


def changed(path, into, forget=(), **metadata):
    """Write a classifier's file again, with other metadata."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if name not in forget}
    text = json.dumps(json.loads(str(arrays["metadata"])) | metadata, ensure_ascii=False)
    np.savez(into, **{**arrays, "metadata": np.array(text)})
    return into


@pytest.mark.parametrize(
    "metadata", [{"test_accuracy": 1.0}, {"dataset": "mnist"}, {"num_train": 1}, {"seed": None}]
)
def test_changed_metadata_are_noticed(small, tmp_path, metadata):
    assert load_classifier(changed(small, tmp_path / "same.npz")).metadata["test_accuracy"] == 0.1
    with pytest.raises(ValueError, match=r"the metadata in .*other.npz.* it was changed"):
        load_classifier(changed(small, tmp_path / "other.npz", **metadata))


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "sha256"),
        ({"format": "ganfield classifier 1"}, "another format, 'ganfield classifier 1'"),
        ({"format": None}, "another format, None"),
    ],
)
def test_files_of_another_format_are_refused(small, tmp_path, metadata, message):
    path = changed(small, tmp_path / "other.npz", forget=["sha256"], **metadata)
    with pytest.raises(ValueError, match=f"a classifier that ganfield wrote.*other.*{message}"):
        load_classifier(path)


def test_what_features_need_is_asked_for(small, tmp_path):
    loaded = load_classifier(small)
    del loaded.metadata["width"], loaded.metadata["dataset"]
    save_classifier(tmp_path / "other.npz", loaded)
    with pytest.raises(ValueError, match=r"got .*other.npz.*: metadata without dataset, width"):
        load_classifier(tmp_path / "other.npz")


@pytest.mark.parametrize("save", [None, np.savez_compressed])
def test_random_damage_is_refused_or_harmless(small, tmp_path, save):
    path = tmp_path / "damaged.npz"
    data = small.read_bytes()
    if save is not None:
        with np.load(small) as file:
            save(path, **file)
        data = path.read_bytes()
    known = load_classifier(small)
    refused = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        damaged = bytearray(data)
        if seed % 3 == 0:
            del damaged[rng.integers(len(data)) :]
        else:
            # Half of them at the end, where zip has its table.
            first = 0 if seed % 3 == 1 else len(data) - 1000
            for place in rng.integers(first, len(data), size=3):
                damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            loaded = load_classifier(path)
        except ValueError as error:
            refused.append(str(error))
        else:
            assert (loaded.hash, loaded.metadata) == (known.hash, known.metadata)
    assert len(refused) > 100
    assert [message for message in refused if str(path) not in message] == []


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("shape", [(5, 7, 2), (8, 8, 1), (3, 4, 1)])
def test_network_agrees_with_scipy(shape):
    network = gf.networks.classifier(shape, 3, width=2, num_features=4)
    params = network.init(jax.random.key(0))
    images = np.random.default_rng(0).normal(size=(2, *shape))
    outputs = network.apply(params, jnp.asarray(images))
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
        np.testing.assert_allclose(outputs[0][index], features, atol=1e-12)
        np.testing.assert_allclose(outputs[1][index], logits, atol=1e-12)


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


def test_what_is_no_regular_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "some.npz")
    for load in (gf.evaluation.load_classifier, gf.evaluation.load_inception):
        with pytest.raises(OSError, match=r"a FIFO, not a regular file: .*some\.npz"):
            load(tmp_path / "some.npz")
