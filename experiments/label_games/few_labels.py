"""How far do few labels go? The semi-supervised game beside the same classifier alone.

Expected: with ten labels of each digit or fewer, feature matching on the images without labels adds
some per cent of accuracy; with all labels it adds nothing.

    python experiments/label_games/few_labels.py
    python experiments/label_games/few_labels.py --quick
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import digit_games
import ganfield as gf
import stopping
from ganfield.cli import script
from ganfield.data import to_float

LOSSES = ("feature_matching", "adversarial")
ALONE = "labels alone"
# As in the paper, D sees noise, Adam moves, and the classes weigh twice what real and fake do.
# Without all that the game came out worse than the labels alone; see README.md.
SETTINGS: dict[str, Any] = {
    "data.size": 8,
    "game.instance_noise": 0.5,
    "game.options.class_weight": 2.0,
    "method.optimizer": "adam",
    "method.optimizer_options": {"b1": 0.5},
}
# Perceptrons, which tell digits apart as well as convolutions do here, in a tenth of the time.
NETWORKS: dict[str, Any] = {
    f"{player}.{name}": value
    for player in ("generator", "discriminator")
    for name, value in {
        "architecture": "mlp",
        "width": 256,
        "num_layers": 1,
        "batch_norm": False,
    }.items()
}


@dataclass(frozen=True)
class Config:
    """Train the semi-supervised game with several numbers of labels, and the classifier alone."""

    num_steps: int = 1500
    """Steps of each run."""
    labels_per_class: tuple[int, ...] = (1, 3, 10, 30)
    """How many images of each digit keep their label."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run for each: of labels, starts and batches."""
    quick: bool = False
    """See quickly that everything works: small perceptrons, 200 steps, 10 labels, one seed,
    feature matching alone."""
    output: Path = Path("results/label_games")
    """Folder for few_labels.json and the figure."""


def chosen(config: Config) -> Config:
    """Return the options, checked, as --quick changes them."""
    gf.checks.check_count(config.num_steps, argument="num_steps")
    gf.reporting.check_seeds(config.seeds)
    gf.reporting.check_distinct(config.labels_per_class, argument="labels_per_class")
    for count in config.labels_per_class:
        gf.checks.check_count(count, argument="labels_per_class")
    if not config.quick:
        return config
    return replace(config, num_steps=200, labels_per_class=(10,), seeds=(0,))


def settings(config: Config, loss: str) -> gf.configuration.Config:
    """Return what is trained with one of the generator's losses."""
    changes = {"num_steps": config.num_steps, "game.options.generator_loss": loss}
    changes |= SETTINGS | ({"method.learning_rate": 3e-3} if config.quick else NETWORKS)
    return digit_games.preset("semi_supervised_gan", config.quick, changes)


def sets(config: Config, count: int, size: int) -> list[gf.data.FewLabels]:
    """Return a set of as few labels for each seed."""
    images = gf.data.digits(size=size)
    share = settings(config, LOSSES[0]).data.labelled_share
    return [gf.data.few_labels(images, count, share=share, seed=seed) for seed in config.seeds]


def accuracies(config: Config, loss: str, data: Sequence[gf.data.FewLabels]) -> list[float]:
    """Return the shares of test digits that D has right at the end, for each seed."""
    built = gf.configuration.build(settings(config, loss), data[0])
    method, field = built.method, built.field

    @jax.jit
    def run(sample: Callable[[jax.Array], gf.Batch], seed: jax.Array) -> Any:
        keys = gf.configuration.keys_of(seed)
        start = built.game.init(keys.init)
        return gf.simulate(
            method, field, start, num_steps=config.num_steps, key=keys.batches, sample=sample
        ).params.phi

    runs = zip(data, config.seeds, strict=True)
    ends = [run(built._replace(data=each).sampler(), jnp.uint32(seed)) for each, seed in runs]
    return [right(built.discriminator, phi, built.shape[0]) for phi in ends]


