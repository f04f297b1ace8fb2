"""Hashes: what tells pytrees apart, and that files of today can be read tomorrow."""

import jax.numpy as jnp
import numpy as np

from ganfield._hashes import hash_of

WEIGHTS = {"a": {"kernel": np.ones((2, 3)), "bias": np.zeros(3)}}


def test_hash_says_what_the_weights_are():
    assert hash_of(WEIGHTS) == hash_of({"a": dict(reversed(WEIGHTS["a"].items()))})
    for other in (
        {"a": {"kernel": np.ones((3, 2)), "bias": np.zeros(3)}},
        {"a": {"kernel": np.ones((2, 3), np.float32), "bias": np.zeros(3)}},
        {"b": WEIGHTS["a"]},
        {"a": {"kernel": np.ones((2, 3)), "bias": np.array([0, 0, 1e-9])}},
    ):
        assert hash_of(WEIGHTS) != hash_of(other)


def test_values_are_those_in_files():
    tree = {
        "layers": [np.int8(i) for i in range(11)],  # "10" comes before "2" among names
        "kernel": np.ones((2, 3)).T,
        "none": np.zeros((0, 2), np.float32),
        "half": jnp.ones(2, jnp.bfloat16),
        "number": np.float32(0.5),
    }
    assert hash_of(tree) == "d22b651f65128a3bbc561514204e2b7fb748ed6e70cb4545111eef1d15d98994"
    assert (
        hash_of(tree, named=False)
        == "07d2eb1b0209ba2900dec57c03dfeaf546703de8785e4dc6da71e1d204a209fd"
    )
