"""Damaged files, drawn: each is answered by one sentence with its name, or what it says is right.

Of each file of a run a third of ``GANFIELD_DRAWS`` damages are drawn, of each file of data ten
times as many; ``GANFIELD_SEED`` says which. A long run is one command:

    GANFIELD_DRAWS=300 GANFIELD_SEED=7 pytest tests/batteries/test_damaged_files.py
"""

import gzip
import io
import json
import os
import pickle
import shutil
import tarfile
from functools import partial

import numpy as np
import pytest
from PIL import Image

import ganfield as gf
from tests.training.tiny import CONFIG

pytestmark = pytest.mark.long

DRAWS, SEED = (int(os.environ.get(f"GANFIELD_{n}", d)) for n, d in (("DRAWS", 12), ("SEED", 0)))
COUNT = 12  # records of a file of CIFAR-10, as a set cut down by hand has


def of(rng, options):
    return options[int(rng.integers(len(options)))]


def value(rng, depth=0):
    """Return what JSON or a pickle may hold, seldom what belongs there."""
    plain = [None, True, -1, 0, 1.5, 1e300, 10**30, "", "x", "standard", "\n", "ü" * 999]
    if depth > 3 or rng.random() < 0.6:
        return of(rng, plain)
    inner = [value(rng, depth + 1) for _ in range(rng.integers(4))]
    return inner if rng.random() < 0.5 else {of(rng, ["a", "seed", "data", ""]): x for x in inner}


def changed(rng, data):
    """Return bytes cut off, put in, taken out or changed; half of the time near the start."""
    reach = len(data) if rng.random() < 0.5 else min(64, len(data))
    place = int(rng.integers(max(reach, 1)))
    kind = rng.integers(5)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + rng.bytes(9) + data[place:]
    if kind == 2:
        return data[:place] + data[place + 1 + int(rng.integers(20)) :]
    if kind == 3:
        return of(rng, [b"", b"\0" * 99, b"[" * 99_999, b"<html>", b"\xff\xfe", b"{}", data * 2])
    flipped = bytearray(data)
    for where in rng.integers(max(reach, 1), size=3) if data else ():
        flipped[where] = rng.integers(256)
    return bytes(flipped)


def of_json(rng, data):
    """Return JSON with one value in the place of another, or one more name."""
    tree = json.loads(data)
    node = tree
    while isinstance(node, dict) and node:
        name = of(rng, [*node])
        if not isinstance(node[name], dict) or rng.random() < 0.3:
            node[name if rng.random() < 0.9 else "more"] = value(rng)
            break
        node = node[name]
    return json.dumps(tree).encode()


def damage(rng, path):
    """Damage a file, or put something else in its place."""
    data = path.read_bytes()
    if rng.random() < 0.15:
        path.unlink()
        of(rng, [path.mkdir, lambda: os.mkfifo(path), lambda: path.symlink_to("/dev/zero")])()
    elif path.suffix in (".json", "") and data[:1] == b"{" and rng.random() < 0.5:
        path.write_bytes(of_json(rng, data))
    else:
        path.write_bytes(changed(rng, data))


def look(folder):
    """Return what a folder holds, without what says only that somebody came."""
    files = [p for p in folder.rglob("*") if p.name not in (".lock", "events.log")]
    return {p: p.is_file() and p.stat().st_size < 10**6 and p.read_bytes() for p in files}


def answered(call, path, refused):
    """Call, and return what came of it, or None where it is refused in one sentence."""
    try:
        return call()
    except refused as error:
        said = str(error)
        assert str(path) in said, said
        assert "\n" not in said, said
        assert len(said) < 2000, said
        return None


