"""Past extragradient: extragradient that looks ahead with the value of the step before."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

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
    joint_optimizer,
)


class PastExtragradientMemory(NamedTuple):
    """What `past_extragradient` remembers.

    Attributes:
        optimizer: the memory of the optimizer of the step.
        extrapolation: that of the extrapolation's own optimizer; ``()`` where it has none.
        previous: v at the last extrapolated point.
        first: whether no step was taken yet, so that ``previous`` is not known.
    """

    optimizer: PyTree
    extrapolation: PyTree
    previous: Players
    first: jax.Array


@registered(METHODS)
def past_extragradient(
    optimizer: Optimizer | Players, extrapolation: Optimizer | Players | None = None
) -> Method:
    """Return Popov's past extragradient (PEG): x½ = x + h_e·v(x½ before), x ← x + h·v(x½).

    One evaluation a step, and nearly what `extragradient` does with two: on the bilinear game it
    converges where hc < 1/√3. With plain gradient steps and h_e = h the points x½ follow the rule
    of `optimistic`: the two differ in what they call the parameters, and in the start. Here the
    first step has no past and extrapolates along v(x), as extragradient does, for one evaluation
    more.

    With U(d), the update that an optimizer makes of a direction d from its current memory, the rule
    is x½ = x + U_e(v(x½ of the step before)), x ← x + U(v(x½)). Without ``extrapolation`` U_e is U,
    and what it would remember is dropped, so that Adam's moments advance once a step, with v(x½).
    An extrapolation of its own keeps a memory of its own, which advances once a step.

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)``. Its hyper-parameters may be traced.
        extrapolation: the same for the extrapolation, to give it another step size h_e.

    Returns:
        A `Method`. It costs V; under ``jax.vmap`` 2V, because both branches of the question whether
        this is the first step are then evaluated. Its `Info.direction` is v(x½).

    Raises:
        ValueError: what was given is no optax transformation.

    Reference:
        Popov, "A modification of the Arrow–Hurwicz method for search of saddle points", 1980;
        Gidel, Berard, Vignoud, Vincent, Lacoste-Julien, "A Variational Inequality Perspective on
        Generative Adversarial Networks", 2019 ("extrapolation from the past").

    Example:
        >>> import optax, ganfield as gf
        >>> method = gf.past_extragradient(optax.sgd(0.5))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> state, _ = method.step(v, method.init(gf.Players(1.0, 0.0)), None)
        >>> state.params
        Players(theta=Array(0.75, dtype=float32...), phi=Array(0.5, dtype=float32...))
        >>> method.step(v, state, None)[0].params  # x½ is (0.5, 1)
        Players(theta=Array(0.25, dtype=float32...), phi=Array(0.75, dtype=float32...))
    """
    both = joint_optimizer(optimizer)
    ahead = None if extrapolation is None else joint_optimizer(extrapolation)

    def init(params: Players) -> State:
        params = begin(params)
        memory = PastExtragradientMemory(
            optimizer=both.init(params),
            extrapolation=() if ahead is None else ahead.init(params),
            previous=optax.tree.zeros_like(params),
            first=jnp.ones((), bool),
        )
        return State(params, memory)

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        params, memory = state
        past = jax.lax.cond(memory.first, lambda: field(params, batch), lambda: memory.previous)
        if ahead is None:
            half, own = ascend(both, past, memory.optimizer, params)[0], ()
        else:
            half, own = ascend(ahead, past, memory.extrapolation, params)
        direction = field(half, batch)
        params, kept = ascend(both, direction, memory.optimizer, params)
        memory = PastExtragradientMemory(kept, own, direction, jnp.zeros((), bool))
        return State(params, memory), Info(direction)

    return Method(init, step)
