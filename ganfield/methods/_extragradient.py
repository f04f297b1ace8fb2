"""Extragradient: look where the step leads, and step along the field found there."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax

from ganfield._registry import registered
from ganfield._types import Field, Players, PyTree
from ganfield.methods._base import (
    METHODS,
    Info,
    Method,
    Optimizer,
    State,
    ascend,
    begin,
    check_batches,
    joint_optimizer,
)


class ExtragradientMemory(NamedTuple):
    """What `extragradient` remembers.

    Attributes:
        optimizer: the memory of the optimizer of the step.
        extrapolation: that of the extrapolation's own optimizer; ``()`` where it has none.
    """

    optimizer: PyTree
    extrapolation: PyTree


@registered(METHODS)
def extragradient(
    optimizer: Optimizer | Players,
    extrapolation: Optimizer | Players | None = None,
    *,
    fresh_batches: bool = False,
) -> Method:
    """Return extragradient (EG): x½ = x + h_e·v(x), x ← x + h·v(x½).

    The step starts at x, not at x½. It follows v(x + h_e·v) ≈ (I + h_e J)v, so rotation is damped:
    on the bilinear game it converges where hc < 1, at best with hc = 1/√2. It is the first choice
    against rotation when two evaluations a step are affordable; `past_extragradient` takes one.

    With U(d), the update that an optimizer makes of a direction d from its current memory, the rule
    is x½ = x + U_e(v(x)), x ← x + U(v(x½)). Without ``extrapolation`` U_e is U, and what it would
    remember of v(x) is dropped: Adam's moments and its count advance once a step, with v(x½). An
    extrapolation of its own keeps a memory of its own, which advances once a step, with v(x).

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)``; Adam with betas (0.5, 0.9) in the paper below. Its
            hyper-parameters may be traced.
        extrapolation: the same for the extrapolation, to give it another step size h_e.
        fresh_batches: whether v(x½) sees a batch of its own. Then ``step`` takes two batches,
            stacked along a new first axis; otherwise both values are those of one batch.

    Returns:
        A `Method`. It costs 2V. Its `Info.direction` is v(x½).

    Raises:
        ValueError: what was given is no optax transformation; ``step`` is given one batch where it
            needs two.

    Reference:
        Korpelevich, "The extragradient method for finding saddle points and other problems", 1976;
        Gidel, Berard, Vignoud, Vincent, Lacoste-Julien, "A Variational Inequality Perspective on
        Generative Adversarial Networks", 2019.

    Example:
        >>> import optax, ganfield as gf
        >>> method = gf.extragradient(optax.sgd(0.5))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> method.step(v, method.init(gf.Players(1.0, 0.0)), None)[0].params
        Players(theta=Array(0.75, dtype=float32...), phi=Array(0.5, dtype=float32...))
    """
    both = joint_optimizer(optimizer)
    ahead = None if extrapolation is None else joint_optimizer(extrapolation)
    num_batches = 2 if fresh_batches else 1

    def init(params: Players) -> State:
        params = begin(params)
        own = () if ahead is None else ahead.init(params)
        return State(params, ExtragradientMemory(both.init(params), own))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        first, second = batch, batch
        if fresh_batches:
            check_batches(batch, num_batches)
            first, second = (jax.tree.map(lambda b, i=i: b[i], batch) for i in (0, 1))
        params, memory = state
        value = field(params, first)
        if ahead is None:
            half, own = ascend(both, value, memory.optimizer, params)[0], ()
        else:
            half, own = ascend(ahead, value, memory.extrapolation, params)
        direction = field(half, second)
        params, kept = ascend(both, direction, memory.optimizer, params)
        return State(params, ExtragradientMemory(kept, own)), Info(direction)

    return Method(init, step, num_batches)
