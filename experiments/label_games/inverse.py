"""BiGAN: what its equilibria are for linear maps of Gaussians, and how it inverts on digits.

Expected: deterministic maps have a continuum of equilibria, across which plain steps turn and
consensus attracts; noisy ones have the posterior as encoder. On digits G(E(x)) shows the digit x
more often than not, though no loss compares them.

    python experiments/label_games/inverse.py
    python experiments/label_games/inverse.py --quick
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import digit_games
import ganfield as gf
import stopping
from ganfield.cli import script
from ganfield.data import to_float

SHOWN = 12


@dataclass(frozen=True)
class Config:
    """Compare BiGAN with what is known of it, and train it on digits."""

    num_steps: int = 2000
    """Steps on digits."""
    seed: int = 0
    """Of everything that is random."""
    quick: bool = False
    """See quickly that everything works: small perceptrons, 20 steps."""
    output: Path = Path("results/label_games")
    """Folder for inverse.json and the figure."""


def chosen(config: Config) -> Config:
    """Return the options, checked, as --quick changes them."""
    gf.checks.check_count(config.num_steps, argument="num_steps")
    gf.checks.check_seed(config.seed, argument="seed")
    return replace(config, num_steps=20) if config.quick else config


def _network(
    shape: tuple[int, ...], apply: Callable[[Any, jax.Array], jax.Array], inputs: int
) -> gf.networks.Network:
    return gf.networks.Network(lambda key: jax.random.normal(key, shape), apply, (inputs,))


def linear(inputs: int, outputs: int) -> gf.networks.Network:
    """Return x ↦ Wx."""
    return _network((outputs, inputs), lambda w, x: x @ w.T, inputs)


def squares(inputs: int) -> gf.networks.Network:
    """Return x ↦ Σ φᵢⱼ xᵢxⱼ over i ≤ j."""
    rows, columns = np.triu_indices(inputs)
    return _network((len(rows),), lambda w, x: (x[:, rows] * x[:, columns]) @ w, inputs)


def signs(count: int) -> np.ndarray:
    """Return all rows of ±1, in which squares cannot tell that these are no Gaussians."""
    return np.array([*itertools.product((-1.0, 1.0), repeat=count)])


def continua(most: int = 2) -> list[dict[str, Any]]:
    """Return the spectra of deterministic maps at equilibria with D = 0, for 1 number and for 2."""
    rows = []
    for factor in (np.array([[1.5]]), np.array([[1.0, 0.0], [0.4, 0.7]]))[:most]:
        size = len(factor)
        maps = linear(size, size)
        game = gf.games.bigan(maps, maps, squares(2 * size), "wasserstein")
        points: Any = signs(size)  # NumPy's, in float64, which `classify` computes in
        batch = gf.Batch(points @ factor.T, points)
        theta = {"generator": factor, "encoder": np.linalg.inv(factor)}
        place = gf.Players(theta, np.zeros(size * (2 * size + 1)))
        v = gf.vector_field(game)
        for name, field in (("v", v), ("consensus, γ = 0.1", gf.consensus(v, gamma=0.1))):
            told = gf.classify(field, place, original=v, batch=batch)
            across = told.eigenvalues[np.argsort(np.abs(told.eigenvalues))[told.dimension :]]
            rows.append(
                {
                    "numbers": size,
                    "field": name,
                    "parameters": told.eigenvalues.size,
                    "expected": size**2,
                    "dimension": told.dimension,
                    "kind": told.kind,
                    "largest_real": float(across.real.max()),
                    "frequencies": sorted({round(abs(float(each)), 4) for each in across.imag}),
                }
            )
    return rows


def posterior(num_steps: int = 3000, variance: float = 2.25) -> dict[str, dict[str, float]]:
    """Return what an encoder with noise learns, and the posterior of the generator beside it."""
    points = signs(4)  # x, z, and a number of noise for either map
    game = gf.games.bigan(linear(2, 1), linear(2, 1), squares(2), "wasserstein", noise_size=1)
    start = gf.Players(
        {"generator": jnp.array([[0.9, 1.0]]), "encoder": jnp.array([[0.5, 0.8]])}, jnp.zeros(3)
    )
    batch = gf.Batch(jnp.asarray(variance**0.5 * points[:, :1]), jnp.asarray(points[:, 1:]))
    field = gf.consensus(gf.vector_field(game), gamma=0.3)
    run = gf.simulate(
        gf.simultaneous(optax.sgd(0.05)),
        field,
        start,
        num_steps=num_steps,
        key=jax.random.key(0),
        sample=lambda key: batch,
    )
    ((slope, spread),) = np.asarray(run.params.theta["generator"], float)
    ((mean, std),) = np.asarray(run.params.theta["encoder"], float)
    marginal = slope**2 + spread**2
    return {
        "variance of x": {"expected": variance, "measured": marginal},
        "mean of z, per x": {"expected": slope / marginal, "measured": mean},
        "variance of z": {"expected": 1 - slope**2 / marginal, "measured": std**2},
    }


def on_digits(config: Config) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return rows of test digits and reconstructions, and how near these are."""
    changes = {"num_steps": config.num_steps, "seed": config.seed}
    settings = digit_games.preset("bigan", config.quick, changes)
    built = gf.configuration.build(settings)
    run = digit_games.train(built)
    theta, encoder = run.params.theta, built.encoder
    assert encoder is not None
    reference = built.inputs(jax.random.key(1), settings.reference_size)
    images = gf.data.digits(size=built.shape[0]).sample(jax.random.key(2), len(reference))
    test = gf.data.digits("test", size=built.shape[0])
    real = jnp.asarray(to_float(test.pixels))

    @jax.jit
    def invert(theta: Any) -> tuple[jax.Array, jax.Array]:
        codes = encoder.evaluate(theta, real, images)
        return codes, built.generator.evaluate(theta, codes, reference)

    codes, again = map(np.asarray, invert(theta))
    made = np.asarray(built.generator.evaluate(theta, reference[:SHOWN], reference))
    labels = np.asarray(test.labels)

    def apart(others: np.ndarray) -> float:
        return float(np.sqrt(np.mean((np.asarray(real) - others) ** 2)))

    # What a digit is told by: the nearest mean of the real ones of each class.
    train = gf.data.digits(size=built.shape[0])
    flat = to_float(np.asarray(train.pixels)).reshape(len(train), -1)
    means = np.stack([flat[np.asarray(train.labels) == digit].mean(axis=0) for digit in range(10)])
    seen = np.linalg.norm(again.reshape(len(again), 1, -1) - means, axis=2).argmin(axis=1)
    rows = {"x": real[:SHOWN], "G(E(x))": again[:SHOWN], "G(z)": made}
    return {name: np.asarray(each) for name, each in rows.items()}, {
        "distance": apart(again),
        "distance_shuffled": apart(np.roll(again, 1, axis=0)),
        "same_digit": float(np.mean(seen == labels)),
        "code_std": float(codes.std()),
        "stopped_at": int(run.stopped_at),
    }


