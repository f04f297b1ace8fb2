"""A GAN between densities on a line, where the optimal discriminator and its value are known.

Data have the density p, the generator q = N(m, 1) has one parameter, m. The best discriminator is
D* = p/(p + q), with the logit log p/q, and the value of the minimax game at it is
2 JSD(p, q) − log 4. Where p and q lie apart D* is sure, and the generator's minimax gradient
vanishes; at D* the non-saturating one does not.

Expected: at D* that value up to rounding, by quadrature; a trained discriminator comes near where
there are data, and need not elsewhere; the minimax gradient falls as exp(−m²/8).

    python experiments/vector_fields/densities.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import densities_figures
import ganfield as gf
from densities_truth import (
    GENERATOR,
    OBJECTIVES,
    UNSEEN,
    Case,
    jsd,
    judge,
    judge_optimal,
    logit_errors,
)
from ganfield.cli import script
from study_rows import Rows, kept, spread

# The second case that the figure shows: two narrower modes, so that log p/q is no line.
TWO_MODES = ((-2.0, 2.0), 0.7)


@dataclass(frozen=True)
class Config:
    """Compare trained discriminators between 1-D densities with the optimal one."""

    separations: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    """Means m of the generator N(m, 1); the data are N(0, 1)."""
    shown: float = 2.0
    """The separation whose discriminators are drawn; one of them."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One discriminator for each, at each separation."""
    num_steps: int = 3000
    """Steps of Adam of each discriminator."""
    batch_size: int = 256
    """Real and generated points, each, in a minibatch; every step draws a new one."""
    learning_rate: float = 1e-2
    """Of Adam, at the start; it falls to 0 as a cosine."""
    hidden_sizes: tuple[int, ...] = (16, 16)
    """Hidden layers of a discriminator."""
    output: Path = Path("results/vector_fields")
    """Folder for densities.png and densities.json."""


def trained_discriminator(config: Config) -> gf.networks.Network:
    """Return the perceptron that is trained."""
    return gf.networks.mlp(1, 1, hidden_sizes=config.hidden_sizes, activation=jnp.tanh)


def train(config: Config, cases: Case) -> Any:
    """Train a discriminator for every case and seed against a generator that stands still.

    Args:
        config: the settings.
        cases: `Case` of arrays with a leading axis.

    Returns:
        Its parameters, leaves (cases, seeds, ...).
    """
    network = trained_discriminator(config)
    game = gf.games.gan(GENERATOR, network, "js")
    optimizer = optax.adam(optax.cosine_decay_schedule(config.learning_rate, config.num_steps))

    def run(case: Case, key: jax.Array) -> Any:
        data = gf.data.Mixture(case.means[:, None], case.std)
        sample = gf.data.batch_sampler(data, batch_size=config.batch_size, latent_size=1)

        def step(carry: tuple[Any, Any], key: jax.Array) -> tuple[tuple[Any, Any], None]:
            phi, state = carry
            gradient = game.gradients(gf.Players(case.m, phi), sample(key)).phi
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(phi, updates), state), None

        key_start, key_steps = jax.random.split(key)
        start = network.init(key_start)
        keys = jax.random.split(key_steps, config.num_steps)
        (phi, _), _ = jax.lax.scan(step, (start, optimizer.init(start)), keys)
        return phi

    keys = jax.vmap(jax.random.key)(np.asarray(config.seeds, np.uint32))
    return jax.jit(jax.vmap(jax.vmap(run, in_axes=(None, 0)), in_axes=(0, None)))(cases, keys)


class Study(NamedTuple):
    """What was found, in float64.

    Attributes:
        cases: one for each separation, and the one with two modes last.
        phi: the trained discriminators' parameters, leaves (cases, seeds, ...).
        trained: name → numbers, shape (cases, seeds).
        optimal: name → numbers at D*, shape (cases,); "jsd" is SciPy's.
        fine: the same along finely spaced m, for curves, and "m".
    """

    cases: list[Case]
    phi: Any
    trained: dict[str, np.ndarray]
    optimal: dict[str, np.ndarray]
    fine: dict[str, np.ndarray]


