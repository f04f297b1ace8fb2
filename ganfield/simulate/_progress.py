"""A progress bar for sweeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ganfield._types import PyTree


@contextmanager
def progress_bar(
    title: str, num_steps: int, describe: Callable[[PyTree], str] | None = None
) -> Iterator[Callable[[int, PyTree], None]]:
    """Show a progress bar with the time left, and what you say of each record.

    Args:
        title: what is running.
        num_steps: how many steps it will take.
        describe: ``describe(record) -> text``, shown beside the bar.

    Yields:
        A function for the ``progress`` argument of `ganfield.sweep` and `ganfield.simulate`.

    Raises:
        ImportError: rich is not installed; ``pip install 'ganfield[cli]'`` brings it.

    Example:
        >>> import ganfield as gf
        >>> with gf.progress_bar("ring", 100, lambda record: f"loss {record:.2f}") as progress:
        ...     progress(100, 0.693)  # doctest: +SKIP
    """
    try:
        from rich import progress as bars
    except ImportError as error:
        raise ImportError("progress_bar needs rich: pip install 'ganfield[cli]'") from error
    columns = (
        bars.TextColumn("{task.description:14}"),
        bars.BarColumn(bar_width=24),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
        bars.TextColumn("{task.fields[said]}"),
    )
    with bars.Progress(*columns) as shown:
        task = shown.add_task(title, total=num_steps, said="")

        def update(step: int, record: PyTree) -> None:
            said = describe(record) if describe is not None else ""
            shown.update(task, completed=int(step), said=said)

        yield update
