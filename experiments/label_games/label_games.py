"""Games with labels on digits: conditional, auxiliary-classifier and InfoGAN.

Expected: the first two make the digit that they are asked for; InfoGAN, which sees no label, finds
codes of its own, most of them a digit each.

    python experiments/label_games/label_games.py
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
from matplotlib import pyplot as plt

import ganfield as gf
from ganfield.cli import script

CLASSES = 10
LATENT_SIZE = 32
SIZE = 16


@dataclass(frozen=True)
class Config:
    """Train three games with labels or codes on digits, and ask each for every digit."""

    num_steps: int = 1500
    """Steps of each game."""
    learning_rate: float = 1e-3
    """Of RMSProp, for both players."""
    batch_size: int = 64
    """Real images, and latent variables, in a minibatch."""
    num_samples: int = 100
    """Images of each class that are judged."""
    num_epochs: int = 30
    """Of the classifier that judges them."""
    seed: int = 0
    """Of everything that is random."""
    output: Path = Path("results/label_games")
    """Folder for result.json and the figure."""


class Played(NamedTuple):
    """A game, and the network of its generator."""

    game: gf.Game
    generator: gf.networks.Network


def games() -> dict[str, Played]:
    """Return the three games, of the same networks but for what goes in and out of them."""
    shape = (SIZE, SIZE, 1)
    options: dict[str, Any] = {"num_layers": 3, "width": 16}
    generator = gf.networks.dcgan_generator(LATENT_SIZE + CLASSES, shape, **options)
    seeing = gf.networks.dcgan_discriminator((SIZE, SIZE, 1 + CLASSES), **options)
    naming = gf.networks.dcgan_discriminator(shape, 1 + CLASSES, **options)
    return {
        "conditional": Played(gf.games.conditional_gan(generator, seeing, CLASSES), generator),
        "auxiliary classifier": Played(
            gf.games.auxiliary_classifier_gan(generator, naming, CLASSES), generator
        ),
        "info": Played(gf.games.info_gan(generator, naming, num_categories=CLASSES), generator),
    }


def train(played: Played, config: Config, sample: Callable[[jax.Array], gf.Batch]) -> gf.Run:
    """Return a run of alternating steps."""
    key_start, key_batches = jax.random.split(jax.random.key(config.seed))
    method = gf.alternating(gf.numerics_rmsprop(config.learning_rate))
    v = gf.vector_field(played.game)

    @jax.jit
    def run(sample: Callable[[jax.Array], gf.Batch]) -> gf.Run:
        start = played.game.init(key_start)
        return gf.simulate(
            method, v, start, num_steps=config.num_steps, key=key_batches, sample=sample
        )

    return jax.block_until_ready(run(sample))


def ask(played: Played, params: Any, config: Config) -> np.ndarray:
    """Return images of every class, shape ``(classes, num_samples, height, width, 1)``."""
    keys = jax.random.split(jax.random.key(config.seed + 1), 3)
    label = jnp.repeat(jnp.arange(CLASSES), config.num_samples)
    latent = jax.random.normal(keys[0], (len(label), LATENT_SIZE))
    others = jax.random.normal(keys[1], (512, LATENT_SIZE))
    drawn = jax.random.randint(keys[2], (512,), 0, CLASSES)
    reference = gf.games.append_one_hot(others, drawn, CLASSES)
    asked = gf.games.append_one_hot(latent, label, CLASSES)
    images = jax.jit(played.generator.evaluate)(params.theta, asked, reference)
    return np.asarray(images).reshape(CLASSES, config.num_samples, SIZE, SIZE, 1)


def judge(images: np.ndarray, features: gf.evaluation.Features) -> dict[str, Any]:
    """Return how often a class shows its own digit, and how well each holds to one digit."""
    digits = features(images.reshape(-1, SIZE, SIZE, 1)).probabilities.argmax(axis=1)
    counts = np.stack([np.bincount(row, minlength=CLASSES) for row in digits.reshape(CLASSES, -1)])
    shares = counts / counts.sum()
    apart = shares.sum(axis=1, keepdims=True) * shares.sum(axis=0, keepdims=True)
    known = shares > 0
    return {
        "own_digit": float(np.trace(shares)),
        "one_digit": float(shares.max(axis=1).sum()),
        "digits": int(np.unique(counts.argmax(axis=1)).size),
        "information": float(np.sum(shares[known] * np.log(shares[known] / apart[known]))),
        "counts": counts.tolist(),
    }


def draw(made: dict[str, np.ndarray], path: Path, columns: int = 8) -> None:
    """Draw a grid for each game: a row for each class, a column for each latent variable."""
    with gf.plot.style():
        figure, axes = plt.subplots(1, len(made), figsize=(2.4 * len(made), 3.1))
        for ax, (name, images) in zip(axes, made.items(), strict=True):
            room = ((0, 0), (0, 0), (1, 1), (1, 1))
            tiles = np.pad(images[:, :columns, ..., 0], room, constant_values=1)
            side = SIZE + 2
            ax.imshow(
                tiles.swapaxes(1, 2).reshape(CLASSES * side, columns * side), cmap="gray", vmin=-1
            )
            ax.set(title=name, xticks=[], yticks=np.arange(CLASSES) * side + side / 2)
            ax.set_yticklabels(range(CLASSES))
            ax.tick_params(length=0)
            ax.spines[:].set_visible(False)
        axes[0].set_ylabel("class, or code, that was asked for")
        gf.plot.save(figure, path)
        plt.close(figure)


def main(config: Config) -> None:
    """Run the experiment."""
    for name in ("num_steps", "batch_size", "num_samples", "num_epochs"):
        gf.checks.check_count(getattr(config, name), argument=name)
    gf.checks.check_seed(config.seed, argument="seed")
    experiment = gf.reporting.Experiment(config)
    data, test = (gf.data.digits(split, size=SIZE) for split in ("train", "test"))
    options = gf.evaluation.CLASSIFIER_PRESETS["digits"] | {"num_epochs": config.num_epochs}
    features = gf.evaluation.train_classifier(data, test, **options).features
    sample = gf.data.batch_sampler(
        data, batch_size=config.batch_size, latent_size=LATENT_SIZE, labels=True, keys=True
    )
    made, results = {}, {}
    for name, played in games().items():
        print(f"{name} …", flush=True)
        experiment.lap()
        run = train(played, config, sample)
        seconds = round(experiment.lap(), 1)
        made[name] = ask(played, run.params, config)
        results[name] = judge(made[name], features)
        results[name] |= {"seconds": seconds, "stopped_at": int(run.stopped_at)}
    draw(made, experiment.folder / "label_games.png")
    experiment.save("result.json", classifier=features.name, results=results)
    rows = [
        (
            name + (f", stopped at step {of['stopped_at']}" if of["stopped_at"] >= 0 else ""),
            "–" if name == "info" else f"{of['own_digit']:.2f}",
            f"{of['one_digit']:.2f}",
            f"{of['digits']} of {CLASSES}",
            f"{of['information']:.2f} of {np.log(CLASSES):.2f}",
            f"{of['seconds']:.0f}",
        )
        for name, of in results.items()
    ]
    head = ("game", "own digit", "one digit", "digits found", "information", "seconds")
    experiment.finish(gf.reporting.table(head, rows))


if __name__ == "__main__":
    script(main, Config)
