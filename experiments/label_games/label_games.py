"""Games with labels, codes and pairs on digits, and what becomes of their discriminators.

Expected: conditional and auxiliary-classifier GANs make the digit that they are asked for; InfoGAN,
which sees no label, finds codes of its own, most of them a digit each. The other parts say what is
expected of them: few_labels.py, inverse.py, translation.py, stopping.py, probe.py.

    python experiments/label_games/label_games.py
    python experiments/label_games/label_games.py --quick
    python experiments/label_games/label_games.py --publish
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib import pyplot as plt

import digit_games
import few_labels
import ganfield as gf
import inverse
import probe
import stopping
import translation
from ganfield.cli import script

CLASSES = 10
PRESETS = {
    "conditional": "conditional_gan",
    "auxiliary classifier": "auxiliary_classifier_gan",
    "info": "info_gan",
}
PARTS: tuple[Any, ...] = (few_labels, inverse, translation)
HERE = Path(__file__).parent
TABLES = ("label_games", "few_labels", "inverse", "translation", "stopping", "probe")


@dataclass(frozen=True)
class Config:
    """Train games with labels or codes on digits, ask each for every digit, and do all parts."""

    num_steps: int = 1500
    """Steps of each game."""
    num_samples: int = 100
    """Images of each class that are judged."""
    num_epochs: int = 30
    """Of the classifier that judges them."""
    seed: int = 0
    """Of everything that is random."""
    parts: bool = True
    """Whether the other parts are done too, each as its own script does it."""
    quick: bool = False
    """See quickly that everything works: small perceptrons, 20 steps."""
    output: Path = Path("results/label_games")
    """Folder for what all parts find, and their figures."""
    publish: bool = False
    """Write what was found into figures/ and README.md beside this script, too."""


def chosen(config: Config) -> Config:
    """Return the options, checked, as --quick changes them."""
    for name in ("num_steps", "num_samples", "num_epochs"):
        gf.checks.check_count(getattr(config, name), argument=name)
    gf.checks.check_seed(config.seed, argument="seed")
    if config.publish and (config.quick or not config.parts):
        raise ValueError("publish must go without quick, and with all parts: the README has all")
    return replace(config, num_steps=20, num_samples=8, num_epochs=1) if config.quick else config


def built_of(config: Config, name: str) -> gf.configuration.Built:
    """Return a game of a preset, to be trained."""
    changes = {"num_steps": config.num_steps, "seed": config.seed}
    return gf.configuration.build(digit_games.preset(PRESETS[name], config.quick, changes))


def ask(built: gf.configuration.Built, params: Any, config: Config) -> np.ndarray:
    """Return images of every class, shape ``(classes, num_samples, height, width, 1)``."""
    of_latent, of_reference = jax.random.split(jax.random.key(config.seed + 1))
    label = jnp.repeat(jnp.arange(CLASSES), config.num_samples)
    latent = jax.random.normal(of_latent, (len(label), built.config.latent_size))
    reference = built.inputs(of_reference, built.config.reference_size)
    asked = gf.games.append_one_hot(latent, label, CLASSES)
    images = jax.jit(built.generator.evaluate)(params.theta, asked, reference)
    return np.asarray(images).reshape(CLASSES, config.num_samples, *built.shape)


def judge(images: np.ndarray, features: gf.evaluation.Features) -> dict[str, Any]:
    """Return how often a class shows its own digit, and how well each holds to one digit."""
    digits = features(images.reshape(-1, *images.shape[2:])).probabilities.argmax(axis=1)
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
            side = images.shape[2] + 2
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
    stopping.compile_quickly(config.quick)
    config = chosen(config)
    experiment = gf.reporting.Experiment(config)
    size = built_of(config, "info").shape[0]
    data, test = (gf.data.digits(split, size=size) for split in ("train", "test"))
    options = gf.evaluation.CLASSIFIER_PRESETS["digits"] | {"num_epochs": config.num_epochs}
    if config.quick:
        options |= {"width": 8}
    features = gf.evaluation.train_classifier(data, test, **options).features
    made, results = {}, {}
    for name in PRESETS:
        print(f"{name} …", flush=True)
        experiment.lap()
        built = built_of(config, name)
        run = digit_games.train(built)
        seconds = round(experiment.lap(), 1)
        made[name] = ask(built, run.params, config)
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
    digit_games.finish(experiment, "label_games", gf.reporting.table(head, rows, markdown=True))
    if not config.parts:
        return
    shared: dict[str, Any] = {"quick": config.quick, "output": config.output}
    for part in PARTS:
        part.measure(part.Config(**shared))
    stopping.measure(stopping.Config(**shared), features)
    probe.measure(probe.Config(**shared))
    if config.publish:
        publish(experiment.folder)


def publish(folder: Path, here: Path = HERE) -> None:
    """Put tables into the README, and results and figures into the folder beside it."""
    for name in TABLES:
        text = (folder / f"{name}.md").read_text("utf-8")
        gf.reporting.publish(here / "README.md", f"{name} --publish", text)
        result = "result" if name == "label_games" else name
        for file in (f"{name}.png", f"{result}.json"):
            shutil.copy(folder / file, here / "figures" / file)


if __name__ == "__main__":
    script(main, Config)