def measure(config: Config) -> dict[str, Any]:
    """Run the experiment."""
    config = chosen(config)
    experiment = gf.reporting.Experiment(config)
    print("linear maps of Gaussians …", flush=True)
    lines, encoder = continua(1 if config.quick else 2), posterior()
    print("digits …", flush=True)
    rows, near = on_digits(config)
    with gf.plot.style():
        figure = gf.plot.figure(5.2, 1.6)
        digit_games.show_rows(figure.subplots(), rows)
        gf.plot.save(figure, experiment.folder / "inverse.png")
    results = {"continua": lines, "posterior": encoder, "digits": near}
    experiment.save("inverse.json", **results)
    head = ("x and z of", "field", "continuum, expected", "told", "across it", "largest Re λ")
    table = [
        (
            f"{row['numbers']}",
            row["field"],
            f"{row['expected']} of {row['parameters']}",
            f"{row['dimension']}",
            row["kind"],
            f"{row['largest_real']:.3g}",
        )
        for row in lines
    ]
    told = [(name, *(f"{value:.5f}" for value in row.values())) for name, row in encoder.items()]
    digit_games.finish(
        experiment,
        "inverse",
        gf.reporting.table(head, table, markdown=True),
        gf.reporting.table(("encoder with noise", "expected", "measured"), told, markdown=True),
        f"digits: {near['same_digit']:.0%} of reconstructions are the digit that they are of; "
        f"distance {near['distance']:.3f}, to those of other digits "
        f"{near['distance_shuffled']:.3f}",
    )
    return results


def main(config: Config) -> None:
    """Run the experiment."""
    stopping.compile_quickly(config.quick)
    measure(config)


if __name__ == "__main__":
    script(main, Config)
