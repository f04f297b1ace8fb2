"""Inception against a second derivation in NumPy, with batch norm and in PyTorch's names."""

import pickle
import sys
import types
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf
from ganfield.evaluation import load_inception, resize_tf1
from ganfield.evaluation.convert_inception import convert, main
from ganfield.networks import inception, inception_shapes

SHAPES = inception_shapes()


def random_state(seed=0):
    """A PyTorch state dict of this network: kernels (outputs, inputs, …), batch norm."""
    rng = np.random.default_rng(seed)
    state = {}
    for name, shape in SHAPES.items():
        layer = name.rpartition(".")[0]
        if name.endswith(".kernel") and layer != "fc":
            *window, inputs, outputs = shape
            scale = np.sqrt(2 / (inputs * np.prod(window)))
            kernel = rng.standard_normal((outputs, inputs, *window), np.float32)
            state[f"{layer}.conv.weight"] = kernel * np.float32(scale)
            state[f"{layer}.bn.weight"] = rng.uniform(0.5, 1.5, outputs)
            state[f"{layer}.bn.bias"] = 0.3 * rng.normal(size=outputs)
            state[f"{layer}.bn.running_mean"] = 0.3 * rng.normal(size=outputs)
            state[f"{layer}.bn.running_var"] = rng.uniform(0.3, 1.5, outputs)
            state[f"{layer}.bn.num_batches_tracked"] = np.array(0)
    state["fc.weight"] = rng.standard_normal((1008, 2048), np.float32) / 50
    state["fc.bias"] = rng.normal(size=1008)
    return state


