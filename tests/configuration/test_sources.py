"""Every set that a configuration knows by name is trained on for a few steps."""

import jax
import numpy as np
import pytest
from PIL import Image

import ganfield as gf
from ganfield.configuration import DATA, Config, DataConfig, MethodConfig, NetworkConfig

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
NETWORK = NetworkConfig(architecture="mlp", width=4, num_layers=1)
CONFIG = Config(
    generator=NETWORK,
    discriminator=NETWORK,
    method=MethodConfig(name="alternating", learning_rate=1e-3),
    batch_size=7,
    latent_size=3,
)


def idx(array):
    array = np.asarray(array, np.uint8)
    header = bytes([0, 0, 8, array.ndim])
    return header + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def cifar10(folder):
    for name in (f"data_batch_{k}.bin" for k in range(1, 6)):
        records = RNG.integers(256, size=(2, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        (folder / name).write_bytes(records.tobytes())
    return {"folder": str(folder), "options": {"records_per_file": 2}}


def mnist(folder):
    pixels = RNG.integers(256, size=(10, 28, 28))
    (folder / "train-images-idx3-ubyte").write_bytes(idx(pixels))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.arange(10)))
    return {"folder": str(folder), "options": {"num_images": 10}}


def faces(folder):
    for k in range(4):
        Image.new("RGB", (178, 218), (k, 60 * k, 9)).save(folder / f"{k:06}.png")
    return {"folder": str(folder), "size": 8, "options": {"num_test": 1}}


def npz(folder):
    gf.data.save_npz(folder / "some.npz", gf.data.digits())
    return {"folder": str(folder / "some.npz")}


def mapped(folder):
    np.save(folder / "some.npy", gf.data.digits().pixels)
    return {"folder": str(folder / "some.npy"), "storage": "device"}


def of_points(folder):
    np.save(folder / "some.npy", RNG.normal(size=(20, 2)))
    return {"folder": str(folder / "some.npy")}


FILES = {
    "points": of_points,
    "cifar10": cifar10,
    "mnist": mnist,
    "fashion_mnist": mnist,
    "celeba": faces,
    "image_folder": faces,
    "npz": npz,
    "memory_mapped": mapped,
    "digits": lambda folder: {"flip": True},
    "ring": lambda folder: {"options": {"num_modes": 5}},
    "spiral": lambda folder: {"options": {"num_arms": 3}},
}


@pytest.mark.long
@pytest.mark.parametrize("name", DATA)
def test_a_set_is_built_and_trained_on(name, tmp_path):
    changes = FILES.get(name, lambda folder: {})(tmp_path)
    config = Config.from_json(
        Config(**vars(CONFIG) | {"data": DataConfig(name=name, **changes)}).to_json()
    )
    built = gf.configuration.build(config)
    sample, keys = built.sampler(), gf.configuration.random_keys(config)

    @jax.jit
    def run(sample, keys):
        params = built.game.init(keys.init)
        return gf.simulate(
            built.method, built.field, params, num_steps=3, key=keys.batches, sample=sample
        )

    end = run(sample, keys)
    assert int(end.stopped_at) == -1
    start = built.game.init(keys.init)
    moved = jax.tree.map(lambda a, b: bool(np.any(np.asarray(a) != b)), start, end.params)
    assert any(jax.tree.leaves(moved))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(end.params))
    assert gf.configuration.fingerprint(built.data)["name"]
