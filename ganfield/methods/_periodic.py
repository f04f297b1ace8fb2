"""Periodic training: what a method moves along changes from step to step, and comes back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from ganfield._registry import named
from ganfield._tree import add_scaled, strong
from ganfield._types import Field, Players, PyTree
from ganfield.checks import check_count
from ganfield.methods._base import Info, Method, State, check_is_method, check_is_state

Transform: TypeAlias = Callable[[Field], Field]


class PeriodicMemory(NamedTuple):
    """What `periodic` remembers.

    Attributes:
        inner: the memory of the method inside.
        phase: how many steps of the period are done.
    """

    inner: PyTree
    phase: jax.Array


@named
def periodic(method: Method, transforms: Iterable[Transform | None]) -> Method:
    """Return the method that moves along another field at each step of a period.

    Step t moves along transforms[t mod k](v), where v is the field that the step is given. What
    such training converges to, and how fast, is told by the map of a whole period, which
    `ganfield.spectral_radius` and its kin take by themselves (`Method.cycle`), with rates per step.
    Its eigenvalues do not depend on where the period begins, its order may matter.

    Args:
        method: any `Method`; its memory goes on through all steps.
        transforms: one for each step of the period: a function from field to field, or None for v
            itself.

    Returns:
        A `Method`. A step costs what the other method's does on the field that is due; under
        ``jax.vmap`` over states, what it does on all of them. It needs as many batches, and hands
        on its `Info`.

    Raises:
        ValueError: what was given is no `Method`, or one whose state is no `State`; there is no
            transform, or one that is no function.

    Example:
        Five moves of φ to one of both:

        >>> import optax, ganfield as gf
        >>> only_phi = lambda v: gf.scaled(v, theta=0.0)
        >>> method = gf.periodic(gf.simultaneous(optax.sgd(0.5)), [only_phi] * 5 + [None])
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> run = gf.simulate(method, v, gf.Players(1.0, 0.0), num_steps=6)
        >>> run.params  # φ has moved six times by 0.5·θ, and θ by −0.5·2.5
        Players(theta=Array(-0.25, dtype=float32...), phi=Array(3., dtype=float32...))
    """
    check_is_method(method)
    given = tuple(transforms) if isinstance(transforms, Iterable) else ()
    if not given or not all(each is None or callable(each) for each in given):
        raise ValueError(
            "transforms must be one or more functions from field to field, or None for the field "
            f"itself, one for each step of the period, got {transforms!r}"
        )
    # What occurs several times in a period is compiled once.
    distinct = list({id(each): each for each in given}.values())
    places = [next(i for i, each in enumerate(distinct) if each is one) for one in given]

    def init(params: Players) -> State:
        inner = check_is_state(method.init(params))
        return State(inner.params, PeriodicMemory(inner.memory, jnp.zeros((), jnp.int32)))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        phase = state.memory.phase
        begin = State(state.params, state.memory.inner)

        def along(transform: Transform | None) -> Callable[[State, Any], tuple[State, Info]]:
            due = field if transform is None else transform(field)
            return lambda state, batch: strong(method.step(due, state, batch))

        branches = [along(each) for each in distinct]
        if len(branches) == 1:
            inner, info = branches[0](begin, batch)
        else:
            place = jnp.asarray(places, jnp.int32)[phase]
            inner, info = jax.lax.switch(place, branches, strong(begin), batch)
        phase = (phase + 1) % len(given)
        return State(inner.params, PeriodicMemory(inner.memory, phase)), info

    return Method(init, step, method.num_batches, math.lcm(len(given), method.cycle))


@named
def lazy(method: Method, extra: Field, *, every: int) -> Method:
    """Return the method that pays a part of its field only every k steps, times k.

    Its steps move along v, the field that they are given, and the first of every k along
    v + k·extra. Over a period it is v + extra on average, and a penalty that is costly is found
    once in k steps: so StyleGAN pays R1 every 16. How lazy it may be is a question of the period's
    map, see `periodic`; it is lost long before the paid step alone is too large, where v turns.

    Several penalties, each with a k of its own, are a lazy method of a lazy method.

    Args:
        method: any `Method`.
        extra: the field of what is paid lazily: that of the penalty, or `ganfield.field.difference`
            of the whole field and of what is left without it.
        every: k ≥ 1; 1 pays it at every step.

    Returns:
        A `Method`. Its state counts the steps of the period, so that a run goes on where it was.

    Raises:
        ValueError: k is no positive integer; ``extra`` is no field; what was given is no `Method`,
            or one whose state is no `State`.

    Reference:
        Karras, Laine, Aittala, Hellsten, Lehtinen, Aila, "Analyzing and Improving the Image Quality
        of StyleGAN", 2020, section 3.1, where the penalty has a step of its own.

    Example:
        >>> import optax, ganfield as gf
        >>> origin, v = gf.Players(0.0, 0.0), gf.vector_field(gf.games.dirac_gan())
        >>> with_r1 = gf.vector_field(gf.games.dirac_gan(penalty="r1"))
        >>> r1 = gf.field.difference(with_r1, v)
        >>> for k in (1, 16, 20):
        ...     method = gf.lazy(gf.simultaneous(optax.sgd(0.1)), r1, every=k)
        ...     print(k, round(gf.spectral_radius(method, v, origin).rate, 5))
        1 0.95
        16 0.99415
        20 1.00316
    """
    every = check_count(every, argument="every")
    if not callable(extra) or isinstance(extra, Method):
        raise ValueError(
            "extra must be a field, a function extra(params, batch) -> Players, such as "
            f"gf.field.difference(with_penalty, v), got {type(extra).__name__}"
        )

    def paid(field: Field) -> Field:
        def both(params: Players, batch: Any = None) -> Players:
            return add_scaled(field(params, batch), every, extra(params, batch))

        return both

    return periodic(method, (paid, *[None] * (every - 1)))
