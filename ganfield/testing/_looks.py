"""Derivatives against differences: what is a fault, and what only a kink between the points."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

LOOKS = 8
_SURE = 2  # looks in which both sides agree on a fault


class Finding(NamedTuple):
    """A comparison of a derivative with differences that fails.

    Attributes:
        is_rough: whether the differences forwards and backwards differ by more than the failure,
            as they do at a kink.
        message: what is wrong.
    """

    is_rough: bool
    message: str


def blame(look: Callable[[int], Iterable[Finding]]) -> None:
    """Raise what several looks find wrong, and not what a kink makes of one of them.

    A kink between the points of a difference makes it wrong where nothing is. It is in one place:
    elsewhere, or from nearer, it is gone, while a fault is everywhere. So right is what passes in
    one look, and a fault is what two looks find where both sides agree, or all of `LOOKS` find.

    Args:
        look: ``look(number)``, what is found by a look at a place and from a distance of its own,
            for the numbers from 0 to `LOOKS` − 1.

    Raises:
        ValueError: the message of a finding that stands.
    """
    sure = 0
    for number in range(LOOKS):
        findings = list(look(number))
        if not findings:
            return
        smooth = [finding for finding in findings if not finding.is_rough]
        sure += bool(smooth)
        if sure == _SURE or number == LOOKS - 1:
            raise ValueError((smooth or findings)[0].message)
