"""``ganfield train-classifier`` on digits, and what it refuses."""

import numpy as np
import pytest

import ganfield as gf


@pytest.mark.long
def test_writes_a_classifier(run, tmp_path):
    code, out, err = run(
        "train-classifier", "--size", 16, "--epochs", 2, "--width", 4, "--output", "new/digits.npz"
    )
    assert (code, err) == (0, "")
    classifier = gf.evaluation.load_classifier(tmp_path / "new" / "digits.npz")
    assert classifier.metadata["image_shape"] == [16, 16, 1]
    assert (classifier.metadata["num_epochs"], classifier.metadata["flip"]) == (2, False)
    assert {str(leaf.dtype) for leaf in classifier.params["logits"].values()} == {"float32"}
    assert f"sha256 {classifier.hash}" in out
    assert f"{100 * classifier.metadata['test_accuracy']:.2f} % of 355 test images right" in out
    assert "wrote new/digits.npz" in out


@pytest.mark.slow
def test_json_says_the_hash(run_json, tmp_path):
    said = run_json(
        "train-classifier", "--epochs", 1, "--width", 2, "--flip", "--output", "digits.npz"
    )
    classifier = gf.evaluation.load_classifier(tmp_path / "digits.npz")
    assert said["hash"] == classifier.hash
    assert said["flip"] is True


@pytest.mark.long
def test_learns_from_files(run_json, tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    labels = np.arange(10_000, dtype=np.uint8) % 10
    # Each class is a grey of its own.
    pixels = np.repeat(25 * labels[:, None], 3072, axis=1) + rng.integers(
        0, 9, size=(10_000, 1), dtype=np.uint8
    )
    records = np.concatenate([labels[:, None], pixels], axis=1).tobytes()
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        (folder / f"{name}.bin").write_bytes(records)
    (folder / "batches.meta.txt").write_text("\n".join(gf.data.CIFAR10_CLASSES))
    monkey = pytest.MonkeyPatch()
    given = {}

    def train(train, test, **settings):
        given.update(train=train, test=test, settings=settings)
        return gf.evaluation.Classifier({"a": np.zeros(1)}, {"dataset": "x", "hash": "y"})

    with monkey.context() as patched:
        patched.setattr(gf.evaluation, "train_classifier", train)
        run_json("train-classifier", "--data", folder, "--output", "cifar10.npz")
    assert (len(given["train"]), len(given["test"])) == (50_000, 10_000)
    assert given["train"].flip
    assert not given["test"].flip
    assert (
        given["settings"]["num_epochs"] == gf.evaluation.CLASSIFIER_PRESETS["cifar10"]["num_epochs"]
    )


@pytest.fixture
def asked(monkeypatch):
    """What a command asks for: two configurations of data (it gets digits), and settings."""
    configs = []

    def load(config):
        configs.append(config)
        return gf.data.digits(config.split)

    def train(train, test, **settings):
        configs.append(settings)
        return gf.evaluation.Classifier({"a": np.zeros(1)}, {"dataset": "x", "hash": "y"})

    monkeypatch.setattr(gf.configuration, "load_data", load)
    monkeypatch.setattr(gf.evaluation, "train_classifier", train)
    return configs


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_the_set_is_the_one_that_is_named(run_json, tmp_path, asked, name):
    # What the folder and its files are called says nothing then.
    folder = tmp_path / "digits"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte.gz").touch()
    run_json("train-classifier", "--data", "./digits", "--name", name, "--output", "a.npz")
    train, test, settings = asked
    assert (train.name, test.name) == (name, name)
    assert (train.folder, train.split, test.split) == ("./digits", "train", "test")
    assert settings["num_epochs"] == gf.evaluation.CLASSIFIER_PRESETS[name]["num_epochs"]


@pytest.mark.parametrize("args", [[], ["--data", "digits"], ["--name", "digits"]])
def test_digits_are_digits_whatever_lies_there(run_json, tmp_path, asked, args):
    (tmp_path / "digits").mkdir()
    run_json("train-classifier", *args, "--output", "a.npz")
    assert [(config.name, config.folder) for config in asked[:2]] == [("digits", None)] * 2
    # The classifier fits what the presets of digits make.
    sizes = {gf.configuration.preset(name).data.size for name in gf.configuration.PRESETS
             if name.startswith("digits/")}  # fmt: skip
    assert sizes == {config.size for config in asked[:2]} == {16}


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-images.idx3-ubyte.gz"])
def test_files_of_two_sets_need_a_name(run, tmp_path, asked, file):
    folder = tmp_path / "fashion_mnist"
    folder.mkdir()
    (folder / file).touch()
    code, _, err = run("train-classifier", "--data", "fashion_mnist", "--output", "a.npz")
    assert (code, asked) == (2, [])
    assert "--name must say which set is in fashion_mnist, mnist or fashion_mnist" in err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--output", "digits.txt"], "--output must end in .npz, got 'digits.txt'"),
        (["--output", "a.npz", "--data", "digit"], "did you mean 'digits'"),
        (["--output", "a.npz", "--data", "."], "CIFAR-10"),
        (["--output", "a.npz", "--name", "fashion"], "unknown --name 'fashion': did you mean"),
        (["--output", "a.npz", "--name", "mnist"], "digits: expected train-images-idx3-ubyte"),
        (["--output", "a.npz", "--name", "digits", "--data", "."], "and digits is not: got '.'"),
        (["--output", "a.npz", "--epochs", "0"], "num_epochs must be an integer ≥ 1, got 0"),
        (["--output", "a.npz", "--size", "9"], "size must be 8, 16 or 32, got 9"),
    ],
)
def test_bad_arguments_are_named(run, tmp_path, args, message):
    code, out, err = run("train-classifier", *args)
    assert (code, out) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []
