"""A folder of images: order, crop, sizes, modes, classes, damage, and a cache."""

import os
import pathlib
import re
import warnings

import numpy as np
import pytest
from PIL import Image

import ganfield as gf


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def random_image(height, width, *channels, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(height, width, *channels), dtype=np.uint8)


def triangle_resize(square, size):
    """Resize as a plain loop over the antialiased bilinear filter, in float64."""
    side = len(square)
    scale = side / size
    weights = np.zeros((size, side))
    for place in range(size):
        centre = (place + 0.5) * scale
        for pixel in range(side):
            distance = abs(pixel + 0.5 - centre) / max(scale, 1)
            weights[place, pixel] = max(0.0, 1 - distance)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("ab,bdc,ed->aec", weights, np.asarray(square, float), weights)


@pytest.mark.slow
def test_the_defaults_are_those_of_celeba(tmp_path):
    image = random_image(218, 178, 3)
    save(tmp_path / "000001.png", image)
    images = gf.data.image_folder(tmp_path)
    assert images.pixels.shape == (1, 64, 64, 3)
    expected = triangle_resize(image[29:189, 9:169], 64)
    # Pillow rounds after each of the two passes.
    assert np.abs(images.pixels[0] - expected).max() <= 1.01
    assert images.labels is None


def test_without_crop_the_largest_square_is_taken(tmp_path):
    image = random_image(10, 7, 3)
    save(tmp_path / "a.png", image)
    for crop in (None, 100):
        images = gf.data.image_folder(tmp_path, crop=crop, size=7)
        np.testing.assert_array_equal(images.pixels[0], image[1:8])
    images = gf.data.image_folder(tmp_path, crop=4, size=8)
    assert np.abs(images.pixels[0] - triangle_resize(image[3:7, 1:5], 8)).max() <= 1.01


def test_order_is_that_of_the_names_whatever_the_threads(tmp_path):
    values = {f"{name}.png": 10 * k for k, name in enumerate(["b", "a", "c", "A", "a10", "a2"])}
    for name, value in values.items():
        save(tmp_path / name, np.full((4, 4, 3), value, np.uint8))
    expected = [values[name] for name in sorted(values)]
    for num_threads in (1, 3):
        images = gf.data.image_folder(tmp_path, size=4, num_threads=num_threads)
        np.testing.assert_array_equal(images.pixels[:, 0, 0, 0], expected)


def test_folders_are_classes_and_other_files_are_left_out(tmp_path):
    for k, place in enumerate(["dog/1.png", "cat/9.PNG", "cat/in/3.png"]):
        save(tmp_path / place, np.full((2, 2, 3), k, np.uint8))
    (tmp_path / "cat" / "list_attr.txt").write_text("no image")
    (tmp_path / "cat" / "._9.png").write_bytes(b"a Mac's shadow")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "1.png").write_bytes(b"hidden")
    images = gf.data.image_folder(tmp_path, size=2)
    np.testing.assert_array_equal(images.pixels[:, 0, 0, 0], [1, 2, 0])
    assert images.class_names == ("cat", "dog")
    np.testing.assert_array_equal(images.labels, [0, 0, 1])
    save(tmp_path / "0.png", np.full((2, 2, 3), 9, np.uint8))
    images = gf.data.image_folder(tmp_path, size=2, name="pets")
    assert (len(images), images.labels, images.class_names) == (4, None, ())
    assert (images.name, images.split) == ("pets", "train")


def test_links_are_followed(tmp_path):
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "pets"
    save(elsewhere / "dogs" / "1.png", np.full((2, 2, 3), 1, np.uint8))
    save(elsewhere / "dogs" / "old" / "2.png", np.full((2, 2, 3), 2, np.uint8))
    save(elsewhere / "3.png", np.full((2, 2, 3), 3, np.uint8))
    save(folder / "cat" / "0.png", np.zeros((2, 2, 3), np.uint8))
    (folder / "dog").symlink_to(elsewhere / "dogs", target_is_directory=True)
    (folder / "cat" / "9.png").symlink_to(elsewhere / "3.png")
    # Two that would have no end.
    (folder / "cat" / "again").symlink_to(folder, target_is_directory=True)
    (elsewhere / "dogs" / "here").symlink_to(elsewhere / "dogs", target_is_directory=True)
    images = gf.data.image_folder(folder, size=2)
    assert images.class_names == ("cat", "dog")
    levels = list(zip(images.labels.tolist(), grey_levels(images), strict=True))
    # The link in cat/ that leads back up shows the dogs, and they are then in cat/ too.
    assert [pair for pair in levels if pair[0]] == [(1, 1), (1, 2)]
    assert {(0, 0), (0, 3)} <= set(levels)
    linked = tmp_path / "link"
    linked.symlink_to(folder, target_is_directory=True)
    assert grey_levels(gf.data.image_folder(linked, size=2)) == grey_levels(images)


@pytest.mark.parametrize("name", ["dog", "dog.png"])
def test_a_link_to_nothing_is_named(tmp_path, name):
    save(tmp_path / "cat" / "0.png", random_image(2, 2, 3))
    (tmp_path / "notes.txt").symlink_to(tmp_path / "nowhere")
    assert len(gf.data.image_folder(tmp_path, size=2)) == 1
    (tmp_path / name).symlink_to(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=rf"{name}: expected an image or a folder, found a link"):
        gf.data.image_folder(tmp_path, size=2, cache=tmp_path / "cache.npz")


def test_a_folder_may_be_named_like_an_image(tmp_path):
    for k, place in enumerate(["a.png/x.png", "a.png/y.jpg.png", "b.JPG/z.png"]):
        save(tmp_path / place, np.full((2, 2, 3), k, np.uint8))
    (tmp_path / "b.JPG" / "empty.png").mkdir()
    images = gf.data.image_folder(tmp_path, size=2)
    assert images.class_names == ("a.png", "b.JPG")
    assert grey_levels(images) == [0, 1, 2]


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    save(tmp_path / "cat" / "0.png", random_image(2, 2, 3))
    save(tmp_path / "dog" / "0.png", random_image(2, 2, 3))
    listed = pathlib.Path.iterdir

    def iterdir(self):
        if self.name == "dog":
            raise PermissionError(13, "Permission denied", str(self))
        return listed(self)

    monkeypatch.setattr(pathlib.Path, "iterdir", iterdir)
    with pytest.raises(ValueError, match=r"dog: expected a folder of images, found permission den"):
        gf.data.image_folder(tmp_path, size=2)


@pytest.mark.parametrize(
    ("cache", "message"),
    [
        ("none/cache.npz", "cache must be in a folder that exists, and .*none does not"),
        ("images", "cache must be a file, and .*images is a folder"),
        ("images/0.png/cache.npz", "cache must be in a folder that exists"),
        ("locked/cache.npz", "cache must be in a folder that can be written to, got .*locked"),
    ],
)
def test_a_cache_that_cannot_be_is_found_out_before_decoding(tmp_path, monkeypatch, cache, message):
    import ganfield.data._image_folder as module

    save(tmp_path / "images" / "0.png", random_image(2, 2, 3))
    (tmp_path / "locked").mkdir()
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, *a: "locked" not in str(path) and access(path, *a)
    )
    monkeypatch.setattr(module, "_decode", lambda *a, **k: pytest.fail("decoded"))
    with pytest.raises(ValueError, match=message):
        gf.data.image_folder(tmp_path / "images", size=2, cache=tmp_path / cache)


def grey_levels(images):
    return images.pixels[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("cached", [False, True])
def test_the_last_of_the_names_are_for_testing(tmp_path, cached):
    folder = tmp_path / "faces"
    for k in (3, 0, 4, 1, 2):
        save(folder / f"{k:06}.png", np.full((2, 2, 3), k, np.uint8))
    options = {"size": 2, "num_test": 2, "cache": tmp_path / "faces.npz" if cached else None}
    train = gf.data.image_folder(folder, **options)
    cache = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    test = gf.data.image_folder(folder, split="test", **options)
    assert (train.split, grey_levels(train)) == ("train", [0, 1, 2])
    assert (test.split, grey_levels(test)) == ("test", [3, 4])
    assert len(cache) == cached
    assert cache == {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    assert grey_levels(gf.data.image_folder(folder, size=2)) == [0, 1, 2, 3, 4]


def test_of_images_for_testing_none_is_read_for_training(tmp_path):
    for k in range(3):
        save(tmp_path / f"{k}.png", np.full((2, 2, 3), k, np.uint8))
    (tmp_path / "2.png").write_bytes(b"<html>")
    assert len(gf.data.image_folder(tmp_path, size=2, num_test=1)) == 2
    with pytest.raises(ValueError, match=r"2.png: expected an image"):
        gf.data.image_folder(tmp_path, size=2, num_test=1, split="test")


def test_classes_are_split_alike(tmp_path):
    for k, place in enumerate(["cat/a", "cat/b", "cat/c", "dog/a", "dog/b", "dog/c", "dog/d"]):
        save(tmp_path / f"{place}.png", np.full((2, 2, 3), k, np.uint8))
    train = gf.data.image_folder(tmp_path, size=2, num_test=1)
    test = gf.data.image_folder(tmp_path, size=2, num_test=1, split="test")
    assert (grey_levels(train), train.labels.tolist()) == ([0, 1, 3, 4, 5], [0, 0, 1, 1, 1])
    assert (grey_levels(test), test.labels.tolist()) == ([2, 6], [0, 1])
    assert train.class_names == test.class_names == ("cat", "dog")
    message = "num_test must be below the number of images in a class of .*, 3, got 3"
    with pytest.raises(ValueError, match=message):
        gf.data.image_folder(tmp_path, size=2, num_test=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "test"}, "split='test' needs num_test: how many of the images in .*faces"),
        ({"num_test": 2}, "num_test must be below the number of images in .*faces, 2, got 2"),
        ({"num_test": -1}, "num_test must be an integer ≥ 0, got -1"),
        ({"num_test": True}, "num_test must be an integer ≥ 0, got True"),
    ],
)
def test_a_split_that_cannot_be_is_refused(tmp_path, options, message):
    for k in range(2):
        save(tmp_path / "faces" / f"{k}.png", random_image(2, 2, 3))
    with pytest.raises(ValueError, match=message):
        gf.data.image_folder(tmp_path / "faces", size=2, **options)


def test_modes_become_one(tmp_path):
    grey = random_image(6, 6)
    colour = random_image(6, 6, 3)
    save(tmp_path / "a_grey.png", grey)
    save(tmp_path / "b_alpha.png", np.dstack([colour, grey]))
    deep = grey.astype(np.uint16) * 257
    save(tmp_path / "c_deep.png", deep)
    palette = Image.fromarray(colour).quantize(200)
    palette.save(tmp_path / "d_palette.png", transparency=bytes(range(200)))
    Image.fromarray(grey > 127).save(tmp_path / "e_bits.png")
    save(tmp_path / "f_cmyk.jpg", np.zeros((6, 6, 3), np.uint8))
    Image.new("CMYK", (6, 6), (0, 0, 0, 255)).save(tmp_path / "f_cmyk.jpg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images = gf.data.image_folder(tmp_path, size=6)
    assert images.shape == (6, 6, 3)
    for channel in range(3):
        np.testing.assert_array_equal(images.pixels[0, ..., channel], grey)
        np.testing.assert_array_equal(images.pixels[2, ..., channel], grey)
    np.testing.assert_array_equal(images.pixels[1], colour)
    np.testing.assert_array_equal(images.pixels[3], palette.convert("RGB"))
    np.testing.assert_array_equal(images.pixels[4, ..., 0], 255 * (grey > 127))
    assert images.pixels[5].max() < 10
    one = gf.data.image_folder(tmp_path, size=6, channels=1)
    np.testing.assert_array_equal(one.pixels[0, ..., 0], grey)
    assert one.shape == (6, 6, 1)


def test_orientation_is_followed(tmp_path):
    image = random_image(8, 8, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise by 90°
    Image.fromarray(image).save(tmp_path / "a.png", exif=exif)
    images = gf.data.image_folder(tmp_path, size=8)
    np.testing.assert_array_equal(images.pixels[0], np.rot90(image, -1))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"<html>Forbidden</html>", "an HTML page"),
        (b"\x89PNG\r\n\x1a\n123", "a PNG image"),
        ("half", "a JPEG image .*truncated"),
        ("float", "pixels of mode F, whose scale is not known"),
    ],
)
def test_a_damaged_image_is_named(tmp_path, data, words):
    for k in range(4):
        save(tmp_path / f"{k}.jpg", random_image(40, 40, 3, seed=k))
    bad = tmp_path / "2.jpg"
    if data == "half":
        data = bad.read_bytes()
        data = data[: len(data) // 2]
    if data == "float":
        bad = tmp_path / "2.tif"
        save(bad, np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4))
    else:
        bad.write_bytes(data)
    with pytest.raises(
        ValueError, match=f"{re.escape(str(bad))}: expected an image .*, found .*{words}"
    ):
        gf.data.image_folder(tmp_path, size=4)


@pytest.mark.parametrize(
    ("place", "words"),
    [("empty", "found an empty folder"), ("file", "found a file"), ("none", "found nothing")],
)
def test_a_folder_without_images_is_refused(tmp_path, place, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=f"{place}: expected a folder of images, {words}"):
        gf.data.image_folder(tmp_path / place)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("crop", 0, "crop must be an integer ≥ 1, got 0"),
        ("size", 0, "size must be an integer ≥ 1, got 0"),
        ("channels", 2, "channels must be 1 or 3, got 2"),
        ("channels", True, "channels must be 1 or 3, got True"),
        ("channels", 1.0, "channels must be 1 or 3, got 1.0"),
        ("split", "tset", "unknown split 'tset': did you mean 'test'"),
        ("split", "all", "unknown split 'all': Known: test, train"),
        ("num_threads", 0, "num_threads must be an integer ≥ 1, got 0"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, option, value, message):
    save(tmp_path / "a.png", random_image(4, 4, 3))
    with pytest.raises(ValueError, match=message):
        gf.data.image_folder(tmp_path, **{option: value})


def test_a_cache_is_used_until_something_changes(tmp_path, monkeypatch):
    folder, cache = tmp_path / "images", tmp_path / "cache.npz"
    for k in range(3):
        save(folder / f"{k}.png", random_image(6, 6, 3, seed=k))
    options = {"size": 6, "cache": cache}
    first = gf.data.image_folder(folder, **options)
    import ganfield.data._image_folder as module

    decoded = []
    monkeypatch.setattr(
        module, "_decode", lambda *a, keep=module._decode, **k: decoded.append(1) or keep(*a, **k)
    )
    np.testing.assert_array_equal(gf.data.image_folder(folder, **options).pixels, first.pixels)
    assert decoded == []
    assert gf.data.load_npz(cache).pixels.shape == (3, 6, 6, 3)

    def again():
        before = len(decoded)
        images = gf.data.image_folder(folder, **options)
        assert len(decoded) == before + 1
        return images

    os.utime(folder / "1.png", (1, 1))
    np.testing.assert_array_equal(again().pixels, first.pixels)
    (folder / "2.png").rename(folder / "9.png")
    again()
    options["crop"] = 4
    again()
    cache.write_bytes(cache.read_bytes()[:-40])
    again()
    cache.unlink()
    assert len(again()) == 3


@pytest.mark.parametrize(
    "content",
    [b"", b"notes of a month", "own", "own, cut", "fifo", "link to nothing"],
)
def test_a_cache_replaces_nothing_but_a_cache(tmp_path, monkeypatch, content):
    save(tmp_path / "images" / "0.png", random_image(6, 6, 3))
    cache = tmp_path / "cache.npz"
    if content == "fifo":
        os.mkfifo(cache)
    elif content == "link to nothing":
        cache.symlink_to(tmp_path / "nowhere")
    elif isinstance(content, bytes):
        cache.write_bytes(content)
    else:
        np.savez(cache, pixels=np.zeros((1, 6, 6, 3), np.uint8), state=np.asarray("mine"))
        cache.write_bytes(cache.read_bytes()[: -40 if "cut" in content else None])
    before = cache.lstat()
    with pytest.raises(ValueError, match=r"cache must be a new file or a cache .*cache.npz is ano"):
        gf.data.image_folder(tmp_path / "images", size=6, cache=cache)
    assert cache.lstat() == before
    if cache.is_file():
        assert cache.read_bytes() == content or content in ("own", "own, cut")


def test_a_cache_of_fewer_images_is_made_anew(tmp_path):
    for k in range(3):
        save(tmp_path / "images" / f"{k}.png", random_image(6, 6, 3, seed=k))
    options = {"size": 6, "cache": tmp_path / "cache.npz"}
    first = gf.data.image_folder(tmp_path / "images", **options)
    with np.load(options["cache"]) as file:
        arrays = dict(file)
    for changed in (arrays["pixels"][:2], arrays["pixels"].astype(float), np.zeros(10**5)):
        np.savez(options["cache"], **arrays | {"pixels": changed})
        again = gf.data.image_folder(tmp_path / "images", **options)
        np.testing.assert_array_equal(again.pixels, first.pixels)


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (POSTSCRIPT, r" \(BMP, .*\), found a PostScript document$"),
        (b"P6 12000 9000 255\n", "12000 × 9000 pixels, which are too many"),
        (b"P6 900000 900000 255\n", "exceeds limit"),
        ("sparse", "3221225472 bytes, more than 1073741824"),
        ("fifo", "found a FIFO, not a regular file"),
        ("/dev/zero", "found a device, not a regular file"),
    ],
)
def test_what_only_seems_to_be_an_image_is_named(tmp_path, data, words):
    save(tmp_path / "0.png", random_image(6, 6, 3))
    seeming = tmp_path / "1.png"
    if data == "fifo":
        os.mkfifo(seeming)
    elif data == "sparse":
        seeming.touch()
        os.truncate(seeming, 3 << 30)
    elif data == "/dev/zero":
        seeming.symlink_to(data)
    else:
        seeming.write_bytes(data)
    with pytest.raises(ValueError, match=f"1.png: expected an image.*{words}"):
        gf.data.image_folder(tmp_path, size=6)


def test_what_cannot_be_looked_at_is_named(tmp_path, monkeypatch):
    save(tmp_path / "cat" / "0.png", random_image(2, 2, 3))
    looked = pathlib.Path.stat

    def locked(self, **options):
        if self.name == "0.png":
            raise PermissionError(13, "Permission denied", str(self))
        return looked(self, **options)

    monkeypatch.setattr(pathlib.Path, "stat", locked)
    with pytest.raises(ValueError, match=r"0.png: expected an image or a folder, found permission"):
        gf.data.image_folder(tmp_path, size=2)
