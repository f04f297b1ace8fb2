"""From the PyTorch copy of Inception's weights to a file of ganfield's.

Usage: python -m ganfield.evaluation.convert_inception pt_inception-2015-12-05-6726825d.pth OUT.npz

The first file is the one that PyTorch's FID programs use. It needs PyTorch to be read.
"""

import argparse
import hashlib
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ganfield._files import replacing
from ganfield._hashes import hash_of
from ganfield.data._files import describe, read_whole, wrong
from ganfield.evaluation._inception import check_weights
from ganfield.networks import inception_shapes

_EPSILON = 1e-3  # TensorFlow's batch norm of this network.
_KNOWN = "6726825d"  # PyTorch names files by the beginning of their SHA-256.


def convert(state: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the weights of ``ganfield.networks.inception`` from those of a PyTorch module.

    Batch norm with fixed statistics is a scale and a shift: they go into kernel and bias. The bias
    of the last layer is left out, as the published inception score does.

    Args:
        state: the module's ``state_dict()``, as arrays: ``Conv2d_1a_3x3.conv.weight``,
            ``Conv2d_1a_3x3.bn.weight``, ``.bias``, ``.running_mean``, ``.running_var``, … ,
            ``fc.weight``.

    Returns:
        Name → float32 array.

    Raises:
        ValueError: a weight is missing, or has another shape.
    """
    weights = {}
    shapes = inception_shapes()
    for name in shapes:
        layer, _, part = name.rpartition(".")
        if layer == "fc":
            weights[name] = _get(state, "fc.weight").T.astype(np.float32)
        elif part == "kernel":
            mean, variance = (_get(state, f"{layer}.bn.running_{x}") for x in ("mean", "var"))
            scale = _get(state, f"{layer}.bn.weight") / np.sqrt(variance + _EPSILON)
            kernel = _get(state, f"{layer}.conv.weight").transpose(2, 3, 1, 0)
            weights[name] = (kernel * scale).astype(np.float32)
            bias = _get(state, f"{layer}.bn.bias") - mean * scale
            weights[f"{layer}.bias"] = bias.astype(np.float32)
    check_weights(weights, shapes, source="the given state")
    return weights


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert a file, and print the hash that scores will name."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=Path, help="the .pth file")
    parser.add_argument("output", type=Path, help="the .npz file to write")
    options = parser.parse_args(arguments)
    try:
        import torch
    except ImportError:
        print("error: the .pth file can only be read with PyTorch installed", file=sys.stderr)
        return 1
    try:
        data = read_whole(options.source)
        weights: dict[str, Any] = convert(_state(torch, data, options.source))
        with replacing(options.output) as partial, partial.open("wb") as file:
            np.savez(file, **weights)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    digest = hashlib.sha256(data).hexdigest()
    if not digest.startswith(_KNOWN):
        print(f"note: sha256 of {options.source} is {digest[:8]}…, not {_KNOWN}… as published")
    print(f"wrote {options.output}; scores will name sha256 {hash_of(weights)[:12]}")
    return 0


def _state(torch: Any, data: bytes, source: Path) -> dict[str, np.ndarray]:
    """Return name → array of a file that PyTorch wrote."""
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in state.items()}
    except Exception as error:  # PyTorch raises anything for what is damaged or something else
        expected = "a state_dict of Inception that PyTorch saved"
        found = f"{describe(data)}, which PyTorch refuses ({type(error).__name__})"
        raise wrong(source, found=found, expected=expected) from error


def _get(state: Mapping[str, Any], name: str) -> np.ndarray:
    if name not in state:
        raise ValueError(f"the PyTorch weights must have {name!r}: this is another network")
    return np.asarray(state[name], np.float64)


if __name__ == "__main__":
    sys.exit(main())
