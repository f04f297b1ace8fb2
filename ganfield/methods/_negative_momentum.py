"""Negative momentum: each move takes back a part of the one before."""

from __future__ import annotations

import optax

from ganfield._registry import registered
from ganfield._types import ArrayLike, Players
from ganfield.checks import check_number
from ganfield.methods._alternating import alternating
from ganfield.methods._base import METHODS, Method, Optimizer, per_player
from ganfield.methods._simultaneous import simultaneous


@registered(METHODS)
def negative_momentum(
    optimizer: Optimizer | Players,
    *,
    momentum: ArrayLike | Players = -0.5,
    alternate: bool = True,
) -> Method:
    """Return the method x ← x + U(m), m ← v + βm with β < 0, the players moving in turn.

    U(d) is the optimizer's update for a direction d; for sgd(h) the rule is the heavy ball's,
    x ← x + h·v(x) + β(x − x₋). A positive β speeds up descent and drives rotation outwards; a
    negative one damps rotation, if the players alternate. On the bilinear game with s = hc and φ
    moving first the eigenvalues of a step are the roots of

        (x − 1)²(x − β)² + s²x³ = 0,

    inside the unit circle for s < 2(1 + β) with β < 0: with β = −½ and s = ½ the radius is .9625.
    Without momentum alternating steps circle, and simultaneous ones spiral out whatever β is.

    **Use it** as the cheapest damping of rotation there is, one evaluation and no look ahead, where
    alternating steps are taken anyway. `extragradient` and `optimistic` damp more at the same h.

    **With Adam** m is the direction that it normalises and averages again, by its own b1; the
    paper's GANs set Adam's b1 below 0 in place of this.

    Args:
        optimizer: an optax transformation, used by each player with a memory of its own, or
            ``Players(one, another)``. The momentum comes before it, so that what it says of the
            update (a clip) holds.
        momentum: β in (−1, 1), a number or `Players` of two. May be traced, and is then not
            checked.
        alternate: whether the players alternate, φ first, each move on a batch of its own, as in
            `alternating`; otherwise they move at once, as in `simultaneous`.

    Returns:
        A `Method`. It costs V, and needs two batches a step if the players alternate.
        `Info.direction` holds v, before momentum.

    Raises:
        ValueError: β is not within its bounds; what was given is no optax transformation.

    Reference:
        Gidel, Askari Hemmat, Pezeshki, Le Priol, Huang, Lacoste-Julien, Mitliagkas, "Negative
        Momentum for Improved Game Dynamics", 2019.

    Example:
        >>> import optax, ganfield as gf
        >>> method = negative_momentum(optax.sgd(0.5))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> radius = gf.spectral_radius(method, v, gf.Players(0.0, 0.0))
        >>> round(radius.value, 4)
        0.9625
    """
    optimizers = per_player(optimizer)
    betas = momentum if isinstance(momentum, Players) else Players(momentum, momentum)
    for beta in betas:
        check_number(
            beta,
            argument="momentum",
            wanted="a number in (−1, 1)",
            allows=lambda known: -1 < known < 1,
        )
    both = Players(
        *(optax.chain(optax.trace(beta), one) for beta, one in zip(betas, optimizers, strict=True))
    )
    return alternating(both) if alternate else simultaneous(both)
