"""Points of a file: what is read, and what is refused in a sentence that names the file."""

import pickle

import numpy as np
import pytest

import ganfield as gf
from ganfield.configuration import Config, DataConfig, fingerprint, load_data

ARRAY = np.random.default_rng(0).normal(size=(20, 2))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_points_come_back(tmp_path, dtype):
    path = tmp_path / "moons.npy"
    np.save(path, np.asfortranarray(100 * ARRAY).astype(dtype))
    data = load_data(DataConfig(name="points", folder=str(path)))
    np.testing.assert_array_equal(data.values, (100 * ARRAY).astype(dtype))
    assert repr(data) == "Points(20 of shape (2,), without labels)"
    assert fingerprint(data)["count"] == 20


def content(kind, path):
    if kind == "text":
        path.write_text("0.1 0.2\n")
    elif kind == "npz":
        with path.open("wb") as file:
            np.savez(file, ARRAY)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(ARRAY))
    elif kind == "truncated":
        np.save(path, ARRAY)
        path.write_bytes(path.read_bytes()[:-9])
    elif kind != "missing":
        np.save(path, ARRAYS[kind])


ARRAYS = {
    "objects": np.array([[1, None]], object),
    "one dimension": ARRAY[:, 0],
    "three dimensions": ARRAY[None],
    "nothing": ARRAY[:0],
    "NaN": np.vstack([ARRAY, [np.nan, 0]]),
    "infinity": np.vstack([ARRAY, [0, np.inf]]),
    "complex": ARRAY + 1j,
    "texts": np.array([["a", "b"]]),
}
SAID = {
    "missing": "found no such file",
    "text": "found 8 bytes that start with 30",
    "npz": "found a zip archive",
    "pickle": "that start with 80",
    "truncated": "expected an .npy file",
    "objects": "found an array of Python objects, a pickle, which is not read",
    "one dimension": r"found float64 of shape \(20,\)",
    "three dimensions": r"found float64 of shape \(1, 20, 2\)",
    "nothing": r"at least one example, got float64 of shape \(0, 2\)",
    "NaN": "array must be finite in float32, got NaN",
    "infinity": "array must be finite in float32",
    "complex": "array must hold real numbers, .* got complex128",
    "texts": "array must hold real numbers",
}


@pytest.mark.parametrize("kind", SAID)
def test_what_is_no_array_of_points_is_refused_and_named(tmp_path, kind):
    path = tmp_path / "points.npy"
    content(kind, path)
    with pytest.raises(ValueError, match=SAID[kind]) as error:
        gf.data.load_points(path)
    said = str(error.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said


def test_damaged_files_are_refused_or_read(tmp_path, damage):
    path = tmp_path / "points.npy"
    np.save(path, ARRAY)
    whole = path.read_bytes()
    for seed in range(200):
        path.write_bytes(damage(whole, seed))
        said = ""
        try:
            data = gf.data.load_points(path)
        except ValueError as error:
            said = str(error)
        assert said.startswith(f"{path}: ") or np.isfinite(data.values).all()


def test_a_run_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "points.npy"
    content("NaN", path)
    config = Config().replace({"data.name": "points", "data.folder": str(path)})
    with pytest.raises(ValueError, match=f"{path}: array must be finite"):
        gf.training.train(config, tmp_path / "run", num_steps=1)
    assert list(tmp_path.iterdir()) == [path]


def test_options_that_are_for_images_are_refused(tmp_path):
    path = tmp_path / "points.npy"
    np.save(path, ARRAY)
    with pytest.raises(ValueError, match=r"data\.flip is for images, and points has none"):
        load_data(DataConfig(name="points", folder=str(path), flip=True))
    with pytest.raises(ValueError, match=r"data\.folder must say where points is"):
        load_data(DataConfig(name="points"))
    changed = (
        Config().replace({"data.flip": True, "data.size": 16}).replace({"data.name": "points"})
    )
    assert (changed.data.flip, changed.data.size) == (False, None)
