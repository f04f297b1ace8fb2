"""A method: how parameters move along a field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from ganfield._registry import Registry, name_of
from ganfield._summarize import summarize
from ganfield._tree import negate, strong
from ganfield._types import Field, Players, PyTree
from ganfield.checks import as_params, leading_size

Optimizer: TypeAlias = optax.GradientTransformation


class State(NamedTuple):
    """What the next step needs.

    Attributes:
        params: the players' parameters.
        memory: what the method remembers beside them: its optimizers' momentum, second moments and
            counts, a previous gradient, an average.
    """

    params: Players
    memory: PyTree

    def __repr__(self) -> str:
        return summarize(self)


class Info(NamedTuple):
    """What one may want to look at after a step; no step depends on it.

    Attributes:
        direction: the values of the field along which the players moved, before the optimizer.
        converged: whether the step is what its method says: the inner solve reached its tolerance,
            and the derivatives that it took are those of the field. True for methods that need
            neither.
    """

    direction: Players
    converged: Any = True


class Method(NamedTuple):
    """A way to move, a pair of pure functions.

    Attributes:
        init: ``init(params) -> State``.
        step: ``step(field, state, batch) -> (State, Info)``.
        num_batches: how many batches a step uses. If more than one, ``batch`` holds that many,
            stacked along a new first axis of every leaf.
        cycle: after how many steps it repeats itself. A method that counts, such as lookahead,
            does something else at some of its steps, and converges only from cycle to cycle.
    """

    init: Callable[[Players], State]
    step: Callable[[Field, State, Any], tuple[State, Info]]
    num_batches: int = 1
    cycle: int = 1

    def __repr__(self) -> str:
        return name_of(self.step, "Method")


METHODS: Registry[Callable[..., Method]] = Registry("method")
"""Name → builder; each takes an optax transformation first, or Players of two."""

WRAPPERS: Registry[Callable[..., Method]] = Registry("wrapper")
"""Name → builder of the methods made from a method, which each takes first."""


def begin(params: Players) -> Players:
    """Return parameters as a state holds them, or raise a ``ValueError`` where no step is right."""
    return strong(as_params(params))


def for_each_move(method: Method, batch: Any) -> Any:
    """Return a batch as the method's step takes it, the same for all that it uses."""
    if method.num_batches == 1:
        return batch
    return jax.tree.map(
        lambda leaf: jnp.broadcast_to(leaf, (method.num_batches, *jnp.shape(leaf))), batch
    )


def ascend(
    optimizer: Optimizer, direction: PyTree, memory: PyTree, params: PyTree
) -> tuple[PyTree, PyTree]:
    """Move parameters along a direction, and return them with the optimizer's new memory."""
    update, memory = change(optimizer, direction, memory, params)
    return optax.apply_updates(params, update), memory


def change(
    optimizer: Optimizer, direction: PyTree, memory: PyTree, params: PyTree
) -> tuple[PyTree, PyTree]:
    """Return U(direction), how the optimizer would move the parameters, and its new memory.

    Optax descends a gradient, so it is handed −direction; this is the only place that does so.

    Raises:
        ValueError: the optimizer asks for more, such as the value of a loss.
    """
    try:
        return optimizer.update(negate(direction), memory, params)
    except jax.errors.JAXTypeError:
        raise
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"optimizer could not make its update, it raised {type(error).__name__}: {error}. "
            "Methods give it a direction, its memory and the parameters, and nothing else: a field "
            "has no loss to evaluate, so line searches, optax.lbfgs, optax.polyak_sgd and others "
            "that ask for a value or a function cannot be used"
        ) from error


def per_player(optimizer: Optimizer | Players) -> Players:
    """Return one optimizer for each player, from one for both or from `Players` of two."""
    pair = optimizer if isinstance(optimizer, Players) else Players(optimizer, optimizer)
    return Players(_checked(pair.theta), _checked(pair.phi))


def joint_optimizer(optimizer: Optimizer | Players) -> Optimizer:
    """Return one optimizer of both players' parameters, from one or from `Players` of two."""
    if not isinstance(optimizer, Players):
        return _checked(optimizer)
    transforms = per_player(optimizer)._asdict()
    return optax.partition(transforms, Players(theta="theta", phi="phi"))


def _checked(optimizer: Any) -> Optimizer:
    parts = (getattr(optimizer, name, None) for name in ("init", "update"))
    if not all(callable(part) for part in parts):
        raise ValueError(
            "optimizer must be an optax transformation such as optax.sgd(0.1), or Players of two, "
            f"got {type(optimizer).__name__}: {optimizer!r}"
        )
    return optimizer


def check_batches(batch: PyTree, num_batches: int) -> None:
    """Raise a ``ValueError`` unless a batch holds as many batches as a step uses."""
    size = leading_size(batch)
    if num_batches > 1 and jax.tree.leaves(batch) and size != num_batches:
        raise ValueError(
            f"batch must hold {num_batches} batches, stacked along a new first axis of every leaf, "
            f"one for each move of the step; the length of that axis is {size}. To show every "
            "move of a step the same batch, say fresh_batches=False"
        )


def check_is_method(method: Any) -> None:
    """Raise a ``ValueError`` unless it is a `Method`."""
    if not isinstance(method, Method):
        raise ValueError(
            "method must be a Method, such as gf.simultaneous(optax.sgd(0.1)), got "
            f"{type(method).__name__}"
        )


def check_is_state(state: Any) -> State:
    """Return a state, or raise a ``ValueError`` unless it is a `State`."""
    if not isinstance(state, State):
        raise ValueError(
            "method must keep a gf.State(params, memory), with what it remembers in memory, "
            f"so that a method can be made from it; its init returns {type(state).__name__}"
        )
    return state
