"""Features of images, scores and evaluators: batching, rounding to 8 bits, protocols."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import ganfield as gf
from ganfield.evaluation import (
    Features,
    _scores,
    evaluator,
    frechet_distance,
    precision_recall,
    scores,
)
from ganfield.evaluation._precision_recall import radii_of_real


@jax.jit
def flat(pixels):
    values = pixels.reshape(len(pixels), -1) / 255
    return values, jax.nn.softmax(9 * values)


def features(**options):
    return Features(flat, name="pixels", hash="0" * 64, **options)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(-1, 1, size=(23, 2, 2, 1))


@pytest.mark.parametrize("batch_size", [1, 5, 23, 100])
def test_batch_size_changes_nothing(images, batch_size):
    # XLA rounds in another order for another batch; eighths of pixels are exact in any.
    def exact(pixels):
        values = pixels.reshape(len(pixels), -1) / 8
        return values, values.sum(1, keepdims=True)

    def extracted(batch_size):
        return Features(exact, name="exact", hash="0" * 64, batch_size=batch_size)(images)

    actual, expected = extracted(batch_size), extracted(7)
    np.testing.assert_array_equal(actual.features, expected.features)
    np.testing.assert_array_equal(actual.probabilities, expected.probabilities)
    assert actual.features.dtype == np.float64


def test_images_are_clipped_and_rounded_half_up():
    levels = np.array([-7, -1, -1 + 1.01 / 255, 0, 1 - 1.01 / 255, 1, 7]).reshape(-1, 1, 1, 1)
    # In steps of 1/127.5: 0, 0, 0.505 → 1, 127½ → 128, 254.495 → 254, 255, 255.
    expected = np.array([0, 0, 1, 128, 254, 255, 255]) / 255
    values = features()(levels).features[:, 0]
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    pixels = np.array([0, 0, 1, 128, 254, 255, 255], np.uint8).reshape(-1, 1, 1, 1)
    np.testing.assert_array_equal(features()(pixels).features[:, 0], values)


def test_bfloat16_images_are_taken(images):
    rounded = images.astype(ml_dtypes.bfloat16)
    measured, expected = features()(rounded), features()(rounded.astype(np.float32))
    np.testing.assert_array_equal(measured.features, expected.features)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((3, 2, 2)), r"got float64 of shape \(3, 2, 2\)"),
        (np.zeros((0, 2, 2, 1)), "n ≥ 1"),
        (np.zeros((3, 2, 2, 1), int), "floats in .* or uint8"),
        (np.full((3, 2, 2, 1), np.nan), "images must be finite"),
    ],
)
def test_bad_images_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        features()(bad)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("scale", [(0, 255), (-128, 127), (0, 100), (0, 16), (0, 60_000)])
def test_images_on_another_scale_are_refused(scale, dtype):
    low, high = scale
    values = np.linspace(low, high, 92).reshape(23, 2, 2, 1).astype(jnp.dtype(dtype))
    with pytest.raises(ValueError, match=rf"images must be floats in .*got numbers from {low} to"):
        features()(values)
    pixels = np.zeros((23, 2, 2, 1), np.uint8)
    for pair in ((values, pixels), (pixels, values)):
        with pytest.raises(ValueError, match=r"gf\.data\.to_float"):
            scores(features(), *pair, split="noise")
    with pytest.raises(ValueError, match="got numbers from"):
        evaluator(features(), Set(), 23)(lambda size: values)


def test_bytes_and_floats_of_the_same_images_have_the_same_scores(images):
    pixels = gf.data.to_uint8(images)
    beside = [
        scores(features(), images, each, split="noise", splits=3).values
        for each in (pixels, images, gf.data.to_float(pixels))
    ]
    assert beside[0] == beside[1] == beside[2]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_enough(images, bad):
    spoiled = images.copy()
    spoiled[3, 1, 0, 0] = bad
    with pytest.raises(ValueError, match="images must be finite"):
        features()(spoiled)


def test_scores_of_images_beside_themselves(images):
    table = scores(features(), images, images, split="noise test", splits=3)
    values = table.values
    assert values["frechet_classifier_distance"] == pytest.approx(0, abs=1e-12)
    # The unbiased estimate counts no pair twice, so it is below 0 for a set beside itself.
    assert values["kernel_classifier_distance"] < 0
    assert (values["precision"], values["recall"], values["class_jsd"]) == (1, 1, 0)
    np.testing.assert_array_equal(table.histogram, table.expected)
    assert table.protocol[:2] == (23, 23)


def test_every_number_is_printed_with_its_protocol(images):
    table = scores(features(), images, images[:20], split="noise test", splits=4)
    *lines, note = str(table).splitlines()
    assert len(table.values) == 8
    assert [line.split()[0] for line in lines] == [
        *table.values, "class_histogram", "class_histogram_real",
    ]  # fmt: skip
    for line in lines:
        for part in ("n_real = 23", "n_fake = 20", "noise test", "pixels", "sha256 000000000000"):
            assert part in line
        assert "4 splits" in line
        assert "8 bits" in line
    assert note.startswith("note: Fréchet distance of n_real = 23 and n_fake = 20 examples")


def test_the_class_histogram_is_printed(images):
    table = scores(features(), images, images[:20], split="noise", splits=4)
    rows = table.rows()
    for name, histogram in (
        ("class_histogram", table.histogram),
        ("class_histogram_real", table.expected),
    ):
        *shares, unit = rows[name].split()
        assert unit == "%"
        np.testing.assert_allclose([float(s) for s in shares], 100 * histogram, atol=0.05)
    assert rows["class_histogram"] != rows["class_histogram_real"]
    # 1000 classes do not fit in a line.
    many = np.zeros(1000)
    many[[7, 300]] = 0.25, 0.75
    text = table._replace(histogram=many).rows()["class_histogram"]
    assert text.startswith("300: 75.0, 7: 25.0, 0: 0.0, ")
    assert text.endswith(" % (the largest of 1000 classes)")
    assert text.count(":") == 20


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("inception", ["inception_score", "fid", "kid"]),
        (
            "classifier",
            ["classifier_score", "frechet_classifier_distance", "kernel_classifier_distance"],
        ),
    ],
)
def test_only_inception_gives_an_inception_score(images, kind, names):
    values = scores(features(kind=kind), images, images, split="noise").values
    assert [name for name in values if "kernel" in name or name in names] == names
    assert ("fid" in values) == ("inception_score_std" in values) == (kind == "inception")


class Set:
    name, split = "noise", "test"

    def __init__(self, count=40):
        rng = np.random.default_rng(3)
        self.pixels = rng.integers(0, 256, size=(count, 2, 2, 1), dtype=np.uint8)


@pytest.mark.slow
def test_evaluator_asks_for_samples_and_keeps_the_real_ones():
    looked_at = []

    def apply(pixels):
        looked_at.append(len(pixels))
        return flat(pixels)

    real = Set()
    evaluate = evaluator(Features(apply, "pixels", "0", batch_size=50), real, 20, splits=2)
    made = jnp.asarray(np.random.default_rng(1).uniform(-1, 1, size=(20, 2, 2, 1)))
    sizes = []

    def generate(size):
        sizes.append(size)
        return made

    first, again = evaluate(generate), evaluate(generate)
    assert first == again
    assert sizes == [20, 20]
    assert looked_at == [50, 50, 50]  # The real ones once, the others twice.
    direct = scores(features(), real.pixels, made, split="noise test", splits=2)
    assert first == direct.values
    assert evaluate.scores(generate).protocol.split == "noise test"
    with pytest.warns(gf.evaluation.SmallSampleWarning):
        expected = frechet_distance(*(flat(p)[0] for p in (real.pixels, gf.data.to_uint8(made))))
    assert first["frechet_classifier_distance"] == pytest.approx(expected, rel=1e-9)


def test_evaluator_measures_among_the_real_images_once(monkeypatch):
    measured = []

    def radii(features):
        measured.append(len(features))
        return radii_of_real(features)

    monkeypatch.setattr(_scores, "radii_of_real", radii)
    real = Set(40)
    evaluate = evaluator(features(), real, 20, splits=2)
    rng = np.random.default_rng(2)
    for spread in (60, 256):  # below 60 of 255 grey levels: far from most of the real ones
        made = rng.integers(0, spread, size=(20, 2, 2, 1), dtype=np.uint8)
        scores = evaluate(lambda size, made=made: made)
        plain = precision_recall(*(features()(each).features for each in (real.pixels, made)))
        assert (scores["precision"], scores["recall"]) == plain
        assert 0 < scores["recall"] < 1
    assert measured == [40]


def test_evaluator_says_beforehand_which_shape_it_takes():
    evaluator(features(), Set(), 20).check_shape((2, 2, 1))
    with pytest.raises(ValueError, match=r"real ones .*\(2, 2, 1\), got \(3, 2, 1\)"):
        evaluator(features(), Set(), 20).check_shape((3, 2, 1))

    def of_another_shape(pixels):
        raise ValueError(f"images must have shape (8, 8, 1), got {pixels.shape[1:]}")

    def in_numpy(pixels):
        return flat(np.asarray(pixels))

    with pytest.raises(ValueError, match=r"must have shape \(8, 8, 1\), got \(2, 2, 1\)"):
        evaluator(Features(of_another_shape, "other", "0"), Set(), 20).check_shape((2, 2, 1))
    evaluator(Features(in_numpy, "pixels", "0"), Set(), 20).check_shape((2, 2, 1))


def test_evaluator_takes_real_images_evenly():
    real = Set(40)
    evaluate = evaluator(features(), real, 20, num_real=10)
    np.testing.assert_array_equal(evaluate.real, real.pixels[::4])
    assert evaluate.scores(lambda size: real.pixels[:size]).protocol.n_real == 10


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluator(features(), Set(), 3), "num_samples must be an integer ≥ 10"),
        (lambda: evaluator(features(), Set(), 20, num_real=41), "at most .* 40, got 41"),
        (
            lambda: evaluator(features(), Set(), 20)(lambda size: np.zeros((size, 3, 3, 1))),
            r"got \(20, 3, 3, 1\)",
        ),
        (lambda: features(batch_size=0), "batch_size must be"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
