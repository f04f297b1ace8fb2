"""What bfloat16 costs in precision: v, Jᵀv and the consensus field of presets, beside float32's."""

import time
from typing import Any

import jax
import numpy as np

import ganfield as gf

PRESETS = ("cifar10/conopt_0", "cifar10/conopt_1", "cifar10/conopt_2")


def precision(name: str, images: gf.data.Images) -> dict[str, Any]:
    """Compare the two types at a preset's first parameters, on one of its minibatches.

    Args:
        name: a preset whose field is consensus.
        images: what minibatches are drawn from.

    Returns:
        ‖in bfloat16 − in float32‖/‖in float32‖ of "v", of "gradient" Jᵀv and of "consensus"
        v − γJᵀv, the "cosine" of the two Jᵀv, and "seconds".
    """
    began = time.perf_counter()
    config = gf.configuration.preset(name)
    single, half = (fields(config, images, dtype) for dtype in ("float32", "bfloat16"))
    gamma = config.method.gamma
    assert gamma is not None
    single["consensus"], half["consensus"] = (
        each["v"] - gamma * each["gradient"] for each in (single, half)
    )
    norm = np.linalg.norm
    errors = {of: float(norm(half[of] - single[of]) / norm(single[of])) for of in single}
    one, other = half["gradient"], single["gradient"]
    cosine = float(one @ other / (norm(one) * norm(other)))
    return {**errors, "cosine": cosine, "seconds": time.perf_counter() - began}


def fields(
    config: gf.configuration.Config, images: gf.data.Images, dtype: str
) -> dict[str, np.ndarray[Any, Any]]:
    """Return v and Jᵀv as vectors, computed in that type."""
    names = "generator.dtype", "discriminator.dtype"
    built = gf.configuration.build(config.replace(dict.fromkeys(names, dtype)), images)
    sample = gf.data.batch_sampler(
        images, batch_size=config.batch_size, latent_size=config.latent_size
    )
    params = jax.jit(built.game.init)(jax.random.key(0))
    batch = jax.jit(sample)(jax.random.key(1))
    relaxation = gf.conservative_relaxation(built.original)
    both = jax.jit(lambda *at: (built.original(*at), relaxation(*at)))(params, batch)
    v, downhill = (
        np.concatenate([np.ravel(leaf).astype(float) for leaf in jax.tree.leaves(tree)])
        for tree in both
    )
    return {"v": v, "gradient": -downhill}
