"""Averages of the parameters, kept beside a method."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from ganfield._registry import registered
from ganfield._tree import add_scaled
from ganfield._types import ArrayLike, Field, Players, PyTree
from ganfield.checks import check_number
from ganfield.methods._base import WRAPPERS, Info, Method, State, check_is_method, check_is_state


class AveragedMemory(NamedTuple):
    """What `averaged` remembers.

    Attributes:
        inner: the memory of the method inside.
        average: of the parameters after each step; before the first, the start.
        num_points: how many points are in it.
    """

    inner: PyTree
    average: Players
    num_points: jax.Array


@registered(WRAPPERS)
def averaged(method: Method, *, decay: ArrayLike | None = None) -> Method:
    """Return the same method with the mean of its points kept beside it, uniform or an EMA.

    The motion does not change; `average_of` returns the average of the points x₁, …, x_t after the
    steps, where the start has no part. It is uniform, Σ x_s / t, or exponential with the bias of
    the first steps corrected, Σ d^(t−s) x_s / Σ d^(t−s): each step does

        x̄ ← x̄ + (x − x̄)/W,    with W = 1 + d + … + d^(t−1), which is t where it is uniform.

    Where iterates circle, their mean converges like 1/t to the centre; where they spiral out it
    diverges with them. A GAN's samples are commonly drawn from the exponential average of its
    generator.

    Args:
        method: any `Method`.
        decay: d in [0, 1), such as 0.999; None for the uniform average. May be traced, and is then
            not checked.

    Returns:
        A `Method`. It costs what the other does and needs as many batches.

    Raises:
        ValueError: d is not within its bounds; what was given is no `Method`, or one whose state is
            no `State`.

    Reference:
        Yazıcı et al., "The Unusual Effectiveness of Averaging in GAN Training", 2019; Gidel,
        Berard, Vignoud, Vincent, Lacoste-Julien, "A Variational Inequality Perspective on
        Generative Adversarial Networks", 2019.

    Example:
        >>> import optax, ganfield as gf
        >>> method = gf.averaged(gf.alternating(optax.sgd(0.5)))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> run = gf.simulate(method, v, gf.Players(1.0, 0.0), num_steps=1000)
        >>> bool(optax.tree.norm(run.params) > 0.9)
        True
        >>> bool(optax.tree.norm(gf.methods.average_of(run.state)) < 0.01)
        True
    """
    check_is_method(method)
    if decay is not None:
        check_number(
            decay,
            argument="decay",
            wanted="a number in [0, 1) or None",
            allows=lambda known: 0 <= known < 1,
        )

    def init(params: Players) -> State:
        inner = check_is_state(method.init(params))
        none = jnp.zeros((), jnp.int32)
        return State(inner.params, AveragedMemory(inner.memory, inner.params, none))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        memory = state.memory
        inner, info = method.step(field, State(state.params, memory.inner), batch)
        num_points = memory.num_points + 1
        # An integer is held by `ganfield.update_map`; a float would be one more coordinate.
        weight: jax.Array = jnp.asarray(num_points, float)
        if decay is not None:
            kept = jnp.asarray(decay)
            weight = (1 - kept**weight) / (1 - kept)
        apart = optax.tree.sub(inner.params, memory.average)
        average = add_scaled(memory.average, 1 / weight, apart)
        return State(inner.params, AveragedMemory(inner.memory, average, num_points)), info

    return Method(init, step, method.num_batches, method.cycle)


def average_of(state: State) -> Players:
    """Return the average that `averaged` has kept in a state; before the first step, the start.

    Args:
        state: of a method made by `averaged`, also with many runs along the first axes.

    Returns:
        Parameters.

    Raises:
        ValueError: the state is another method's.

    Example:
        >>> import optax, ganfield as gf
        >>> method = gf.averaged(gf.simultaneous(optax.sgd(0.5)))
        >>> average_of(method.init(gf.Players(1.0, 2.0)))
        Players(theta=Array(1., dtype=float32...), phi=Array(2., dtype=float32...))
    """
    if not isinstance(state.memory, AveragedMemory):
        raise ValueError(
            "state must be that of a method made by averaged, whose memory is AveragedMemory, got "
            f"{type(state.memory).__name__}"
        )
    return state.memory.average
