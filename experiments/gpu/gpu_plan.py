"""What is measured and trained, in which order, on a GPU and at small scale."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gpu_peers import Task

PEERS = ("ganfield", "PyTorch", "torch.compile")
PRECISIONS = ("tf32", "float32", "bfloat16")
"""In the order in which they are measured."""


@dataclass(frozen=True)
class Scale:
    """How large everything is.

    Attributes:
        matrix: rows of the matrices whose product is measured.
        floats: of the array that is copied.
        steps: of one measurement on the ring.
        runs: of the ring, side by side.
        chunk: rows of the ring's Jacobian at once.
        images: what a row is called → presets that have its step, and steps of a measurement.
        repeats: measurements of each row, after one that warms up.
        presets: training runs, those of one network together.
        milestones: steps to which all runs of a network are brought before any goes further.
        changes: of the training configurations.
        seconds: that one row may take to be prepared.
    """

    matrix: int
    floats: int
    steps: int
    runs: tuple[int, ...]
    chunk: int | None
    images: dict[str, tuple[str, int]]
    repeats: int
    presets: tuple[tuple[str, ...], ...]
    milestones: tuple[int, ...]
    changes: dict[str, Any]
    seconds: float = 150.0


FULL = Scale(
    matrix=8192,
    floats=2**28,
    steps=200,
    runs=(1, 16, 256),
    chunk=512,
    images={
        "DCGAN-4, simultaneous": ("cifar10/simgd_2", 50),
        "DCGAN-4, consensus": ("cifar10/conopt_2", 50),
        "ResNet, simultaneous": ("celeba/simgd", 10),
        "ResNet, consensus": ("celeba/conopt", 5),
        "DCGAN-4, growing, simultaneous": ("cifar10/simgd_1", 50),
        "DCGAN-4, growing, consensus": ("cifar10/conopt_1", 20),
    },
    repeats=5,
    presets=tuple(
        tuple(f"cifar10/{method}_{number}" for method in ("simgd", "altgd", "conopt"))
        for number in (2, 1, 0)
    ),
    milestones=(50_000, 150_000),
    changes={"record_every": 500, "evaluate_every": 25_000, "checkpoint_every": 5_000, "keep": 1},
)
SMALL = Scale(
    matrix=64,
    floats=2**12,
    steps=2,
    runs=(2,),
    chunk=None,
    images={"perceptron": ("digits/mlp", 2)},
    repeats=1,
    presets=(("digits/mlp",),),
    milestones=(12,),
    changes={"record_every": 2, "evaluate_every": 6, "checkpoint_every": 4, "keep": 1},
)


class Row(NamedTuple):
    """Something to measure.

    Attributes:
        name: what it is.
        precision: of its products.
        peers: who is measured.
        task: what each is told.
    """

    name: str
    precision: str
    peers: tuple[str, ...]
    task: Task

    @property
    def key(self) -> str:
        """What it is called in results."""
        return f"{self.name}, {self.precision}"


def floors(scale: Scale, precisions: Sequence[str] = PRECISIONS) -> list[Row]:
    """Return the rows that measure the machine: its products and its copies."""
    size = {"size": scale.matrix, "steps": 10}
    both = PEERS[:2]
    rows = [Row("product", each, both, {"kind": "product", **size}) for each in precisions]
    copied = {"kind": "copy", "size": scale.floats, "steps": 10}
    return [*rows, Row("copy", "float32", both, copied)]


def benchmarks(scale: Scale, precisions: Sequence[str] = PRECISIONS) -> list[Row]:
    """Return the rows of the benchmark, all in one precision before the next.

    What PyTorch and ganfield take is the same step; images are random pixels.
    """
    # Only here, since what is missing is told before this is imported.
    import image_steps

    tasks: dict[str, Task] = {}
    for runs in scale.runs:
        for method in ("simultaneous", "consensus"):
            name = f"ring, {method}" + (f", {runs} runs" if runs > 1 else "")
            steps = scale.steps
            tasks[name] = {"kind": "ring", "method": method, "runs": runs, "steps": steps}
    if scale.chunk is not None:
        loops = -(-2003 // scale.chunk)  # XLA counts the body of a loop once.
        tasks["ring, Jacobian 2003²"] = {
            "kind": "jacobian",
            "chunk": scale.chunk,
            "loops": loops,
            "steps": 3,
        }
    for name, (preset, steps) in scale.images.items():
        (row,) = image_steps.chosen((preset,))
        tasks[name] = {
            "kind": "images",
            # The residual networks' 128 need twice the memory, and three processes share it.
            "config": row.config.replace({"batch_size": 64}).to_dict(),
            "shape": row.shape,
            "steps": steps,
            "convolution": "auto",
        }
    return [
        Row(name, precision, PEERS, task)
        for precision in precisions
        for name, task in tasks.items()
        # The library's perceptrons have no type of their own.
        if (name, precision) != ("perceptron", "bfloat16")
    ]


def training(scale: Scale) -> Iterator[tuple[str, int]]:
    """Yield (preset, the step to train it to), in order."""
    for presets in scale.presets:
        for goal in scale.milestones:
            for preset in presets:
                yield preset, goal
