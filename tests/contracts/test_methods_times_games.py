"""Every registered method on every registered game: the battery of `ganfield.testing` on all.

Compiling is what costs here, so that a method meets all games of two numbers in one program, whose
field is told the number of the game by its batch.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.testing._method import Case, check_cases
from tests.cases import (
    GAMES,
    GANS,
    METHODS,
    PLANE_GAMES,
    SOLVERS,
    VARIANTS,
    batch_of,
    params_of,
    plane_field,
)

# What other optimizers and options do to a step shows on three games.
FEW_GAMES = ("quadratic", "dirac_gan", "covariance")
GROUPS = {"plane": PLANE_GAMES, "few": FEW_GAMES}
# The objectives share everything but the losses; one stands for them where compiling is slow.
OTHER_GAMES = ("matrix", "gan_standard")
PAIRS = [("plane", method) for method in METHODS] + [("few", method) for method in VARIANTS]
PAIRS += [(game, method) for game in OTHER_GAMES for method in METHODS]
# Methods look at a field, and not at what it is made of: one stands for them where games differ.
PAIRS += [(game, "alternating") for game in ("semi_supervised_gan", "bigan", "image_to_image")]
QUICK = [("matrix", "simultaneous"), ("matrix", "alternating"), ("plane", "simultaneous")]


def tier(group, name):
    """Networks and inner solves compile for long; matrix games, the quickest, stand for them."""
    if (group, name) in QUICK:
        return ()
    is_long = (name.startswith(SOLVERS) and group != "matrix") or group in ("gan_standard", *GANS)
    return pytest.mark.long if is_long else pytest.mark.slow


IN_FLOAT64 = [
    # What compiles quickest stands for the other games here too.
    pytest.param(*pair, marks=tier(*pair) if pair[0] == "matrix" else pytest.mark.long)
    for pair in PAIRS
]
PAIRS = [pytest.param(*pair, marks=tier(*pair)) for pair in PAIRS]


def meetings(group, at_rest):
    """Return a field and where a method meets it; ``at_rest(game, batch)`` are its rests."""
    if group not in GROUPS:
        given = (GAMES | GANS)[group]
        game, batch = given.game, batch_of(given)
        case = Case(group, params_of(given), at_rest(game, batch), batch)
        return gf.vector_field(game), [case]

    def start(case):  # near enough that three steps of any method stay finite
        return jax.tree.map(lambda leaf: leaf / 2, params_of(case))

    games = {name: GAMES[name] for name in GROUPS[group]}
    cases = [
        Case(name, start(case), at_rest(case.game, jnp.asarray(number)), jnp.asarray(number))
        for number, (name, case) in enumerate(games.items())
    ]
    return plane_field(GROUPS[group]), cases


def check(group, name):
    is_double = jnp.result_type(float) == jnp.float64

    def at_rest(game, batch):
        if not is_double:  # v of a zero that is rounded to float32 is not 0
            return ()
        rests = [jax.tree.map(lambda x: jnp.asarray(x, float), z) for z in game.equilibria]
        if name in METHODS and not name.startswith("adaptive_"):
            return tuple(rests)
        # Adam, RMSProp and the adaptive method divide what v is there by its own size: with them a
        # point is at rest where v is 0 to the last bit.
        still = gf.vector_field(game)
        return tuple(z for z in rests if not any(map(np.any, jax.tree.leaves(still(z, None)))))

    field, cases = meetings(group, at_rest)
    assert not is_double or group not in GROUPS or any(case.rests for case in cases)
    method = (METHODS | VARIANTS)[name]
    if (group, name) == ("gan_standard", "follow_the_ridge"):
        # A network's J_φφ is as good as singular, and its solve turns rounding into steps.
        method = gf.follow_the_ridge(optax.sgd(0.1), damping=1.0)
    check_cases(
        method,
        field,
        cases,
        key=jax.random.key(0),
        # The first step of the adaptive one is v/(|v| + ε): it shows the rounding of a small v.
        atol=1e-4 if name.startswith("adaptive_") else 5e-6,
        # Inner solves stop at a tolerance of 1e-6, which is what the differences differ by.
        tolerance=2e-2 if name.startswith(SOLVERS) else 1e-5,
    )


@pytest.mark.parametrize(("group", "name"), PAIRS)
def test_contract(group, name):
    check(group, name)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("group", "name"), IN_FLOAT64)
def test_contract_in_float64(group, name):
    check(group, name)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", METHODS | VARIANTS)
def test_memory_is_in_float64(name):
    params = params_of(GAMES["quadratic"])
    state = jax.eval_shape((METHODS | VARIANTS)[name].init, params)
    floats = [x.dtype for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.floating)]
    assert set(floats) == {np.dtype("float64")}
