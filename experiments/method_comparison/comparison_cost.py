"""What a step costs: counted while a step runs, not written down by hand."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero, linear_call

import ganfield as gf
from comparison_dynamics import Dynamics, OptimizerOf

# From small to so large that an inner solve takes every iteration that it may.
STEP_SIZES = (0.03, 0.3, 1.0)


class Counter:
    """Counts how often marked values are computed, also within loops of compiled programs."""

    def __init__(self) -> None:
        """Begin at 0."""
        self.count = 0
        self._lock = threading.Lock()

    def mark(self, value: Any, *inputs: Any) -> Any:
        """Return the value, to be counted whenever it is computed; what nobody uses is not."""
        like = jax.ShapeDtypeStruct((), jax.tree.leaves(value)[0].dtype)
        # It is given the inputs, so that a loop computes it as often as what it stands for.
        zero = jax.pure_callback(partial(self._add, like.dtype), like, *jax.tree.leaves(inputs))
        return jax.tree.map(lambda leaf: leaf + zero, value)

    def _add(self, dtype: Any, *inputs: Any) -> np.ndarray:
        del inputs
        with self._lock:
            self.count += 1
        return np.zeros((), dtype)


def cost(what: Dynamics, optimizer_of: OptimizerOf, size: int) -> float:
    """Return the most that a step costs, in V, evaluations of both players' own gradients.

    Half a V is one player's own gradient, one player's rows of a product with J, or with the other
    player's as 0 a product with Jᵀ. It is counted as the method is written: what the compiler
    merges, such as two evaluations at one point, counts twice.

    Args:
        what: the method, on a game made for this.
        optimizer_of: step size → optimizer.
        size: parameters of each player.
    """
    counter = Counter()
    game = stand_in(size)

    def step_of(step_size: jax.Array) -> tuple[gf.Method, gf.Field]:
        return what(counted(game, counter), optimizer_of, step_size)

    begin = jax.jit(lambda step_size, params: step_of(step_size)[0].init(params))

    @jax.jit
    def step(step_size: jax.Array, state: gf.State) -> tuple[gf.State, gf.Info]:
        method, field = step_of(step_size)
        return method.step(field, state, None)  # with its Info, which runs look at

    most = 0
    for step_size in jnp.asarray(STEP_SIZES):
        state = begin(step_size, game.init(jax.random.key(1)))
        # A first step may cost more than all later ones: past extragradient has no past.
        for count in range(3):
            params = game.init(jax.random.key(count + 2))  # far from where a solve is easy
            jax.block_until_ready(state)
            counter.count = 0
            state, _ = jax.block_until_ready(step(step_size, state._replace(params=params)))
            most = max(most, counter.count if count else 0)
    return most / 2


def stand_in(size: int) -> gf.Game:
    """Return a game without symmetry, on which no inner solve is done early."""
    coupling = jax.random.normal(jax.random.key(0), (size, size))

    def loss_theta(theta: jax.Array, phi: jax.Array, _: Any) -> jax.Array:
        return jnp.sin(theta) @ jnp.tanh(coupling @ phi) + 0.1 * jnp.sum(jnp.cosh(theta))

    def loss_phi(theta: jax.Array, phi: jax.Array, _: Any) -> jax.Array:
        return -theta @ jnp.tanh(coupling @ phi) + 0.1 * jnp.sum(jnp.cos(phi)) * jnp.sum(theta)

    def init(key: jax.Array) -> gf.Players:
        return gf.Players(*jax.random.normal(key, (2, size)))

    return gf.games.general_sum(loss_theta, loss_phi, init)


def counted(game: gf.Game, counter: Counter) -> gf.Game:
    """Return the same game of full information, which counts each player's part by itself.

    The gradient of a player's loss counts as much in one player's parameters as in both; values of
    losses are not counted.
    """

    def losses(params: gf.Players, batch: Any = None) -> gf.Players:
        del batch
        of_theta = _part(lambda p: game.losses(p).theta, _unmarked, counter.mark)
        of_phi = _part(lambda p: game.losses(p).phi, _unmarked, counter.mark)
        return gf.Players(of_theta(params), of_phi(params))

    def gradients(params: gf.Players, batch: Any = None) -> gf.Players:
        del batch
        of_theta = _part(lambda p: game.gradients(p).theta, counter.mark, counter.mark)
        of_phi = _part(lambda p: game.gradients(p).phi, counter.mark, counter.mark)
        return gf.Players(of_theta(params), of_phi(params))

    return gf.Game(losses, gradients, game.init)


def _part(
    function: Callable[[gf.Players], Any],
    mark_value: Callable[..., Any],
    mark_product: Callable[..., Any],
) -> Callable[[gf.Players], Any]:
    """Return the function, its values and the products with its derivative marked."""

    @jax.custom_jvp
    def part(params: gf.Players) -> Any:
        return mark_value(function(params), params)

    # Zeros stay symbolic, so that a product with the other player's columns alone stays one.
    @partial(part.defjvp, symbolic_zeros=True)
    def _(primals: Any, tangents: Any) -> Any:
        (params,), (tangent,) = primals, tangents
        moving = {name: not _is_zero(leaf) for name, leaf in tangent._asdict().items()}
        fixed = {name: getattr(params, name) for name, moves in moving.items() if not moves}
        along = {name: getattr(tangent, name) for name, moves in moving.items() if moves}
        at = {name: getattr(params, name) for name in along}

        def near(fixed: Any, moved: Any) -> Any:
            return function(gf.Players(**fixed, **moved))

        def forward(places: Any, along: Any) -> Any:
            product = jax.jvp(lambda moved: near(places[0], moved), places[1:], (along,))[1]
            return mark_product(product, places, along)

        def backward(places: Any, cotangent: Any) -> Any:
            _, pullback = jax.vjp(lambda moved: near(places[0], moved), places[1])
            return mark_product(pullback(cotangent)[0], places, cotangent)

        return part(params), linear_call(forward, backward, (fixed, at), along)

    return part


def _unmarked(value: Any, *inputs: Any) -> Any:
    del inputs
    return value


def _is_zero(leaf: Any) -> bool:
    return isinstance(leaf, SymbolicZero)