def accuracies_alone(config: Config, data: Sequence[gf.data.FewLabels]) -> list[float]:
    """Return the same of the classifier that is trained on the images with labels alone.

    It sees as many labels in a step as the game does, under the same noise, moves by the same
    optimizer, and has as many steps.
    """
    built = gf.configuration.build(settings(config, LOSSES[0]), data[0])
    size = round(built.config.batch_size * data[0].share)
    classify, noise = built.discriminator.apply, built.config.game.instance_noise

    def loss(theta: Any, phi: Any, batch: gf.Batch) -> jax.Array:
        del theta
        drawn = jax.vmap(lambda key: jax.random.normal(key, batch.real.shape[1:]))(batch.key)
        surprise = jax.nn.log_softmax(classify(phi, batch.real + noise * drawn))
        return -jnp.mean(jnp.take_along_axis(surprise, jnp.asarray(batch.label)[:, None], axis=1))

    @jax.jit
    def run(sample: Callable[[jax.Array], gf.Batch], seed: jax.Array) -> Any:
        keys = gf.configuration.keys_of(seed)
        start = built.game.init(keys.init)._replace(theta=jnp.zeros(()))
        game = gf.games.general_sum(lambda theta, phi, batch: theta**2, loss, lambda key: start)
        return gf.simulate(
            built.method,
            gf.vector_field(game),
            start,
            num_steps=config.num_steps,
            key=keys.batches,
            sample=sample,
        ).params.phi

    ends = [
        run(
            gf.data.batch_sampler(
                each.labelled, batch_size=size, latent_size=1, labels=True, keys=True
            ),
            jnp.uint32(seed),
        )
        for each, seed in zip(data, config.seeds, strict=True)
    ]
    return [right(built.discriminator, phi, built.shape[0]) for phi in ends]


def right(classifier: gf.networks.Network, phi: Any, size: int) -> float:
    """Return the share of test digits that a classifier has right."""
    test = gf.data.digits("test", size=size)
    logits = classifier.apply(phi, jnp.asarray(to_float(test.pixels)))
    return float(np.mean(np.asarray(logits).argmax(axis=1) == test.labels))


def draw(rows: Mapping[str, Mapping[int, Sequence[float]]], path: Path) -> None:
    """Draw accuracy against the number of labels, a line for each way, a point for each seed."""
    with gf.plot.style():
        figure = gf.plot.figure(4.2, 3.0)
        ax = figure.subplots()
        for number, (name, of_counts) in enumerate(rows.items()):
            counts = [*of_counts]
            ax.plot(counts, [np.mean(of_counts[c]) for c in counts], color=f"C{number}", label=name)
            for count, values in of_counts.items():
                ax.plot([count] * len(values), values, "o", ms=3, color=f"C{number}")
        ax.set(xscale="log", xlabel="labels of each digit", ylabel="test digits right")
        ax.set_xticks(counts, [str(count) for count in counts], minor=False)
        ax.minorticks_off()
        ax.legend(frameon=False)
        gf.plot.save(figure, path)


def measure(config: Config) -> dict[str, dict[int, list[float]]]:
    """Run the experiment."""
    config = chosen(config)
    experiment = gf.reporting.Experiment(config)
    size = settings(config, LOSSES[0]).data.size or 8
    losses = LOSSES[:1] if config.quick else LOSSES
    rows: dict[str, dict[int, list[float]]] = {name: {} for name in (*losses, ALONE)}
    for count in config.labels_per_class:
        print(f"{count} labels of each digit …", flush=True)
        data = sets(config, count, size)
        for loss in losses:
            rows[loss][count] = accuracies(config, loss, data)
        rows[ALONE][count] = accuracies_alone(config, data)
    draw(rows, experiment.folder / "few_labels.png")
    experiment.save("few_labels.json", results=rows)
    head = ("test digits right, by labels of each digit", *map(str, config.labels_per_class))
    cells = [(name, *(f"{np.mean(of[c]):.3f}" for c in of)) for name, of in rows.items()]
    digit_games.finish(experiment, "few_labels", gf.reporting.table(head, cells, markdown=True))
    return rows


def main(config: Config) -> None:
    """Run the experiment."""
    stopping.compile_quickly(config.quick)
    measure(config)


if __name__ == "__main__":
    script(main, Config)
