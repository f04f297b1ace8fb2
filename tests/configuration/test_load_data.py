"""Sets by the name in a configuration: which part of them, and what tells one from another."""

import inspect

import jax
import numpy as np
import pytest
from PIL import Image

import ganfield as gf
from ganfield.configuration import DATA, DataConfig, fingerprint, load_data


def idx(array):
    array = np.asarray(array, np.uint8)
    header = bytes([0, 0, 8, array.ndim])
    return header + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def faces(tmp_path):
    """A folder of six grey images of CelebA's size, the darkest first."""
    folder = tmp_path / "faces"
    folder.mkdir()
    for k in range(6):
        Image.new("RGB", (178, 218), (k, k, k)).save(folder / f"{k:06}.png")
    return str(folder)


@pytest.mark.parametrize("name", ["celeba", "image_folder"])
def test_a_folder_has_a_part_for_testing(faces, name):
    levels = {}
    for split in ("train", "test"):
        options = {"num_test": 2}
        images = load_data(DataConfig(name=name, folder=faces, split=split, options=options))
        assert (images.shape, images.split) == ((64, 64, 3), split)
        levels[split] = images.pixels[:, 0, 0, 0].tolist()
    assert levels == {"train": [0, 1, 2, 3], "test": [4, 5]}


def test_ten_thousand_images_of_celeba_are_for_testing(faces):
    for split in ("train", "test"):
        message = "num_test must be below the number of images in .*faces, 6, got 10000"
        with pytest.raises(ValueError, match=message):
            load_data(DataConfig(name="celeba", folder=faces, split=split))
    assert len(load_data(DataConfig(name="image_folder", folder=faces))) == 6
    with pytest.raises(ValueError, match="split='test' needs num_test"):
        load_data(DataConfig(name="image_folder", folder=faces, split="test"))


def in_folder(tmp_path):
    gf.data.save_npz(tmp_path / "some.npz", gf.data.digits())
    np.save(tmp_path / "some.npy", gf.data.digits().pixels)
    np.save(tmp_path / "points.npy", np.zeros((3, 2)))
    files = {"npz": "some.npz", "memory_mapped": "some.npy", "points": "points.npy"}
    return {name: str(tmp_path / file) for name, file in files.items()}


@pytest.mark.parametrize("name", [name for name, source in DATA.items() if not source.has_parts])
@pytest.mark.parametrize("split", ["test", "banana"])
def test_what_has_no_part_for_testing_says_so(tmp_path, name, split):
    folder = in_folder(tmp_path).get(name)
    assert load_data(DataConfig(name=name, folder=folder)).sample(jax.random.key(0), 2).ndim >= 2
    message = f"data.split is for sets with a part for testing, and {name} has none: got '{split}'"
    with pytest.raises(ValueError, match=message):
        load_data(DataConfig(name=name, folder=folder, split=split))


@pytest.mark.parametrize("name", [name for name, source in DATA.items() if source.has_parts])
def test_a_part_that_there_is_not_is_refused(faces, name):
    folder = None if name == "digits" else faces
    with pytest.raises(ValueError, match="unknown split 'banana'"):
        load_data(DataConfig(name=name, folder=folder, split="banana"))


def test_every_source_tells_its_loader_what_it_takes():
    for source in DATA.values():
        takes = inspect.signature(getattr(gf.data, source.loader)).parameters
        assert set(source.options) <= set(takes)
        assert not source.has_parts or "split" in takes


def test_fashion_mnist_is_not_mnist(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((10, 28, 28))))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.arange(10)))
    datasets = [
        load_data(DataConfig(name=name, folder=str(tmp_path), options={"num_images": 10}))
        for name in ("fashion_mnist", "mnist")
    ]
    assert [images.name for images in datasets] == ["fashion_mnist", "mnist"]
    assert datasets[0].class_names == gf.data.FASHION_MNIST_CLASSES


def test_a_memory_map_takes_its_shape_from_options(tmp_path):
    pixels = np.random.default_rng(0).integers(256, size=(5, 4, 4, 3), dtype=np.uint8)
    (tmp_path / "pixels.bin").write_bytes(pixels.tobytes())
    options = {"image_shape": [4, 4, 3], "labels": [0, 1, 0, 1, 0]}
    config = DataConfig(name="memory_mapped", folder=str(tmp_path / "pixels.bin"), options=options)
    images = load_data(config)
    assert isinstance(images.pixels, np.memmap)
    np.testing.assert_array_equal(images.pixels, pixels)
    assert images.labels.tolist() == options["labels"]