def seeds(count):
    return range(1000 * SEED, 1000 * SEED + count)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with scores and two checkpoints."""
    folder = tmp_path_factory.mktemp("damaged") / "run"
    evaluate = [lambda generate: {"mean": float(generate(4).mean())}]
    gf.training.train(CONFIG, folder, num_steps=40, evaluate=evaluate)
    (folder / "protocol.json").write_text('[{"n_fake": 4}]')
    return folder


FILES = (
    "config.json", "run.json", "metrics.csv", "scores.csv", "protocol.json",
    "checkpoints/40/about/metadata", "checkpoints/40/carry/_METADATA",
    "checkpoints/40/carry/manifest.ocdbt", "checkpoints/40/_CHECKPOINT_METADATA",
)  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files_of_a_run(run, name, tmp_path):
    calls = {
        "load": (lambda folder: gf.runs.load(folder).step, (20, 40)),
        "compare": (lambda folder: len(gf.runs.compare([folder]).groups), (1,)),
        # It has nothing to do, from either checkpoint.
        "resume": (lambda folder: gf.training.train(CONFIG, folder, num_steps=20).step, (20, 40)),
    }
    for seed in seeds(max(1, DRAWS // 3)):
        rng = np.random.default_rng(seed)
        folder = tmp_path / str(seed)
        shutil.copytree(run, folder)
        damage(rng, folder / name)
        before = look(folder)
        for called, (call, right) in calls.items():
            result = answered(partial(call, folder), folder, (ValueError, OSError))
            assert result is None or result in right
            if result is None or called != "resume":
                assert look(folder) == before


def images(count=COUNT, size=32):
    return np.random.default_rng(0).integers(256, size=(count, size, size, 3), dtype=np.uint8)


def idx(array):
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def archive(name, content):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def batch(rng):
    """Return a pickle of CIFAR-10's, now and then of something else."""
    content = {b"data": images().reshape(COUNT, -1), b"labels": [*range(10), 0, 1]}
    for _ in range(rng.integers(3)):
        content[of(rng, [b"labels", "data", b"filenames", b"batch_label"])] = value(rng)
    return pickle.dumps(content, protocol=int(rng.integers(6)))


def of_format(kind):
    file = io.BytesIO()
    Image.fromarray(images()[0]).save(file, kind)
    return file.getvalue()


def saved(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


BINARY = np.concatenate([np.arange(COUNT)[:, None] % 10, images().reshape(COUNT, -1)], axis=1)
BINARY = BINARY.astype(np.uint8).tobytes()
DIGITS = images(size=28)[..., 0]
# File → its bytes, or what draws them; and how its folder is read.
DATA = {
    "some.npz": (saved(pixels=images(), labels=np.arange(COUNT)), "npz"),
    "some.npy": (saved(), "npy"),
    "test_batch.bin": (BINARY, "cifar10"),
    "test_batch": (batch, "cifar10"),
    "cifar-10-binary.tar.gz": (archive("test_batch.bin", BINARY), "cifar10"),
    "t10k-images-idx3-ubyte": (idx(DIGITS), "mnist"),
    "t10k-images-idx3-ubyte.gz": (gzip.compress(idx(DIGITS)), "mnist"),
    **{
        f"0.{kind.lower()}": (of_format(kind), "image_folder")
        for kind in ("PNG", "JPEG", "GIF", "BMP", "PPM", "TIFF", "WEBP")
    },
}
LOADERS = {
    "npz": lambda path: gf.data.load_npz(path),
    "npy": lambda path: gf.data.memory_mapped(path),
    "cifar10": lambda path: gf.data.cifar10(path.parent, "test", records_per_file=COUNT),
    "mnist": lambda path: gf.data.mnist(path.parent, "test", num_images=COUNT),
    "image_folder": lambda path: gf.data.image_folder(path.parent, size=8, num_threads=1),
}


@pytest.mark.parametrize("name", DATA)
def test_data(name, tmp_path):
    content, loader = DATA[name]
    refusals = 0
    for seed in seeds(10 * DRAWS):
        rng = np.random.default_rng(seed)
        path = tmp_path / str(seed) / name
        path.parent.mkdir()
        if loader == "npy":
            np.save(path, images())
        else:
            path.write_bytes(content if isinstance(content, bytes) else content(rng))
        if loader == "mnist":
            labels = idx(np.arange(COUNT, dtype=np.uint8) % 10)
            (path.parent / "t10k-labels-idx1-ubyte").write_bytes(labels)
        if isinstance(content, bytes) or rng.random() < 0.5:
            damage(rng, path)
        # A folder where a file of images was is looked into, and holds none.
        loaded = answered(partial(LOADERS[loader], path), path.parent, ValueError)
        refusals += loaded is None
        if loaded is not None:
            assert loaded.pixels.dtype == np.uint8
    assert refusals >= DRAWS
