"""``ganfield train-classifier``: the network that scores of small images are taken with."""

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
from tyro.conf import arg

import ganfield as gf
from ganfield.cli._options import Json
from ganfield.cli._show import working

_HINT = "(default: the data set's own)"


@dataclass(frozen=True, kw_only=True)
class TrainClassifier:
    """Train a small classifier of images, for the scores of generators of such images.

    The file holds the network's parameters, its accuracy in test and the hash that every score
    taken with it names. Digits take seconds, CIFAR-10 some minutes on two cores.

    Try:
      ganfield train-classifier --data digits --size 16 --output digits.npz
      ganfield train-classifier --data cifar-10-batches-bin --output cifar10.npz
      ganfield train-classifier --data DIR --name fashion_mnist --output fashion_mnist.npz
    """

    output: Annotated[Path, arg(metavar="FILE", help="Write the classifier to this .npz file.")]
    data: Annotated[
        str,
        arg(
            metavar="digits|DIR",
            help="What to learn: digits (they need no download), or the folder of CIFAR-10, MNIST "
            "or Fashion-MNIST.",
        ),
    ] = "digits"
    name: Annotated[
        str | None,
        arg(
            metavar="NAME",
            help="Which set it is: digits, cifar10, mnist or fashion_mnist. The last two need it: "
            "their files have the same names.",
            help_behavior_hint="(default: digits or CIFAR-10, as the files of --data say)",
        ),
    ] = None
    size: Annotated[
        int | None,
        arg(
            metavar="INT",
            help="Height and width that digits are brought to, as the generator makes them.",
            help_behavior_hint="(default: 8)",
        ),
    ] = None
    epochs: Annotated[
        int | None,
        arg(metavar="INT", help="How many times over the images.", help_behavior_hint=_HINT),
    ] = None
    width: Annotated[
        int | None,
        arg(metavar="INT", help="Maps of the first convolution.", help_behavior_hint=_HINT),
    ] = None
    seed: Annotated[int, arg(help="Of everything that is random.")] = 0
    flip: Annotated[
        bool | None,
        arg(
            help="Mirror half of the images, drawn anew each time.",
            help_behavior_hint="(default: for CIFAR-10 alone)",
        ),
    ] = None
    json: Json = False

    def run(self) -> int:
        """Train, write the file, and print what is in it."""
        if self.output.suffix != ".npz":
            raise ValueError(f"--output must end in .npz, got {str(self.output)!r}")
        folder = gf.reporting.check_folder(self.output.parent, argument="the folder of --output")
        # Commands run in float64; networks are trained in float32.
        with jax.enable_x64(False):
            train, test, name = self._images()
            settings = dict(gf.evaluation.CLASSIFIER_PRESETS[name])
            if self.epochs is not None:
                settings["num_epochs"] = self.epochs
            if self.width is not None:
                settings["width"] = self.width
            start = time.perf_counter()
            with working(f"training on {train!r} …") as status:

                def show(epoch: int, loss: float) -> None:
                    status.update(f"epoch {epoch} of {settings['num_epochs']}, loss {loss:.3f}")

                found = gf.evaluation.train_classifier(
                    train, test, seed=self.seed, on_epoch=show, **settings
                )
            seconds = time.perf_counter() - start
        path = folder / self.output.name
        gf.evaluation.save_classifier(path, found)
        meta = found.metadata
        if self.json:
            print(gf.reporting.to_json({**meta, "seconds": seconds, "output": path}))
            return 0
        print(
            f"{meta['dataset']}: {100 * meta['test_accuracy']:.2f} % of {meta['num_test']} test "
            f"images right, after {meta['num_epochs']} epochs of {meta['num_train']}, "
            f"{seconds:.0f} s\nsha256 {meta['hash']}\nwrote {path}"
        )
        return 0

    def _images(self) -> tuple[gf.data.Images, gf.data.Images, str]:
        name = _name(self.data, self.name)
        folder = None if name == self.data == "digits" else self.data
        sets: list[Any] = [
            gf.configuration.load_data(
                gf.configuration.DataConfig(name=name, folder=folder, split=split, size=self.size)
            )
            for split in ("train", "test")
        ]
        flip = name == "cifar10" if self.flip is None else self.flip
        return dataclasses.replace(sets[0], flip=flip), sets[1], name


def _name(data: str, name: str | None) -> str:
    """Return which data set is meant: the one that is named, or digits or CIFAR-10."""
    if name is not None:
        gf.checks.lookup(gf.evaluation.CLASSIFIER_PRESETS, name, argument="--name")
        return name
    path = Path(data)
    if data == "digits" or not path.exists():
        gf.checks.lookup({"digits": None}, data, argument="--data (and no folder)")
        return "digits"
    files = [path.name, *(each.name for each in path.iterdir())] if path.is_dir() else [path.name]
    if any("idx3-ubyte" in file for file in files):
        raise ValueError(
            f"--name must say which set is in {data}, mnist or fashion_mnist: their files have the "
            "same names"
        )
    return "cifar10"
