"""What a long computation takes, told before it begins and while it lasts."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ganfield._extras import missing
from ganfield._memory import gib
from ganfield.simulate import progress_bar

_LONG = 5.0  # seconds
_EACH = 2.5e-9  # seconds: 25 n³ operations of a dense eigenvalue solver, 10¹⁰ in a second
_LARGE = 2_000  # numbers, from which on compiling takes long


class Work(NamedTuple):
    """What a spectrum takes.

    Attributes:
        size: numbers that F acts on.
        products: with F′, at most.
        seconds: that one of them takes; NaN before it was compiled and timed.
        has_matrix: whether they are the columns of the matrix, whose eigenvalues are found then.
        memory: bytes of the vectors that are kept meanwhile, at most; 0 where they are few.
        map: what it is the spectrum of, F′ or the field's Jacobian J.
        name: of the function that takes it.
    """

    size: int
    products: int
    seconds: float
    has_matrix: bool
    memory: int = 0
    map: str = "F′"
    name: str = "spectral_radius"

    @property
    def total(self) -> float:
        """Seconds in all: at most, but for the eigenvalues of a matrix, which are estimated."""
        return self.products * self.seconds + self.has_matrix * _EACH * self.size**3

    def __str__(self) -> str:
        most = f"{self.products} products with {self.map}"
        if math.isnan(self.seconds):
            vectors = f" and {gib(self.memory)} of vectors" if self.memory else ""
            return f"{self.size} numbers, at most {most}{vectors}; compiling"
        if self.has_matrix:
            after = f"eigenvalues of a matrix of {self.size} × {self.size}"
            return f"{most}, then the {after}: about {self.total:.3g} s"
        return f"at most {most} of {self.seconds:.2g} s, {self.total:.3g} s"


Progress = Callable[[int, Work], None] | bool


def begin(progress: Progress, work: Work) -> None:
    """Say what a computation takes, before anything is compiled."""
    if callable(progress):
        progress(0, work)
    elif progress and work.size > _LARGE:
        _say(work)


@contextmanager
def watched(progress: Progress, work: Work) -> Iterator[Callable[[int], None]]:
    """Say what a computation takes now that it is known; yield what is called with each product.

    Args:
        progress: ``progress(count, work)``; or true, for a line on stderr where it is long, and a
            bar on a terminal; or false, for silence.
        work: what it takes.
    """
    if callable(progress):
        progress(0, work)
        yield lambda count: progress(count, work)
        return
    if not progress or not work.total > _LONG:
        yield lambda count: None
        return
    _say(work)
    # In a log file a bar is only noise.
    is_watched = sys.stdout.isatty() or "ipykernel" in sys.modules
    if not is_watched or missing(["rich"]):
        yield lambda count: None
        return
    with progress_bar(work.name.replace("_", " "), work.products) as show:
        yield lambda count: show(count, None)


def _say(work: Work) -> None:
    print(f"{work.name}: {work}", file=sys.stderr, flush=True)
