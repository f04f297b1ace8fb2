"""What shapes and dtypes losses, batches, labels, parameters and numbers may have."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.games._labels import append_one_hot

mlp = gf.networks.mlp
SMALL = {"hidden_sizes": (4,), "activation": jnp.tanh}
GENERATOR, DISCRIMINATOR = mlp(3, 2, **SMALL), mlp(2, 1, **SMALL)
BATCH = gf.Batch(jnp.ones((8, 2)), jnp.ones((8, 3)))
START = gf.Players(1.0, 2.0)


def traced(game, params=START, batch=None):
    """Trace the losses and the gradients, as whatever uses them does."""
    for function in (game.losses, game.gradients):
        yield lambda function=function: jax.eval_shape(function, params, batch)


def scalar(theta, phi, batch):
    return theta * phi


def several(theta, phi, batch):
    return theta * phi * jnp.ones(16)


def init(key):
    return START


@pytest.mark.parametrize(
    ("game", "name"),
    [
        (gf.games.general_sum(several, scalar, init), "theta"),
        (gf.games.general_sum(scalar, several, init), "phi"),
        (gf.games.zero_sum(several, init), ""),
        (gf.games.joint(lambda p, b: (several(*p, b), scalar(*p, b)), init), "theta"),
        (gf.games.joint(lambda p, b: (scalar(*p, b), several(*p, b)), init), "phi"),
    ],
)
def test_losses_of_examples_are_refused(game, name):
    said = rf"the loss( of {name})? must be a scalar, got float32 of shape \(16,\): take its mean"
    for trace in traced(game):
        with pytest.raises(ValueError, match=said):
            trace()


def test_the_loss_of_a_game_that_is_unrolled_is_a_scalar():
    quadratic = gf.games.quadratic()
    by_hand = quadratic._replace(
        losses=lambda p, batch=None: gf.Players(several(*p, batch), scalar(*p, batch))
    )
    with pytest.raises(ValueError, match=r"the loss of theta must be a scalar, .* \(16,\)"):
        gf.vector_field(gf.games.unrolled(by_hand, num_steps=1, step_size=0.1))(START)


def test_losses_come_in_pairs():
    for losses in (scalar, lambda *_: jnp.ones(()), lambda *_: (1.0, 1.0, 1.0)):
        game = gf.games.joint(lambda p, b, losses=losses: losses(*p, b), init)
        with pytest.raises(
            ValueError, match=r"the loss must come as gf.Players\(theta, phi\), got"
        ):
            game.losses(START)


def gan(**options):
    return gf.games.gan(GENERATOR, DISCRIMINATOR, **options)


def without_mean(real, fake):
    return gf.Players(-fake, fake - real)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"objective": without_mean},
            "the objective's loss of theta must be a scalar, got float32",
        ),
        (
            {"objective": lambda real, fake: gf.Players(fake.mean(), fake[:, None])},
            r"the objective's loss of phi .* of shape \(8, 1\): take its mean",
        ),
        (
            {"objective": lambda real, fake: fake.mean()},
            "the objective's loss must come as gf.Players",
        ),
        (
            {"penalty": lambda score, real, fake, key: score(real) ** 2},
            r"the penalty must be a scalar, got float32 of shape \(8,\): take its mean",
        ),
    ],
)
def test_objectives_and_penalties_are_scalars(options, said):
    game = gan(**options)
    for trace in traced(game, game.init(jax.random.key(0)), BATCH):
        with pytest.raises(ValueError, match=said):
            trace()


def test_a_penalty_needs_one_logit_for_each_example():
    for scores in (lambda x: x, lambda x: x.sum()):
        with pytest.raises(ValueError, match="score must give one logit for each example"):
            gf.games.PENALTIES["r1"](scores, jnp.ones((4, 2)), jnp.ones((4, 2)))


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (None, r"batch must be a gf.Batch\(real, latent\), .* got NoneType"),
        (jnp.ones((8, 2)), "batch must be a gf.Batch"),
        (
            BATCH._replace(latent=jnp.ones(3)),
            r"batch.latent must have the shape \(batch, 3\), .*None",
        ),
        (
            BATCH._replace(latent=jnp.ones((8, 4))),
            r"batch.latent .* generator takes .* got \(8, 4\)",
        ),
        (
            BATCH._replace(real=jnp.ones(2)),
            r"batch.real must have .*\(batch, 2\), .* batch.real\[None",
        ),
        (BATCH._replace(real=jnp.ones((8, 5))), r"batch.real .* got \(8, 5\)"),
        (
            BATCH._replace(real=jnp.ones((8, 2), jnp.uint8)),
            "batch.real .* floating-.* got uint8: bring",
        ),
    ],
)
def test_batches_fit_the_networks(batch, said):
    game = gan()
    for trace in traced(game, game.init(jax.random.key(0)), batch):
        with pytest.raises(ValueError, match=said):
            trace()


@pytest.mark.parametrize("size", [2, 3, 6])
def test_latent_variables_leave_room_for_a_code(size):
    game = gf.games.conditional_gan(mlp(3 + 4, 2, **SMALL), mlp(2 + 4, 1, **SMALL), 4)
    params = game.init(jax.random.key(0))
    batch = BATCH._replace(latent=jnp.ones((8, size)), label=jnp.arange(8) % 4)
    if size == 3:
        assert np.isfinite(game.losses(params, batch).phi)
        return
    with pytest.raises(ValueError, match=r"batch.latent must have the shape \(batch, 3\)"):
        game.losses(params, batch)


def labelled(classes, kind):
    if kind == "conditional":
        return gf.games.conditional_gan(mlp(3 + classes, 2), mlp(2 + classes, 1), classes)
    return gf.games.auxiliary_classifier_gan(mlp(3 + classes, 2), mlp(2, 1 + classes), classes)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["conditional", "auxiliary"])
@pytest.mark.parametrize("wrong", [-1, 4, 100])
def test_labels_that_are_no_classes_stop_a_run(kind, wrong):
    game = labelled(4, kind)
    right = jnp.arange(8) % 4

    def run(label):
        return gf.simulate(
            gf.simultaneous(optax.sgd(0.01)),
            gf.vector_field(game),
            game.init(jax.random.key(0)),
            num_steps=2,
            key=jax.random.key(0),
            sample=lambda key: BATCH._replace(label=label),
        ).stopped_at

    stopped = jax.jit(jax.vmap(run))(jnp.stack([right, right.at[3].set(wrong)]))
    np.testing.assert_array_equal(stopped, [-1, 1])


def test_codes_of_traced_labels():
    x, label = jnp.ones((3, 2)), jnp.array([0, 3, -1])
    codes = jax.jit(lambda label: append_one_hot(x, label, 3))(label)
    np.testing.assert_array_equal(codes[0], [1, 1, 1, 0, 0])
    assert np.all(np.isnan(codes[1:, 2:]))
    with pytest.raises(
        ValueError, match=r"x must have the shape \(batch, …, features\), got \(3,\)"
    ):
        append_one_hot(jnp.ones(3), jnp.array([0, 1, 2]), 3)


COMPLEX = gf.Players(jnp.ones(()), {"weight": jnp.ones(2, complex)})
PARTS = r"\.phi\['weight'\] must hold real .* got complex64: give the real and the imaginary part"


def modulus(theta, phi, batch):
    return theta * jnp.sum(jnp.abs(phi["weight"]) ** 2)


def test_complex_parameters_are_refused_where_fields_begin():
    v = gf.vector_field(gf.games.zero_sum(modulus, init))

    def by_hand(params, batch=None):
        return params

    looks = (v, gf.consensus(by_hand, gamma=1.0), gf.jacobian(by_hand))
    products = (lambda params: gf.jvp(by_hand)(params, params), gf.vjp(by_hand))
    for look in (*looks, products[0], lambda params: products[1](params, params)):
        with pytest.raises(
            ValueError, match="must hold real floating-point numbers, got complex64"
        ):
            look(COMPLEX)
    with pytest.raises(ValueError, match=PARTS):
        gf.field.check_field(by_hand, COMPLEX)


@pytest.mark.parametrize("name", gf.METHODS)
def test_complex_parameters_are_refused_where_methods_begin(name):
    method = gf.METHODS[name](optax.sgd(0.1))
    for wrapped in (method, gf.lookahead(method), gf.averaged(method)):
        with pytest.raises(ValueError, match=PARTS):
            wrapped.init(COMPLEX)


V = gf.vector_field(gf.games.bilinear())
STEPS = gf.simultaneous(optax.sgd(0.1))
NUMBERS = {
    "gamma": [
        lambda x: gf.consensus(V, gamma=x),
        lambda x: gf.jare(V, gamma=x),
        lambda x: gf.smoothed(V, gamma=x),
    ],
    "strength": [
        lambda x: gf.symplectic(V, strength=x),
        lambda x: gf.methods.decoupled_consensus(optax.sgd(0.1), strength=x),
    ],
    "epsilon": [
        lambda x: gf.symplectic(V, epsilon=x),
        lambda x: gf.methods.adaptive_competitive(optax.sgd(0.1), epsilon=x),
        lambda x: gf.games.almost_bilinear(x),
    ],
    "step_size": [
        lambda x: gf.TRANSFORMS["linearized_competitive"](V, step_size=x),
        lambda x: gf.field.simultaneous_drift(V, step_size=x),
        lambda x: gf.field.alternating_drift(V, step_size=x),
        lambda x: gf.games.unrolled(gf.games.bilinear(), step_size=x),
    ],
    "theta": [lambda x: gf.TRANSFORMS["scaled"](V, theta=x)],
    "phi": [lambda x: gf.TRANSFORMS["scaled"](V, phi=x)],
    "momentum": [lambda x: gf.lead(optax.sgd(0.1), momentum=x)],
    "alignment": [lambda x: gf.lead(optax.sgd(0.1), alignment=x)],
    "decay": [
        lambda x: gf.averaged(STEPS, decay=x),
        lambda x: gf.methods.adaptive_competitive(optax.sgd(0.1), decay=x),
    ],
    "share": [lambda x: gf.lookahead(STEPS, share=x)],
    "tolerance": [
        lambda x: gf.METHODS["competitive"](optax.sgd(0.1), tolerance=x),
        lambda x: gf.METHODS["proximal_point"](optax.sgd(0.1), tolerance=x),
        lambda x: gf.METHODS["follow_the_ridge"](optax.sgd(0.1), tolerance=x),
    ],
    "damping": [lambda x: gf.METHODS["follow_the_ridge"](optax.sgd(0.1), damping=x)],
    "limit": [lambda x: gf.keep_within(x)],
    "learning_rate": [lambda x: gf.numerics_rmsprop(x)],
    "penalty_weight": [
        lambda x: gan(penalty_weight=x),
        lambda x: gf.games.dirac_gan(penalty_weight=x),
    ],
    "instance_noise": [
        lambda x: gan(instance_noise=x),
        lambda x: gf.games.dirac_gan(instance_noise=x),
    ],
    "coupling": [lambda x: gf.games.lattice(x), lambda x: gf.games.quadratic(coupling=x)],
    "theta_curvature": [lambda x: gf.games.quadratic(theta_curvature=x)],
}


@pytest.mark.parametrize("name", NUMBERS)
def test_one_number_is_one_number(name):
    for build in NUMBERS[name]:
        for several_numbers in (gf.Players(0.0, 0.5), [0.5, 0.5], {"a": 0.5}, jnp.ones(2) / 2):
            with pytest.raises(ValueError, match=f"{name} must be a number"):
                build(several_numbers)
        build(jnp.asarray(0.5))

        def under_jit(x, build=build):
            build(x)
            return x

        jax.eval_shape(under_jit, 0.5)
        with pytest.raises(ValueError, match=f"{name} must be a number"):
            jax.eval_shape(under_jit, jnp.ones(2))


def test_players_where_they_are_documented():
    pair = gf.Players(0.5, 0.25)
    assert gf.TRANSFORMS["clipped"](V, max_norm=pair)(START) == gf.Players(-0.5, 0.25)
    gf.negative_momentum(optax.sgd(0.1), momentum=pair)
    for build in (
        lambda x: gf.TRANSFORMS["clipped"](V, max_norm=x),
        lambda x: gf.negative_momentum(optax.sgd(0.1), momentum=x),
    ):
        with pytest.raises(ValueError, match=r"(max_norm|momentum) must be a number"):
            build(gf.Players(0.5, jnp.ones(2) / 2))


@pytest.mark.parametrize(
    ("name", "argument"),
    [("bilinear", "coupling"), ("gaussian_mean", "mean"), ("covariance", "sigma")],
)
def test_players_are_no_array(name, argument):
    for pair in (gf.Players(1.0, 2.0), gf.Players(jnp.array([2.0, 0.0]), jnp.array([0.0, 1.0]))):
        with pytest.raises(
            ValueError, match=f"{argument} must be a number or an array, got Players"
        ):
            gf.GAMES[name](pair)
