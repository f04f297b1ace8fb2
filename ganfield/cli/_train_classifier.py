"""``ganfield train-classifier``: the network that scores of small images are taken with."""

import dataclasses
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax

import ganfield as gf
from ganfield.cli._help import options, shown
from ganfield.cli._options import File, Given, Json, Name
from ganfield.cli._show import tell, working


class Trained(NamedTuple):
    """A classifier, the seconds that it took, and its file."""

    classifier: gf.evaluation.Classifier
    seconds: float
    path: Path


@options
class TrainClassifier:
    """Train a small classifier of images, for the scores of generators of such images.

    The file holds the network's parameters, its accuracy in test and the hash that every score
    taken with it names. Digits take seconds, CIFAR-10 some minutes on two cores.

    Try:
      ganfield train-classifier --output digits.npz
      ganfield train-classifier --data cifar-10-batches-bin --output cifar10.npz
      ganfield train-classifier --data DIR --name fashion_mnist --output fashion_mnist.npz
    """

    output: File[Path]
    """Write the classifier to this .npz file."""
    data: Annotated[str, shown("digits|DIR")] = "digits"
    """What to learn: digits (they need no download), or the folder of CIFAR-10, MNIST or
    Fashion-MNIST."""
    name: Name[str | None] = None
    """Which set it is: digits, cifar10, mnist or fashion_mnist. The last two need it: their files
    have the same names. (default: digits or CIFAR-10, as the files of --data say)"""
    size: Given[int] = None
    """Height and width that digits are brought to, as the generator makes them.
    (default: 16, as in the presets of digits)"""
    epochs: Given[int] = None
    """How many times over the images. (default: the data set's own)"""
    width: Given[int] = None
    """Maps of the first convolution. (default: the data set's own)"""
    seed: int = 0
    """Of everything that is random."""
    flip: Given[bool] = None
    """Mirror half of the images, drawn anew each time. (default: for CIFAR-10 alone)"""
    json: Json = False

    def run(self) -> int:
        """Train, write the file, and print what is in it."""
        # Commands run in float64; networks are trained in float32.
        with jax.enable_x64(False):
            trained = self.find()
        gf.evaluation.save_classifier(trained.path, trained.classifier)
        tell(self, trained)
        return 0

    def find(self) -> Trained:
        """Return the classifier that was trained."""
        if self.output.suffix != ".npz":
            raise ValueError(f"--output must end in .npz, got {str(self.output)!r}")
        folder = gf.reporting.check_folder(self.output.parent, argument="the folder of --output")
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

            classifier = gf.evaluation.train_classifier(
                train, test, seed=self.seed, on_epoch=show, **settings
            )
        return Trained(classifier, time.perf_counter() - start, folder / self.output.name)

    def record(self, trained: Trained) -> dict[str, Any]:
        """Return what was trained for JSON."""
        metadata = trained.classifier.metadata
        return {**metadata, "seconds": trained.seconds, "output": trained.path}

    def say(self, trained: Trained) -> None:
        """Print how good it is, and where."""
        meta = trained.classifier.metadata
        print(
            f"{meta['dataset']}: {100 * meta['test_accuracy']:.2f} % of {meta['num_test']} test "
            f"images right, after {meta['num_epochs']} epochs of {meta['num_train']}, "
            f"{trained.seconds:.0f} s\nsha256 {meta['hash']}\nwrote {trained.path}"
        )

    def _images(self) -> tuple[gf.data.Images, gf.data.Images, str]:
        name = _name(self.data, self.name)
        folder = None if name == self.data == "digits" else self.data
        size = self.size
        if name == "digits" and size is None:
            size = gf.configuration.preset("digits/dcgan").data.size
        sets: list[Any] = [
            gf.configuration.load_data(
                gf.configuration.DataConfig(name=name, folder=folder, split=split, size=size)
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
