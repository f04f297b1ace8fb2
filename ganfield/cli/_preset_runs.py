"""Runs of a configuration for `ganfield.sweep`: settings are axes, traced where they can be."""

import dataclasses
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

import ganfield as gf


@dataclasses.dataclass(frozen=True)
class PresetRuns:
    """``build(**point) -> Simulation``, the runs that ``ganfield train`` does of a configuration.

    Args:
        config: what all of them share.
        settings: name of an axis → the setting that it is.
    """

    config: gf.configuration.Config
    settings: Mapping[str, str]

    def __call__(self, **point: Any) -> gf.Simulation:
        """Return the run at a point of the sweep's grid."""
        from ganfield.training._metrics import measuring  # It brings Orbax and Flax.

        values = {self.settings[name]: value for name, value in point.items()}
        seed = values.pop("seed", self.config.seed)
        config = _with(self.config, values)
        built = gf.configuration.build(config, _data(json.dumps(dataclasses.asdict(config.data))))
        keys, sample = gf.configuration.keys_of(seed), built.sampler()
        measure = measuring(built.game, built.original)
        held_out = sample(keys.metrics)
        modes = getattr(built.data, "modes", None)
        latent = built.inputs(keys.samples, config.samples)

        def record(state: gf.State, info: gf.Info) -> dict[str, jax.Array]:
            measured = measure(state.params, held_out)
            if modes is None:
                return measured
            examples = built.generator.apply(state.params.theta, latent)
            coverage = gf.evaluation.mode_coverage(examples, modes, radius=3 * built.data.std)
            kept = {name: getattr(coverage, name) for name in COVERAGE}
            # Floats, which become NaN once a run has stopped.
            return {name: jnp.asarray(value, float) for name, value in {**kept, **measured}.items()}

        return gf.simulation(
            built.method,
            built.field,
            built.game.init(keys.init),
            key=keys.batches,
            sample=sample,
            record=record,
            record_every=min(config.record_every, config.num_steps),
        )


COVERAGE = ("modes_covered", "high_quality", "jsd")


def _with(config: Any, values: Mapping[str, Any]) -> Any:
    """Return a configuration with other values, those that are traced last."""
    traced = {name: x for name, x in values.items() if isinstance(x, jax.core.Tracer)}
    config = config.replace({name: x for name, x in values.items() if name not in traced})
    for name, value in traced.items():
        config = _replaced(config, name.split("."), value)
    return config


def _replaced(settings: Any, path: list[str], value: Any) -> Any:
    """Return settings with a traced value, whose kind there is no text to check for."""
    head, *rest = path
    if isinstance(settings, Mapping):
        return {**settings, ".".join(path): value}
    after = _replaced(getattr(settings, head), rest, value) if rest else value
    return dataclasses.replace(settings, **{head: after})


@lru_cache(maxsize=4)
def _data(settings: str) -> Any:
    """Return a data set, which every trace of a run asks for."""
    return gf.configuration.load_data(gf.configuration.DataConfig(**json.loads(settings)))
