"""Metrics for TensorBoard, which needs a package of its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

Writer = Callable[[int, Mapping[str, float]], None]
"""``write(step, numbers)``."""


@contextmanager
def open_writer(folder: Path, step: int) -> Iterator[Writer]:
    """Write numbers to ``tensorboard/`` in a run's folder.

    Args:
        folder: of the run.
        step: where it stands; what was written of later steps is hidden.
    """
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1) as writer:

        def write(step: int, numbers: Mapping[str, float]) -> None:
            for name, value in numbers.items():
                writer.add_scalar(name, value, step)

        yield write
