"""Ctrl-C as a wish: finish the steps at hand, save, and stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Wish:
    """Whether somebody wants the run to stop.

    Attributes:
        signal: the number of the signal that said so, or None.
    """

    def __init__(self) -> None:
        self.signal: int | None = None


@contextmanager
def listening() -> Iterator[Wish]:
    """Take the first SIGINT or SIGTERM as a wish; a second one ends the process at once.

    Only the main thread can; elsewhere signals stay as they are.
    """
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    numbers = (signal.SIGINT, signal.SIGTERM)

    def note(number: int, frame: FrameType | None) -> None:
        wish.signal = number
        # Not a handler of ours, which would wait for the compiled program to return.
        for each in numbers:
            signal.signal(each, signal.SIG_DFL)

    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
