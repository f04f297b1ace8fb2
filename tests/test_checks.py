"""Checks of arguments: what passes, what does not, and what the errors say."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield import checks

REGISTRY = {"standard": 1, "js": 2, "kl": None}


def test_lookup_returns_what_is_registered():
    assert [checks.lookup(REGISTRY, name, argument="x") for name in REGISTRY] == [1, 2, None]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("standart", "unknown x 'standart': did you mean 'standard'? Known: js, kl, standard"),
        ("zzz", "unknown x 'zzz': Known: js, kl, standard"),
        ("", "unknown x '': Known: js, kl, standard"),
        (None, "unknown x None: Known: js, kl, standard"),
        (3, "unknown x 3: Known: js, kl, standard"),
        (["js"], "unknown x ['js']: did you mean 'js'? Known: js, kl, standard"),
    ],
)
def test_lookup_names_what_is_known(name, message):
    with pytest.raises(ValueError, match="unknown x") as error:
        checks.lookup(REGISTRY, name, argument="x")
    assert str(error.value) == message


def test_concrete_knows_values_but_not_tracers():
    np.testing.assert_array_equal(checks.concrete([1, 2]), np.array([1, 2]))
    array = checks.concrete(jnp.arange(3.0))
    assert isinstance(array, np.ndarray)
    np.testing.assert_array_equal(array, [0, 1, 2])

    answers = []

    def look(x):
        answers.extend([checks.concrete(x), checks.concrete([x, 1.0])])
        return x

    jax.jit(look)(1.0)
    jax.vmap(look)(jnp.ones(2))
    jax.grad(look)(1.0)
    assert answers == [None] * 6


@pytest.mark.parametrize(
    "value", [0, 0.0, -0.0, 1, 2.5, np.inf, np.float32(3), np.array(1), jnp.zeros(()), jnp.array(2)]
)
def test_numbers_that_are_not_negative_pass(value):
    assert checks.check_not_negative(value, argument="gamma") is None


@pytest.mark.parametrize(
    "value",
    [
        *(-1, -1e-30, float("nan"), jnp.array(-2.0), "1", None, True, np.True_, 1j),
        *([1.0, 2.0], np.ones(2), jnp.ones((1,)), {"a": 1.0}, gf.Players(0.0, 1.0)),
    ],
)
def test_other_values_are_refused_by_name(value):
    with pytest.raises(ValueError, match="gamma must be a number ≥ 0, got") as error:
        checks.check_not_negative(value, argument="gamma")
    assert str(error.value).endswith(repr(value))


def test_traced_numbers_pass():
    def checked(gamma):
        checks.check_not_negative(gamma, argument="gamma")
        return 2 * gamma

    np.testing.assert_array_equal(jax.jit(checked)(-1.0), -2)
    np.testing.assert_array_equal(jax.vmap(checked)(jnp.array([-1.0, 1.0])), [-2, 2])
    # How many they are is known of them too.
    for several in (jnp.ones(2), gf.Players(0.0, 1.0)):
        with pytest.raises(ValueError, match="gamma must be a number ≥ 0, got"):
            jax.jit(checked)(several)


@pytest.mark.parametrize("loss", [1.0, np.float64(2), jnp.ones((), jnp.bfloat16)])
def test_scalars_are_handed_on(loss):
    assert checks.check_scalar(loss, what="the loss") is loss


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (np.ones(16, np.float32), r"float32 of shape \(16,\): take its mean"),
        (jnp.ones((1,)), r"float32 of shape \(1,\): take its mean"),
        (1j, "complex64"),
        (3, "int32 .* no floating-point number"),
        ((1.0, 2.0), "tuple"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_scalar_is_no_loss(loss, said):
    with pytest.raises(ValueError, match=f"the loss must be a scalar, got {said}"):
        checks.check_scalar(loss, what="the loss")


@pytest.mark.parametrize("value", [1, 7, np.int64(7), np.uint8(1), jnp.array(7), np.array(7)])
def test_counts_become_integers(value):
    count = checks.check_count(value, argument="n")
    assert type(count) is int
    assert count == value


@pytest.mark.parametrize(
    "value", [0, -3, 1.0, np.float64(2), "3", None, True, np.True_, [1], np.array([1, 2]), 1j]
)
def test_what_is_no_count_is_refused(value):
    with pytest.raises(ValueError, match="n must be an integer ≥ 1, got") as error:
        checks.check_count(value, argument="n")
    assert str(error.value).endswith(repr(value))


def test_counts_have_the_minimum_that_is_asked_for():
    assert checks.check_count(0, argument="n", minimum=0) == 0
    assert checks.check_count(5, argument="n", minimum=5) == 5
    for value, minimum in ((-1, 0), (4, 5), (0.0, 0), (False, 0)):
        with pytest.raises(ValueError, match=f"n must be an integer ≥ {minimum}, got {value}"):
            checks.check_count(value, argument="n", minimum=minimum)


def test_a_traced_count_is_refused():
    with pytest.raises(ValueError, match="n must be an integer ≥ 1"):
        jax.jit(lambda n: checks.check_count(n, argument="n"))(3)


def check(given, expected):
    checks.check_same_structure(given, expected, argument="value", source="params")


def test_trees_of_one_structure_pass():
    tree = gf.Players({"a": np.ones(3), "b": 1.0}, [np.zeros((2, 1))])
    assert check(jax.tree.map(jnp.asarray, tree), tree) is None
    assert check(None, None) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((1.0, 2.0), gf.Players(1.0, 2.0)),
        ({"a": 1.0}, {"b": 1.0}),
        ([1.0], [1.0, 2.0]),
        (None, 1.0),
    ],
)
def test_trees_of_another_structure_are_refused(given, expected):
    with pytest.raises(ValueError, match="value must have the structure of params") as error:
        check(given, expected)
    assert str(jax.tree.structure(given)) in str(error.value)
    assert str(jax.tree.structure(expected)) in str(error.value)


def test_the_leaf_of_another_shape_is_named():
    message = r"value\.phi\['b'\] must have the shape of params, \(3,\), got \(4,\)"
    with pytest.raises(ValueError, match=message):
        check(gf.Players(0.0, {"b": np.ones(4)}), gf.Players(0.0, {"b": np.ones(3)}))
    with pytest.raises(ValueError, match=r"value must have the shape of params, \(\), got \(1,\)"):
        check(np.ones(1), 1.0)
    # As many numbers in another order are another shape.
    with pytest.raises(ValueError, match=r"\(2, 3\), got \(3, 2\)"):
        check(np.ones((3, 2)), np.ones((2, 3)))


def test_shapes_are_compared_under_jit():
    expected = {"a": np.ones(3)}

    def checked(given):
        check(given, expected)
        return given["a"].sum()

    assert jax.jit(checked)({"a": np.ones(3)}) == 3
    with pytest.raises(ValueError, match=r"value\['a'\] must have the shape"):
        jax.jit(checked)({"a": np.ones(2)})


@pytest.mark.parametrize(
    ("batch", "size"),
    [
        (gf.Batch(np.ones((4, 2)), np.ones((4, 3))), 4),
        (np.ones(5), 5),
        (jax.ShapeDtypeStruct((6, 1), "float32"), 6),
        (gf.Batch(np.ones((4, 2)), np.ones((5, 2))), None),
        ((np.ones(4), 1.0), None),
        (1.0, None),
        (None, None),
        ({}, None),
        (np.ones((0, 3)), 0),
    ],
)
def test_leading_size_is_what_all_leaves_share(batch, size):
    assert checks.leading_size(batch) == size


@pytest.mark.parametrize(
    "bounds",
    [
        (-1, 2),
        [-1, 2],
        np.array([-1.0, 2.0]),
        jnp.array([-1, 2]),
        gf.Players((-1, 2), (-1.0, 2.0)),
        gf.Players([-1, 2], np.array([-1, 2])),
    ],
)
def test_bounds_become_a_pair_for_each_player(bounds):
    box = checks.check_bounds(bounds)
    assert box == gf.Players((-1.0, 2.0), (-1.0, 2.0))
    assert isinstance(box, gf.Players)
    assert {type(end) for pair in box for end in pair} == {float}


def test_players_may_have_bounds_of_their_own():
    bounds = checks.check_bounds(gf.Players((0, 1), (-3, -2)))
    assert bounds == gf.Players((0.0, 1.0), (-3.0, -2.0))


@pytest.mark.parametrize(
    "bounds",
    [
        (2, 1),
        (1, 1),
        (0, np.inf),
        (-np.inf, 0),
        (0, np.nan),
        (-1e308, 1e308),  # the width is not finite
        (1,),
        (0, 1, 2),
        ((0, 1), (0, 1)),  # which is whose?
        3,
        None,
        "ab",
        gf.Players(0, 1),
        gf.Players((0, 1), None),
        gf.Players((0, 1), (1, 0)),
        gf.Players((0, 1), (0, np.nan)),
    ],
)
def test_what_are_no_bounds_is_refused(bounds):
    with pytest.raises(ValueError, match=r"box must be \(low, high\), two finite numbers") as error:
        checks.check_bounds(bounds, argument="box")
    assert str(error.value).endswith(repr(bounds))


NOTHING = gf.Players((), ())
STILL = gf.simultaneous(optax.sgd(0.1))


def itself(params, batch=None):
    return params


@pytest.mark.parametrize(
    "call",
    [
        lambda: gf.jacobian(itself)(NOTHING),
        lambda: gf.eigenvalues(itself)(NOTHING),
        lambda: gf.classify(itself, NOTHING),
        lambda: gf.find_equilibria(itself, bounds=(-1, 1), template=NOTHING),
        lambda: gf.branches(lambda knob: itself, NOTHING, (0, 1)),
        lambda: gf.limit_cycle(itself, NOTHING),
        lambda: gf.limit_cycle(itself, NOTHING, method=STILL),
        lambda: gf.spectral_radius(STILL, itself, NOTHING),
        lambda: gf.convergence_rate(STILL, itself, NOTHING),
        lambda: gf.largest_stable(lambda h: (STILL, itself), NOTHING, bounds=(0, 1)),
        lambda: gf.noise_floor(STILL, itself, NOTHING, sample=jax.random.normal),
        lambda: gf.mean_square_radius(STILL, itself, NOTHING, sample=jax.random.normal),
        lambda: gf.spectral_density(itself, NOTHING, part="symmetric"),
        lambda: gf.jacobian_blocks(itself, NOTHING),
    ],
)
def test_where_there_is_no_number_there_is_nothing_to_analyse(call):
    with pytest.raises(ValueError, match=r"(params|start|template) must hold at least one number"):
        call()