def many(count=5000, labels=True):
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(count, 2, 2, 1), dtype=np.uint8)
    return gf.data.Images(pixels, rng.integers(9, size=count, dtype=np.int32) if labels else None)


def test_every_pixel_and_label_in_memory_is_in_the_fingerprint():
    images = many()
    known = fingerprint(images)
    assert known == fingerprint(many())
    fingerprints = [known, fingerprint(many(labels=False))]
    for place in (0, 1, 2500, 4999):
        pixels, labels = images.pixels.copy(), images.labels.copy()
        pixels[place, 1, 0, 0] ^= 1
        labels[place] += 1
        fingerprints.append(fingerprint(gf.data.Images(pixels, images.labels)))
        fingerprints.append(fingerprint(gf.data.Images(images.pixels, labels)))
    assert len({str(each) for each in fingerprints}) == len(fingerprints)


def test_the_fingerprint_is_that_of_the_values_wherever_they_are():
    images = many()
    known = fingerprint(images)
    assert fingerprint(images.to_device()) == known
    spaced = gf.data.Images(np.repeat(images.pixels, 2, axis=0)[::2], images.labels)
    assert not spaced.pixels.flags.c_contiguous
    assert fingerprint(spaced) == known


def test_of_images_on_disk_some_are_hashed(tmp_path):
    pixels = many().pixels
    known = []
    for changed in (None, 0, 1, 4999):
        path = tmp_path / f"{changed}.npy"
        varied = pixels.copy()
        if changed is not None:
            varied[changed] ^= 1
        np.save(path, varied)
        known.append(fingerprint(gf.data.memory_mapped(path, name="some")))
    assert all("sha256" not in each for each in known)
    # 1024 of 5000, the first and the last among them.
    assert known[2] == known[0] not in (known[1], known[3])
    labels = np.zeros(5000, np.int32)
    assert fingerprint(gf.data.memory_mapped(path, name="some", labels=labels)) != known[3]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("image_folder", {"cache": 3}, r"cache must be a text or a path or none, got 3"),
        ("image_folder", {"num_threads": "x"}, "num_threads must be an integer or none, got 'x'"),
        ("image_folder", {"num_threads": True}, "num_threads must be an integer or none, got True"),
        ("image_folder", {"crop": float("nan")}, "crop must be a finite number, got nan"),
        ("image_folder", {"name": 3}, "name must be a text or none, got 3"),
        ("memory_mapped", {"image_shape": 3}, "image_shape must be a list of integers or none"),
        ("memory_mapped", {"image_shape": "4,4,3"}, "image_shape must be a list of integers or"),
        ("memory_mapped", {"class_names": 3}, "class_names must be a list of texts, got 3"),
        ("cifar10", {"checksum": 5}, "checksum must be a text or texts by name or none, got 5"),
        ("mnist", {"num_images": 2.5}, "num_images must be an integer or none, got 2.5"),
    ],
)
def test_options_of_another_type_are_named(name, options, said):
    with pytest.raises(ValueError, match=rf"data\.options\.{said}"):
        load_data(DataConfig(name=name, folder="nowhere", options=options))


def test_an_option_may_be_none_where_its_loader_has_it(faces):
    config = DataConfig(name="image_folder", folder=faces, options={"crop": None})
    assert load_data(config).pixels.shape == (6, 64, 64, 3)


@pytest.mark.parametrize(
    ("settings", "options", "name"),
    [
        ({"size": 8}, {"size": 16}, "size"),
        ({}, {"split": "test"}, "split"),
        ({"split": "test"}, {"split": "test"}, "split"),
    ],
)
def test_what_is_given_twice_is_refused(settings, options, name):
    said = rf"data\.{name} and data\.options\.{name} are the same: give data\.{name} alone, got"
    with pytest.raises(ValueError, match=said):
        load_data(DataConfig(name="digits", options=options, **settings))
    assert load_data(DataConfig(name="digits", options={"size": 16})).shape == (16, 16, 1)