class Reference:
    """Written from the published layers, channels first, as PyTorch's copies compute it."""

    def __init__(self, state):
        self.state = state

    def conv(self, name, x, stride=1, pad=(0, 0)):
        kernel = self.state[f"{name}.conv.weight"]
        x = np.pad(x, ((0, 0), (pad[0],) * 2, (pad[1],) * 2))
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(1, 2))
        y = np.tensordot(kernel, windows[:, ::stride, ::stride], axes=((1, 2, 3), (0, 3, 4)))
        norm = {k: self.state[f"{name}.bn.{k}"][:, None, None] for k in NORM}
        y = (y - norm["running_mean"]) / np.sqrt(norm["running_var"] + 0.001)
        return np.maximum(y * norm["weight"] + norm["bias"], 0)

    def chain(self, prefix, x, *steps):
        for name, *options in steps:
            x = self.conv(f"{prefix}{name}", x, *options)
        return x

    @staticmethod
    def max_pool(x, stride, pad=0):
        x = np.pad(x, ((0, 0), (pad,) * 2, (pad,) * 2), constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
        return windows[:, ::stride, ::stride].max(axis=(3, 4))

    @staticmethod
    def mean_pool(x):
        x = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
        return np.nanmean(windows, axis=(3, 4))

    def a(self, block, x):
        run = partial(self.chain, f"{block}.branch", x)
        return [
            run(("1x1",)),
            run(("5x5_1",), ("5x5_2", 1, (2, 2))),
            run(("3x3dbl_1",), ("3x3dbl_2", 1, (1, 1)), ("3x3dbl_3", 1, (1, 1))),
            self.conv(f"{block}.branch_pool", self.mean_pool(x)),
        ]

    def c(self, block, x):
        run = partial(self.chain, f"{block}.branch7x7", x)
        row, column = (1, (0, 3)), (1, (3, 0))
        return [
            self.conv(f"{block}.branch1x1", x),
            run(("_1",), ("_2", *row), ("_3", *column)),
            run(("dbl_1",), *((f"dbl_{i}", *(row if i % 2 else column)) for i in (2, 3, 4, 5))),
            self.conv(f"{block}.branch_pool", self.mean_pool(x)),
        ]

    def e(self, block, x, pooled):
        three = self.conv(f"{block}.branch3x3_1", x)
        double = self.chain(f"{block}.branch3x3dbl", x, ("_1",), ("_2", 1, (1, 1)))
        return [
            self.conv(f"{block}.branch1x1", x),
            self.conv(f"{block}.branch3x3_2a", three, 1, (0, 1)),
            self.conv(f"{block}.branch3x3_2b", three, 1, (1, 0)),
            self.conv(f"{block}.branch3x3dbl_3a", double, 1, (0, 1)),
            self.conv(f"{block}.branch3x3dbl_3b", double, 1, (1, 0)),
            self.conv(f"{block}.branch_pool", pooled),
        ]

    def __call__(self, image):
        x = self.chain("Conv2d_", image, ("1a_3x3", 2), ("2a_3x3",), ("2b_3x3", 1, (1, 1)))
        x = self.chain("Conv2d_", self.max_pool(x, 2), ("3b_1x1",), ("4a_3x3",))
        x = self.max_pool(x, 2)
        for block in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
            x = np.concatenate(self.a(block, x))
        double = (("3x3dbl_1",), ("3x3dbl_2", 1, (1, 1)), ("3x3dbl_3", 2))
        x = np.concatenate(
            [
                self.conv("Mixed_6a.branch3x3", x, 2),
                self.chain("Mixed_6a.branch", x, *double),
                self.max_pool(x, 2),
            ]
        )
        for block in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
            x = np.concatenate(self.c(block, x))
        seven = (("x3_1",), ("x3_2", 1, (0, 3)), ("x3_3", 1, (3, 0)), ("x3_4", 2))
        x = np.concatenate(
            [
                self.chain("Mixed_7a.branch3x3", x, ("_1",), ("_2", 2)),
                self.chain("Mixed_7a.branch7x7", x, *seven),
                self.max_pool(x, 2),
            ]
        )
        x = np.concatenate(self.e("Mixed_7b", x, self.mean_pool(x)))
        x = np.concatenate(self.e("Mixed_7c", x, self.max_pool(x, 1, pad=1)))
        features = x.mean(axis=(1, 2))
        return features, self.state["fc.weight"] @ features


NORM = ("weight", "bias", "running_mean", "running_var")


@pytest.fixture(scope="module")
def state():
    return random_state()


@pytest.mark.long
def test_agrees_with_the_layers_in_numpy(state):
    images = np.random.default_rng(1).uniform(-1, 1, size=(2, 107, 91, 3)).astype(np.float32)
    weights = {name: jnp.asarray(array) for name, array in convert(state).items()}
    features, logits = jax.jit(inception)(weights, images)
    assert features.shape == (2, 2048)
    for index, image in enumerate(images):
        expected = Reference(state)(image.transpose(2, 0, 1).astype(float))
        for measured, exact in zip((features[index], logits[index]), expected, strict=True):
            np.testing.assert_allclose(measured, exact, atol=2e-5 * np.abs(exact).max())


def test_number_of_weights():
    # Published for the layers before the last: 21,802,784 numbers, of which 3 × 17,216 are batch
    # norm's (shift, mean, variance); folding leaves one of the three. The last layer: 2048 × 1008.
    total = 21_802_784 - 2 * 17_216 + 2048 * 1008
    assert sum(np.prod(shape) for shape in SHAPES.values()) == total


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A file of weights for a stand-in, which hands over the image that it is given."""

    def stand_in(weights, images):
        return images.reshape(len(images), -1), weights["fc.kernel"] * images[:, :1, 0, 0]

    monkeypatch.setattr(gf.networks, "inception", stand_in)
    monkeypatch.setattr(gf.networks, "inception_shapes", lambda: {"fc.kernel": (1, 4)})
    monkeypatch.setattr(gf.networks, "INCEPTION_SIZE", 9)
    path = tmp_path / "weights.npz"
    np.savez(path, **{"fc.kernel": np.arange(4, dtype=np.float32)[None]})
    return path


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_prepared_as_published(small, channels):
    images = np.random.default_rng(0).uniform(-1.2, 1.2, size=(3, 4, 4, channels))
    features = load_inception(small, batch_size=2)
    outputs = features(images)
    pixels = np.floor((np.clip(images, -1, 1) + 1) * 127.5 + 0.5)
    prepared = (resize_tf1(np.repeat(pixels, 3 // channels, axis=-1), 9) - 128) / 128
    np.testing.assert_allclose(outputs.features, prepared.reshape(3, -1), atol=1e-6)
    logits = prepared[:, :1, 0, 0] * np.arange(4)
    np.testing.assert_allclose(outputs.probabilities, jax.nn.softmax(logits), atol=1e-6)
    assert (features.kind, len(features.hash)) == ("inception", 64)


@pytest.mark.slow
def test_wrong_files_are_named(tmp_path):
    page = tmp_path / "page.npz"
    page.write_text("<html>")
    with pytest.raises(
        ValueError, match=r"must be an .npz file of Inception's weights, got .*page"
    ):
        load_inception(page)
    np.savez(page, other=np.zeros(2))
    with pytest.raises(ValueError, match=r"189 are missing \(Conv2d_1a_3x3.kernel, .* \(other\)"):
        load_inception(page)
    with pytest.raises(FileNotFoundError):
        load_inception(tmp_path / "none.npz")


def test_random_damage_is_refused_or_harmless(small):
    data = small.read_bytes()
    known = load_inception(small).hash
    refused = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        damaged = bytearray(data)
        for place in rng.integers(len(data), size=2):
            damaged[place] = rng.integers(256)
        small.write_bytes(damaged[: len(data) if seed % 3 else rng.integers(len(data))])
        try:
            assert load_inception(small).hash == known
        except ValueError as error:
            refused.append(str(error))
    assert len(refused) > 75
    assert [message for message in refused if str(small) not in message] == []


@pytest.mark.parametrize(
    "array", [np.array([["a"] * 4]), np.zeros((1, 4), complex), np.eye(1, 4) > 0]
)
def test_weights_are_floats(small, array):
    np.savez(small, **{"fc.kernel": array})
    with pytest.raises(ValueError, match=r"fc.kernel in .* must be floats, got"):
        load_inception(small)


PICKLED = pickle.dumps({"fc.weight": 3})


@pytest.mark.parametrize(
    ("data", "description"),
    [
        (b"<html><title>404</title></html>", 'an HTML page, b"<html><title>404'),
        (b"", "an empty file"),
        (b"PK\3\4 and not much more", "a zip archive, which PyTorch refuses"),
        (PICKLED, "bytes that start with 80 04"),
    ],
)
def test_converter_refuses_what_pytorch_refuses(capsys, tmp_path, data, description):
    pytest.importorskip("torch")
    source, output = tmp_path / "weights.pth", tmp_path / "out.npz"
    source.write_bytes(data)
    output.write_bytes(b"as before")
    assert main([str(source), str(output)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        f"error: {source}: expected a state_dict of Inception that PyTorch saved"
    )
    assert description in said
    assert output.read_bytes() == b"as before"


def test_converter_leaves_what_is_there_until_all_is_written(monkeypatch, capsys, tmp_path):
    class Tensor:
        def numpy(self):
            return np.zeros(1)

    module = "ganfield.evaluation.convert_inception"
    torch = types.SimpleNamespace(load=lambda *_, **__: {"a": Tensor()})
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(f"{module}.convert", lambda state: dict(state))
    source, output = tmp_path / "weights.pth", tmp_path / "out.npz"
    source.write_bytes(b"weights")
    assert main([str(source), str(output)]) == 0
    assert "wrote" in capsys.readouterr().out
    before = output.read_bytes()

    def full(file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert main([str(source), str(output)]) == 1
    assert "No space left" in capsys.readouterr().err
    assert output.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.npz", "weights.pth"]


@pytest.mark.slow
def test_converter_refuses_another_network(state, capsys, tmp_path):
    with pytest.raises(
        ValueError, match=r"must have 'Mixed_7c.branch_pool.bn.bias': this is anoth"
    ):
        convert({k: v for k, v in state.items() if k != "Mixed_7c.branch_pool.bn.bias"})
    with pytest.raises(
        ValueError, match=r"fc.kernel in .* must have the shape \(2048, 1008\), got"
    ):
        convert({**state, "fc.weight": np.zeros((1000, 2048))})
    with pytest.raises(ValueError, match=r"Mixed_5b.branch1x1.bias .* must be finite"):
        convert({**state, "Mixed_5b.branch1x1.bn.bias": np.full(64, np.nan)})
    assert main([str(tmp_path / "none.pth"), str(tmp_path / "out.npz")]) == 1
    assert "error: " in capsys.readouterr().err
