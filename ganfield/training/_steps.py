"""Steps as one compiled program that takes any number of them."""

from collections.abc import Callable

import jax

from ganfield._types import Field, PyTree
from ganfield.methods import Method
from ganfield.simulate import Standing, take_step

Draw = Callable[[PyTree, jax.Array], PyTree]
"""``draw(source, step) -> batch``, what step number ``step`` sees; pure."""


def advancing(
    method: Method, field: Field, draw: Draw
) -> Callable[[Standing, jax.Array, PyTree], Standing]:
    """Return ``advance(standing, stop, source) -> Standing``, the steps until number ``stop``.

    The number of steps is an argument of the program and not part of it. So a run may be cut
    anywhere, and is the same program doing the same steps: this is what makes a resumed run equal
    to the unbroken one bit by bit. It stops by itself at a NaN or an infinity.
    """

    def advance(standing: Standing, stop: jax.Array, source: PyTree) -> Standing:
        return jax.lax.while_loop(
            lambda now: (now.step < stop) & (now.stopped_at < 0),
            lambda now: take_step(method, field, now, draw(source, now.step))[0],
            standing,
        )

    return advance