def study(config: Config) -> Study:
    """Train the discriminators, and judge them and D*."""
    cases = [Case((0.0, 0.0), 1.0, m) for m in config.separations]
    cases.append(Case(*TWO_MODES, 0.0))
    phi = train(config, stacked(cases))
    network = trained_discriminator(config)
    with jax.enable_x64(True):
        phi = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), phi)

        def numbers(case: Case, phi: Any) -> dict[str, jax.Array]:
            def logit(x: jax.Array) -> jax.Array:
                return network.apply(phi, x[:, None])[:, 0]

            return judge(case, network, phi) | logit_errors(case, logit)

        over_seeds = jax.vmap(numbers, in_axes=(None, 0))
        trained = jax.jit(jax.vmap(over_seeds))(stacked(cases), phi)
        spaced = [Case((0.0, 0.0), 1.0, m) for m in np.linspace(0, max(config.separations), 49)]
        best = jax.jit(jax.vmap(judge_optimal))(stacked(cases + spaced))
        best = jax.tree.map(np.asarray, best)
    optimal = {name: values[: len(cases)] for name, values in best.items()}
    optimal["jsd"] = np.array([jsd(case) for case in cases])
    fine = {name: values[len(cases) :] for name, values in best.items()}
    fine["m"] = np.array([case.m for case in spaced])
    return Study(cases, phi, jax.tree.map(np.asarray, trained), optimal, fine)


def stacked(cases: list[Case]) -> Case:
    """Return one `Case` of arrays with a leading axis."""
    return Case(*(jnp.asarray(np.array(leaves), float) for leaves in zip(*cases, strict=True)))


def rows(config: Config, judged: Study) -> Rows:
    """Return (quantity, expected, measured), with the range over seeds."""
    trained, optimal = judged.trained, judged.optimal
    theory = 2 * optimal["jsd"] - np.log(4)
    # Between N(0, 1) and N(m, 1) the logit's slope is −m, and σ(D) + σ(−D) = 1.
    sums = (optimal["js"] + optimal["standard"])[:-1] - config.separations
    lines = [
        ("|value at D* − (2 JSD − log 4)|", "0", spread(np.abs(optimal["value"] - theory).max())),
        ("|∂minimax| + |∂non-saturating| − m at D*", "0", spread(np.abs(sums).max())),
    ]
    shown = config.separations.index(config.shown)
    dense, sparse = f"p + q ≥ {UNSEEN:g}", f"p + q < {UNSEEN:g}"
    for index, case in ((shown, f"m = {config.shown:g}"), (-1, "two modes")):
        here = {name: values[index] for name, values in trained.items()}
        shortfall = here["value"] - optimal["value"][index]
        lines += [
            (f"{case}: value at a trained D − at D*", "≤ 0, small", spread(shortfall)),
            (f"{case}: rms error of the logit", "small", spread(here["logit_rms"])),
            (f"{case}: largest, {dense}", "small", spread(here["logit_max_seen"])),
            (f"{case}: largest, {sparse}", "any", spread(here["logit_max_unseen"])),
            (f"{case}: largest error of D, {dense}", "small", spread(here["probability_max_seen"])),
        ]
    last = int(np.argmax(config.separations))
    far = config.separations[last]
    limit = f"→ {np.sqrt(np.pi / 2) * np.exp(-(far**2) / 8):.2g}"
    for (name, label), expected in zip(OBJECTIVES.items(), (limit, f"→ {far:g}"), strict=True):
        lines += [
            (f"m = {far:g}: |∂{label}| at D*", expected, spread(optimal[name][last])),
            (f"m = {far:g}: the same at a trained D", "the same", spread(trained[name][last])),
        ]
    for place, numbers in (("D*", optimal), ("a trained D", trained)):
        ratio = numbers["standard"][last] / numbers["js"][last]
        lines.append((f"m = {far:g}: their ratio at {place}", "≫ 1", spread(ratio)))
    return lines


def checked(config: Config) -> Config:
    """Return the configuration; raise a ValueError before any compilation."""
    gf.reporting.check_seeds(config.seeds)
    for argument in ("num_steps", "batch_size"):
        gf.checks.check_count(getattr(config, argument), argument=argument)
    for separation in config.separations:
        gf.checks.check_not_negative(separation, argument="each of separations")
    gf.checks.check_not_negative(config.learning_rate, argument="learning_rate")
    if not config.separations or not max(config.separations):
        raise ValueError(f"one of separations must be > 0, got {config.separations}")
    if config.shown not in config.separations:
        raise ValueError(
            f"shown must be one of separations, {config.separations}, got {config.shown}"
        )
    trained_discriminator(config)
    return config


def main(config: Config) -> None:
    """Run the experiment."""
    config = checked(config)
    experiment = gf.reporting.Experiment(config)
    print("Training discriminators …", flush=True)
    judged = study(config)
    logit, path = trained_discriminator(config).apply, experiment.folder / "densities.png"
    densities_figures.draw(asdict(config), **judged._asdict(), logit=logit, path=path)
    lines = rows(config, judged)
    experiment.save(
        "densities.json",
        table=kept(lines),
        cases=[case._asdict() for case in judged.cases],
        optimal=judged.optimal,
        trained=judged.trained,
    )
    experiment.finish(gf.reporting.table(("densities on a line", "expected", "measured"), lines))


if __name__ == "__main__":
    script(main, Config)
