"""Every registered method on every registered game: the contract that all of them keep.

Compiling is what costs here, so that a method meets all games of two numbers in one program, whose
field is told the number of the game by its batch; eager steps are taken along each game's own.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.methods import for_each_move
from tests.cases import (
    GAMES,
    METHODS,
    OPTIMIZERS,
    PLANE_GAMES,
    SOLVERS,
    VARIANTS,
    assert_trees_close,
    params_of,
    plane_field,
    step_batch,
)

ALL_METHODS = METHODS | VARIANTS
# The objectives share everything but the losses; one stands for them where compiling is slow.
OTHER_GAMES = ("matrix", "gan_standard")
# Where solving takes long to compile, three games tell what other optimizers do.
FEW_GAMES = ("quadratic", "dirac_gan", "covariance")
SLOW = {f"{method}_{optimizer}" for method in SOLVERS for optimizer in OPTIMIZERS}
GROUPS = {"plane": PLANE_GAMES, "few": FEW_GAMES}
PAIRS = [("few" if method in SLOW else "plane", method) for method in ALL_METHODS]
PAIRS += [(game, method) for game in OTHER_GAMES for method in METHODS]


class Meeting(NamedTuple):
    """A game as a method meets it: two starts, a step's batch, and field and batch without jit."""

    starts: list[gf.Players]
    batch: Any
    own_field: gf.Field
    own_batch: Any


def meetings(group, method):
    """Return the field of a group of games, and each of its games by name."""
    if group not in GROUPS:
        case = GAMES[group]
        field, batch = gf.vector_field(case.game), step_batch(case, method)
        starts = [params_of(case, seed) for seed in (0, 1)]
        return field, {group: Meeting(starts, batch, field, batch)}
    found = {}
    for number, name in enumerate(GROUPS[group]):
        case = GAMES[name]
        starts = [params_of(case, seed) for seed in (0, 1)]
        batch = for_each_move(method, jnp.asarray(number))
        found[name] = Meeting(starts, batch, gf.vector_field(case.game), None)
    return plane_field(GROUPS[group]), found


def describe(tree):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)


def counted(function):
    """Return the jitted function, and a list that grows whenever it is traced."""
    traces = []

    def traced(*args):
        traces.append(None)
        return function(*args)

    return jax.jit(traced), traces


@pytest.mark.parametrize(("group", "method_name"), PAIRS)
def test_contract(group, method_name):
    method = ALL_METHODS[method_name]
    field, games = meetings(group, method)
    step, traces = counted(lambda state, batch: method.step(field, state, batch))

    @jax.jit
    def two_steps_of_two_runs(states, batch):
        steps = jax.vmap(lambda state: method.step(field, state, batch)[0])
        return jax.lax.scan(lambda s, _: (steps(s), None), states, None, length=2)[0]

    for name, (starts, batch, own_field, own_batch) in games.items():
        states = [method.init(params) for params in starts]
        first = states[0]
        after, info = step(first, batch)

        # A step keeps structures, shapes and dtypes, weak ones too.
        kinds = {"state": describe(first), "direction": describe(first.params)}
        assert describe(after) == kinds["state"], name
        assert describe(info.direction) == kinds["direction"], name
        converged = jnp.asarray(info.converged)
        assert (converged.shape, converged.dtype.kind) == ((), "b"), name

        # The first step of the adaptive one is v/(|v| + ε): it shows the rounding of a small v.
        slack = 1e-4 if method_name.startswith("adaptive_") else 5e-6

        # jit = eager. What other optimizers do to a step does not depend on the game.
        if method_name in METHODS or name == "quadratic":
            eager = method.step(own_field, first, own_batch)
            assert_trees_close((after, info), eager, rtol=1e-5, atol=slack, err_msg=name)

        # scan = Python loop, and vmap = one by one.
        alone = [step(step(state, batch)[0], batch)[0] for state in states]
        expected = jax.tree.map(lambda *leaves: np.stack(leaves), *alone)
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
        together = two_steps_of_two_runs(stacked, batch)
        assert_trees_close(together, expected, rtol=1e-5, atol=slack, err_msg=name)

    # No second step compiled anything.
    assert len(traces) == 1


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("group", "method_name"), PAIRS)
def test_contract_in_float64(group, method_name):
    method = ALL_METHODS[method_name]
    field, games = meetings(group, method)
    step, traces = counted(lambda state, batch: method.step(field, state, batch))

    def reach(params, state, batch):
        moved, _ = method.step(field, state._replace(params=params), batch)
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(moved.params))

    slope = jax.jit(jax.grad(reach))
    rested = []

    @jax.jit
    def still(params, batch):
        one = batch if method.num_batches == 1 else jax.tree.map(lambda leaf: leaf[0], batch)
        return jnp.stack([jnp.all(leaf == 0) for leaf in jax.tree.leaves(field(params, one))]).all()

    for name, (starts, batch, _, _) in games.items():
        # Parameters, memory and direction stay in float64.
        begin = method.init(starts[0])
        state, _ = step(begin, batch)
        after, info = step(state, batch)
        assert describe(after) == describe(state) == describe(begin), name
        assert describe(info.direction) == describe(begin.params), name
        floats = [x.dtype for x in jax.tree.leaves(after) if jnp.issubdtype(x.dtype, jnp.floating)]
        assert set(floats) == {np.dtype("float64")}, name

        # Gradients flow through a step, and are those of finite differences.
        found = slope(state.params, state, batch)
        away = direction_like(state.params)
        ahead, behind = (
            step(state._replace(params=optax.tree.add_scale(state.params, h, away)), batch)[0]
            for h in (1e-4, -1e-4)
        )
        change = sum(
            np.sum(np.sin(a) - np.sin(b))
            for a, b in zip(*map(jax.tree.leaves, (ahead.params, behind.params)), strict=True)
        )
        expected = change / 2e-4
        # Inner solves stop at a tolerance of 1e-6, which is what the differences differ by.
        slack = (1e-3, 2e-2) if method_name.startswith(SOLVERS) else (1e-5, 1e-6)
        np.testing.assert_allclose(
            optax.tree.vdot(found, away), expected, rtol=slack[0], atol=slack[1], err_msg=name
        )

        # An equilibrium is a fixed point. (Adam and RMSProp divide what v is there by its own size:
        # with them it is one where v is 0 to the last bit.)
        for point in GAMES[name].game.equilibria:
            at = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), point)
            if method_name in METHODS or still(at, batch):
                rest, _ = step(method.init(at), batch)
                assert_trees_close(rest.params, at, atol=1e-7, err_msg=name)
                rested.append(name)
    assert group not in GROUPS or "quadratic" in rested
    assert len(traces) == 1


def direction_like(params):
    """A direction of length 1, the same at every call."""
    leaves, structure = jax.tree.flatten(params)
    rng = np.random.default_rng(0)
    away = structure.unflatten([jnp.asarray(rng.normal(size=leaf.shape)) for leaf in leaves])
    return optax.tree.scale(1 / optax.tree.norm(away), away)
