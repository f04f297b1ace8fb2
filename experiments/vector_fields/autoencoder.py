"""A learned field that need not be conservative: denoising autoencoders on two moons.

A denoising autoencoder r is trained to map x + σε back to x. Its field r(x) − x points to the data.
The best r is the posterior mean E[x | x + σε], whose field is σ²∇log p_σ(x), a gradient. A network
with free encoder and decoder need not be one; with tied weights, r(x) = Wᵀ tanh(Wx + b) + c, its
Jacobian is symmetric.

Expected: the tied and the exact field have no rotation; the untied one has some, little where there
are data and more elsewhere, less as training goes on; circulations equal integrals of the curl.

    python experiments/vector_fields/autoencoder.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import autoencoder_figures
import ganfield as gf
from autoencoder_measures import (
    BOUNDS,
    OFF_DATA,
    RADII,
    Zeros,
    at,
    curl_integral,
    field_of,
    jacobians,
    log_density,
    measure,
    posterior_mean,
    relative_error,
    rotation_share,
    zero_rows,
    zeros_of,
)
from ganfield.cli import script
from ganfield.simulate import record_steps
from study_rows import Rows, kept, spread

KINDS = ("untied", "tied")


@dataclass(frozen=True)
class Config:
    """Train denoising autoencoders on two moons, and measure how far they are from gradients."""

    seeds: tuple[int, ...] = (0, 1, 2)
    """One autoencoder of each kind for each; the figure shows the first."""
    num_steps: int = 8000
    """Steps of Adam."""
    num_records: int = 20
    """Points of the curves, about."""
    hidden_size: int = 64
    """Hidden units, of either kind."""
    batch_size: int = 256
    """Noisy points in a minibatch."""
    learning_rate: float = 2e-2
    """Of Adam, at the start; it falls to 0 as a cosine."""
    noise: float = 0.2
    """σ, the standard deviation of what is added to a point, and to be removed."""
    num_points: int = 2000
    """Clean points: the data that all autoencoders see."""
    resolution: int = 60
    """Points along one side of the map."""
    output: Path = Path("results/vector_fields")
    """Folder for autoencoder.png and autoencoder.json."""


class Autoencoder(NamedTuple):
    """The parameters of r(x) = σ · (decoder · tanh(encoder · x/σ + hidden_bias) + output_bias)."""

    encoder: jax.Array
    decoder: jax.Array
    hidden_bias: jax.Array
    output_bias: jax.Array


def autoencoder(key: jax.Array, hidden_size: int) -> Autoencoder:
    """Return random parameters."""
    key_encoder, key_decoder = jax.random.split(key)
    initial = jax.nn.initializers.glorot_uniform()
    return Autoencoder(
        encoder=initial(key_encoder, (hidden_size, 2)),
        decoder=initial(key_decoder, (2, hidden_size)),
        hidden_bias=jnp.zeros(hidden_size),
        output_bias=jnp.zeros(2),
    )


def tie(params: Autoencoder, tied: jax.typing.ArrayLike = True) -> Autoencoder:
    """Return the parameters with the encoder, transposed, as decoder, if ``tied``.

    ``tied`` may be traced, so that one program trains both kinds.
    """
    return params._replace(decoder=jnp.where(tied, params.encoder.T, params.decoder))


def reconstruction(params: Autoencoder, noise: float) -> Callable[[jax.Array], jax.Array]:
    """Return r, a function of one point, shape (2,).

    Lengths are measured in units of σ, which keeps r′ symmetric where weights are tied. Without
    that tied units could not be as steep as the data ask for without being too strong.
    """

    def r(x: jax.Array) -> jax.Array:
        hidden = jnp.tanh(params.encoder @ (x / noise) + params.hidden_bias)
        return noise * (params.decoder @ hidden + params.output_bias)

    return r


def clean_points(config: Config) -> jax.Array:
    """Return the data, shape (num_points, 2): the same for all seeds."""
    sample = jax.jit(gf.data.two_moons().sample, static_argnums=1)
    return sample(jax.random.key(0), config.num_points)


def noisy(key: jax.Array, points: jax.Array, noise: float, size: int) -> gf.Players:
    """Return points drawn with replacement, clean and with noise."""
    key_index, key_noise = jax.random.split(key)
    clean = points[jax.random.randint(key_index, (size,), 0, len(points))]
    return gf.Players(clean, clean + noise * jax.random.normal(key_noise, clean.shape))


def recorded(config: Config) -> np.ndarray:
    """Return the steps at which something is recorded, and 0."""
    return record_steps(config.num_steps, -(-config.num_steps // config.num_records))


def train(config: Config, points: jax.Array) -> tuple[Autoencoder, dict[str, jax.Array]]:
    """Train an autoencoder of each kind for each seed, in one program.

    Returns:
        Parameters with leading axes (KINDS, seeds), and records along the way, shape (KINDS, seeds,
        records).
    """
    optimizer = optax.adam(optax.cosine_decay_schedule(config.learning_rate, config.num_steps))

    def run(tied: jax.Array, key: jax.Array) -> tuple[Autoencoder, dict[str, jax.Array]]:
        key_start, key_steps = jax.random.split(key)
        held_out = noisy(jax.random.key(1), points, config.noise, 500).phi
        truth = at(field_of(posterior_mean(points, config.noise)), held_out)

        def loss(params: Autoencoder, clean: jax.Array, corrupted: jax.Array) -> jax.Array:
            output = jax.vmap(reconstruction(tie(params, tied), config.noise))(corrupted)
            return jnp.mean(jnp.sum((output - clean) ** 2, axis=1))

        def step(carry: tuple[Autoencoder, Any], key: jax.Array) -> tuple[tuple[Any, Any], None]:
            params, state = carry
            gradients = jax.grad(loss)(params, *noisy(key, points, config.noise, config.batch_size))
            updates, state = optimizer.update(gradients, state)
            return (optax.apply_updates(params, updates), state), None

        def interval(carry: tuple[Autoencoder, Any], keys: jax.Array) -> tuple[Any, dict[str, Any]]:
            carry, _ = jax.lax.scan(step, carry, keys)
            field = field_of(reconstruction(tie(carry[0], tied), config.noise))
            return carry, {
                "rotation_share": jnp.mean(rotation_share(jacobians(field, held_out))),
                "relative_error": relative_error(at(field, held_out), truth),
            }

        start = autoencoder(key_start, config.hidden_size)
        every = int(recorded(config)[1])
        count, rest = divmod(config.num_steps, every)
        keys = jax.random.split(key_steps, config.num_steps)
        whole, last = keys[: count * every].reshape(count, every), keys[count * every :]
        carry, records = jax.lax.scan(interval, (start, optimizer.init(start)), whole)
        if rest:
            carry, kept = interval(carry, last)
            records = jax.tree.map(lambda many, one: jnp.append(many, one), records, kept)
        return tie(carry[0], tied), records

    keys = jax.vmap(jax.random.key)(np.asarray(config.seeds, np.uint32))
    over_seeds = jax.vmap(run, in_axes=(None, 0))
    tied = jnp.array([kind == "tied" for kind in KINDS])
    return jax.jit(jax.vmap(over_seeds, in_axes=(0, None)))(tied, keys)


class Study(NamedTuple):
    """What was found, in float64.

    Attributes:
        points: the clean data.
        fields: name → field, of the first seed.
        zeros: name → where that field is zero.
        results: name → numbers, with a leading axis of seeds for all but the exact field, which
            also has the smoothed density on the grid, as a share of its largest value.
    """

    points: np.ndarray
    fields: dict[str, gf.Field]
    zeros: dict[str, Zeros]
    results: dict[str, Any]


def study(config: Config) -> Study:
    """Train both kinds, and measure them and the exact field."""
    points = clean_points(config)
    params, records = train(config, points)
    with jax.enable_x64(True):
        wide = jnp.asarray(points, jnp.float64)
        grid = jnp.stack([x.ravel() for x in gf.grid(BOUNDS, config.resolution)], axis=1)

        @jax.jit
        def of_exact(points: jax.Array) -> dict[str, Any]:
            near = noisy(jax.random.key(2), points, config.noise, 2000).phi
            log_p = jax.lax.map(log_density(points, config.noise), grid, batch_size=500)
            density = jnp.exp(log_p - jnp.max(log_p))
            field = field_of(posterior_mean(points, config.noise))
            result = measure(field, near, grid, density < OFF_DATA)
            return result | {"near": near, "truth": at(field, near), "density": density}

        @jax.jit
        @jax.vmap
        @jax.vmap
        def of_learned(params: Autoencoder) -> dict[str, Any]:
            field = field_of(reconstruction(params, config.noise))
            integrals = jax.lax.map(lambda radius: curl_integral(field, radius), jnp.asarray(RADII))
            return measure(field, exact["near"], grid, exact["density"] < OFF_DATA) | {
                "curl_integral": integrals,
                "relative_error": relative_error(at(field, exact["near"]), exact["truth"]),
            }

        exact = of_exact(wide)
        params = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), params)
        numbers = of_learned(params) | {"curves": records}
        fields, results = {}, {}
        for index, kind in enumerate(KINDS):
            results[kind] = jax.tree.map(lambda leaf, at=index: leaf[at], numbers)
            first = jax.tree.map(lambda leaf, at=index: leaf[at, 0], params)
            fields[kind] = field_of(reconstruction(first, config.noise))
        fields["exact"] = field_of(posterior_mean(wide, config.noise))
        results["exact"] = {key: exact[key] for key in exact if key not in ("near", "truth")}
    zeros = {name: zeros_of(field) for name, field in fields.items()}
    return Study(np.asarray(points), fields, zeros, jax.tree.map(np.asarray, results))


def rows(trained: Study) -> Rows:
    """Return (quantity, expected, measured), with the range over seeds."""
    untied, tied, exact = (trained.results[name] for name in (*KINDS, "exact"))
    stokes = np.abs(untied["circulation"] - untied["curl_integral"])
    share = untied["curves"]["rotation_share"]
    return [
        ("share of rotation, exact field", "0", spread(exact["share_near"])),
        ("share of rotation, tied", "0", spread(tied["share_near"])),
        ("share of rotation, untied, near the data", "> 0", spread(untied["share_near"])),
        ("share of rotation, untied, off the data", "more", spread(untied["share_off"])),
        ("the same near the data, largest in training", "more", spread(share.max(axis=1))),
        ("rms curl, untied, near the data", "> 0", spread(untied["curl_near"])),
        ("rms curl, untied, off the data", "more", spread(untied["curl_off"])),
        ("largest |circulation|, exact", "0", spread(np.abs(exact["circulation"]).max())),
        ("largest |circulation|, tied", "0", spread(np.abs(tied["circulation"]).max(axis=1))),
        ("largest |circulation|, untied", "> 0", spread(np.abs(untied["circulation"]).max(axis=1))),
        ("|circulation − ∫ curl|, untied", "0", spread(stokes.max(axis=1))),
        ("relative error near the data, untied", "small", spread(untied["relative_error"])),
        ("relative error near the data, tied", "small", spread(tied["relative_error"])),
        *zero_rows(trained.zeros),
    ]


def checked(config: Config) -> Config:
    """Return the configuration; raise a ValueError before any compilation."""
    gf.reporting.check_seeds(config.seeds)
    for argument in ("num_steps", "num_records", "hidden_size", "batch_size", "num_points"):
        gf.checks.check_count(getattr(config, argument), argument=argument)
    gf.checks.check_count(config.resolution, argument="resolution", minimum=2)
    gf.checks.check_not_negative(config.learning_rate, argument="learning_rate")
    gf.checks.check_not_negative(config.noise, argument="noise")
    if not config.noise:
        raise ValueError("noise must be a number > 0, got 0")
    return config


def main(config: Config) -> None:
    """Run the experiment."""
    config = checked(config)
    experiment = gf.reporting.Experiment(config)
    print("Training autoencoders …", flush=True)
    trained = study(config)
    path = experiment.folder / "autoencoder.png"
    steps = recorded(config)[1:]
    autoencoder_figures.draw(steps, **trained._asdict(), path=path)
    lines = rows(trained)
    results = {
        name: {key: numbers[key] for key in numbers if key not in ("curl_map", "density")}
        for name, numbers in trained.results.items()
    }
    experiment.save(
        "autoencoder.json", table=kept(lines), radii=RADII, steps=steps, results=results
    )
    experiment.finish(gf.reporting.table(("denoising autoencoders", "expected", "measured"), lines))


if __name__ == "__main__":
    script(main, Config)
