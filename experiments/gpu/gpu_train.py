"""One training run in a process of its own, or the classifier that scores are taken with."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import jax

import ganfield as gf
import images
from gpu_peers import Prepared, Task, serve

MATRIX_PRODUCTS = {"float32": "highest", "tf32": "tensorfloat32", "bfloat16": "tensorfloat32"}
"""Precision → JAX's name; in bfloat16 the networks have that type, and this is for the rest."""


def prepare(task: Task) -> Prepared:
    """Do a task; there is nothing to measure afterwards."""
    return (lambda: 0.0), (train(task) if "goal" in task else train_classifier(task))


def train(task: Task) -> dict[str, Any]:
    """Train a run to a step, or until the deadline, and return what became of it.

    Args:
        task: "preset", "changes" of its configuration, "folder" of the run, "data" (the folder of
            CIFAR-10, or None), "goal" (a step), "precision", "deadline" (as `time.time` has it),
            "classifier" (a file; without it nothing is scored), "samples" of each score.
    """
    config = configuration(task)
    examples = gf.configuration.load_data(config.data)
    scores = []
    if Path(task["classifier"]).exists():
        classifier = gf.evaluation.load_classifier(task["classifier"])
        most = min(len(examples), images.NUM_REAL)
        scores.append(
            gf.evaluation.evaluator(
                classifier.features, examples, num_samples=task["samples"], num_real=most
            )
        )
    told, parent = False, os.getppid()

    def watch(progress: gf.training.Progress) -> None:
        nonlocal told
        if is_over(task["deadline"], parent) and not told:
            told = True
            signal.raise_signal(signal.SIGTERM)  # finishes the steps at hand, and saves

    with jax.default_matmul_precision(MATRIX_PRODUCTS[task["precision"]]):
        try:
            result = gf.training.train(
                config, task["folder"], data=examples, evaluate=scores, progress=watch
            )
        except gf.training.TrainingInterrupted as interrupted:
            result = interrupted.result
    return {
        "outcome": "out of time" if result.outcome == "interrupted" else result.outcome,
        "step": result.step,
        "seconds": result.seconds,
        "compile_seconds": result.compile_seconds,
        "stopped_at": result.stopped_at,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(result.params)),
    }


def is_over(deadline: float, parent: int) -> bool:
    """Return whether the time is over, or who started this process is no more."""
    return time.time() >= deadline or os.getppid() != parent


def configuration(task: Task) -> gf.configuration.Config:
    """Return the preset with its changes, the folder of its images and its type."""
    changes = {**task["changes"], "num_steps": task["goal"]}
    if task["data"] is not None:
        changes |= {"data.folder": task["data"]}
    if task["precision"] == "bfloat16":
        changes |= dict.fromkeys(("generator.dtype", "discriminator.dtype"), "bfloat16")
    return gf.configuration.preset(task["preset"]).replace(changes)


def train_classifier(task: Task) -> dict[str, Any]:
    """Train the classifier of the other experiment on images, in float32, into a file.

    Args:
        task: "preset", whose images it is for, "data", "folder" (gets classifier.npz), "quick".
    """
    data = configuration({**task, "changes": {}, "goal": 0, "precision": "float32"}).data
    file = Path(task["folder"]) / "classifier.npz"
    with jax.default_matmul_precision("highest"):
        made = images.Config(smoke=task["quick"])
        classifier = images.classifier_of(made, data, file.parent)
    if task["quick"]:
        gf.evaluation.save_classifier(file, classifier)
    return {"test_accuracy": classifier.metadata["test_accuracy"]}


if __name__ == "__main__":
    serve(prepare)
