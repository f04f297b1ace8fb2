"""A progress bar for sweeps."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from ganfield._types import PyTree

_PAUSE = 0.1  # seconds between two pictures of a bar


@contextmanager
def progress_bar(
    title: str, num_steps: int, describe: Callable[[PyTree], str] | None = None
) -> Iterator[Callable[[int, PyTree], None]]:
    """Show a progress bar with the time left, and what you say of each record.

    In a notebook it is a bar in HTML, which needs no widgets.

    Args:
        title: what is running.
        num_steps: how many steps it will take.
        describe: ``describe(record) -> text``, shown beside the bar.

    Yields:
        A function for the ``progress`` argument of `ganfield.sweep` and `ganfield.simulate`.

    Raises:
        ImportError: there is no notebook and rich is not installed; ``pip install 'ganfield[cli]'``
            brings it.

    Example:
        >>> import ganfield as gf
        >>> with gf.progress_bar("ring", 100, lambda record: f"loss {record:.2f}") as progress:
        ...     progress(100, 0.693)  # doctest: +SKIP
    """
    say: Callable[[PyTree], str] = describe or (lambda record: "")
    if _is_notebook():
        yield _bar_in_notebook(title, num_steps, say)
        return
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
            shown.update(task, completed=int(step), said=say(record))

        yield update


def _is_notebook() -> bool:
    """Return whether this runs in the kernel of a notebook, which IPython alone is not."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _bar_in_notebook(
    title: str, num_steps: int, say: Callable[[PyTree], str]
) -> Callable[[int, PyTree], None]:
    display = importlib.import_module("IPython.display")
    began = time.monotonic()

    def page(step: int, said: str) -> Any:
        past = time.monotonic() - began
        left = f", {past * (num_steps - step) / step:.0f} s left" if 0 < step < num_steps else ""
        words = f"{step}/{num_steps}, {past:.0f} s{left} {said}"
        bar = f'<progress value="{step}" max="{num_steps}"></progress>'
        return display.HTML(f"<div>{escape(title)} {bar} {escape(words)}</div>")

    shown = display.display(page(0, ""), display_id=True)
    last = began

    def update(step: int, record: PyTree) -> None:
        nonlocal last
        # Every picture is a message to the browser.
        if time.monotonic() - last > _PAUSE or step >= num_steps:
            last = time.monotonic()
            shown.update(page(int(step), say(record)))

    return update
