"""Games with classes and codes: losses by a second derivation, what is refused, what is learnt."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special

import ganfield as gf

K = 3
mlp = gf.networks.mlp
SMALL = {"hidden_sizes": (4,), "activation": jnp.tanh}


def batch_of(size=8, *, seed=1, classes=K):
    keys = jax.random.split(jax.random.key(seed), 4)
    return gf.Batch(
        jax.random.normal(keys[0], (size, 2)),
        jax.random.normal(keys[1], (size, 2)),
        jax.random.randint(keys[2], (size,), 0, classes),
        jax.random.split(keys[3], size),
    )


GENERATOR = mlp(2 + K, 2, **SMALL)
SEEING = mlp(2 + K, 1, **SMALL)
NAMING = mlp(2, 1 + K, **SMALL)
GAMES = {
    "conditional": lambda **settings: gf.games.conditional_gan(GENERATOR, SEEING, K, **settings),
    "auxiliary": lambda **settings: gf.games.auxiliary_classifier_gan(
        GENERATOR, NAMING, K, **settings
    ),
    "info": lambda **settings: gf.games.info_gan(
        GENERATOR, NAMING, num_categories=2, num_continuous=1, **settings
    ),
}


def forward(params, x):
    """The small perceptron in NumPy."""
    layers = params["layers"]
    hidden = np.tanh(x @ np.asarray(layers[0]["kernel"]) + np.asarray(layers[0]["bias"]))
    return hidden @ np.asarray(layers[1]["kernel"]) + np.asarray(layers[1]["bias"])


def entropy(logits, label):
    return np.mean(-np.log(scipy.special.softmax(logits, axis=1)[np.arange(len(label)), label]))


def standard(real, fake):
    theta = np.mean(np.logaddexp(0, -fake))
    return np.array([theta, np.mean(np.logaddexp(0, -real)) + np.mean(np.logaddexp(0, fake))])


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_conditional_losses_by_numpy():
    game, batch = GAMES["conditional"](), batch_of()
    params = game.init(jax.random.key(0))
    code = np.eye(K)[np.asarray(batch.label)]
    fake = forward(params.theta, np.hstack([batch.latent, code]))
    of_real = forward(params.phi, np.hstack([batch.real, code]))
    of_fake = forward(params.phi, np.hstack([fake, code]))
    np.testing.assert_allclose(game.losses(params, batch), standard(of_real, of_fake), rtol=1e-10)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_auxiliary_classifier_losses_by_numpy():
    game, batch = GAMES["auxiliary"](class_weight=0.7), batch_of()
    params = game.init(jax.random.key(0))
    label = np.asarray(batch.label)
    fake = forward(params.theta, np.hstack([batch.latent, np.eye(K)[label]]))
    of_real, of_fake = forward(params.phi, np.asarray(batch.real)), forward(params.phi, fake)
    shared = 0.7 * (entropy(of_real[:, 1:], label) + entropy(of_fake[:, 1:], label))
    expected = standard(of_real[:, 0], of_fake[:, 0]) + shared
    np.testing.assert_allclose(game.losses(params, batch), expected, rtol=1e-10)


def spy(inputs):
    """The generator, which lets its input be seen."""

    def apply(params, x):
        inputs.append(x)
        return GENERATOR.apply(params, x)

    return gf.networks.Network(GENERATOR.init, apply, GENERATOR.input_shape)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("categories", "numbers"), [(2, 1), (3, 0), (0, 3)])
def test_info_losses_by_numpy(categories, numbers):
    batch, inputs = batch_of(), []
    game = gf.games.info_gan(
        spy(inputs),
        NAMING,
        num_categories=categories,
        num_continuous=numbers,
        information_weight=0.7,
    )
    params = game.init(jax.random.key(0))
    losses = game.losses(params, batch)
    given = np.asarray(inputs[-1])
    np.testing.assert_array_equal(given[:, :2], batch.latent)
    chosen, values = np.split(given[:, 2:], [categories], axis=1)
    assert np.all((chosen == 0) | (chosen == 1))
    assert np.all(chosen.sum(axis=1) == (1 if categories else 0))
    assert np.all(np.abs(values) <= 1)
    of_real = forward(params.phi, np.asarray(batch.real))
    of_fake = forward(params.phi, forward(params.theta, given))
    guessed, means = np.split(of_fake[:, 1:], [categories], axis=1)
    surprise = np.mean(np.sum((values - means) ** 2, axis=1)) / 2
    if categories:
        surprise += entropy(guessed, chosen.argmax(axis=1))
    expected = standard(of_real[:, 0], of_fake[:, 0]) + 0.7 * surprise
    np.testing.assert_allclose(losses, expected, rtol=1e-10)


@pytest.mark.slow
def test_codes_are_uniform_and_follow_their_keys():
    inputs = []
    game = gf.games.info_gan(spy(inputs), NAMING, num_categories=2, num_continuous=1)

    @jax.jit
    def code_of(params, batch):
        game.losses(params, batch)
        return inputs[-1][:, 2:]

    params, batch = game.init(jax.random.key(0)), batch_of(4096)
    code = code_of(params, batch)
    np.testing.assert_allclose(code.mean(axis=0), [0.5, 0.5, 0], atol=0.04)
    np.testing.assert_allclose(code[:, 2].var(), 1 / 3, atol=0.02)
    assert abs(np.corrcoef(code[:, 0], code[:, 2])[0, 1]) < 0.06
    few = code_of(params, jax.tree.map(lambda leaf: leaf[-100:], batch))
    np.testing.assert_array_equal(few, code[-100:])


@pytest.mark.slow
def test_images_get_a_plane_for_each_class():
    x, label = jnp.arange(2 * 4 * 4 * 1.0).reshape(2, 4, 4, 1), jnp.array([2, 0])
    labelled = gf.games.append_one_hot(x, label, K)
    assert labelled.shape == (2, 4, 4, 1 + K)
    np.testing.assert_array_equal(labelled[..., :1], x)
    np.testing.assert_array_equal(
        labelled[..., 1:], np.broadcast_to(np.eye(K)[[2, 0]][:, None, None], (2, 4, 4, K))
    )

    def network(apply, input_shape):
        return gf.networks.Network(lambda key: jnp.ones(()), apply, input_shape)

    maker = network(
        lambda p, z: p * jnp.tile(z.sum(axis=1)[:, None, None, None], (1, 4, 4, 1)), (5,)
    )
    judge = network(lambda p, x: p * x.sum(axis=(1, 2, 3))[:, None], (4, 4, 1 + K))
    game = gf.games.conditional_gan(maker, judge, K, "wasserstein")
    batch = gf.Batch(x, jnp.ones((2, 2)), label)
    # 16 pixels of 2 + 1 and a plane of 16 ones.
    np.testing.assert_allclose(game.losses(game.init(jax.random.key(0)), batch).theta, -64.0)
    with pytest.raises(
        ValueError, match=r"\(4, 4, 1\), \(4, 4, 4\) with the classes appended, but"
    ):
        gf.games.conditional_gan(maker, network(judge.apply, (4, 4, 1)), K)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conditional", "auxiliary"])
@pytest.mark.parametrize(
    ("label", "said"),
    [
        (None, "None"),
        (jnp.zeros(8), r"float32 of shape \(8,\)"),
        (jnp.zeros((8, 1), int), r"int32 of shape \(8, 1\)"),
        (jnp.arange(8), "values from 0 to 7"),
    ],
)
def test_bad_labels_are_refused(name, label, said):
    game = GAMES[name]()
    with pytest.raises(ValueError, match=rf"hold 8 integers from 0 to 2, .* got {said}"):
        game.losses(game.init(jax.random.key(0)), batch_of()._replace(label=label))


def test_codes_need_keys():
    game = GAMES["info"]()
    with pytest.raises(ValueError, match=r"the code of info_gan draws random numbers.* got None"):
        game.losses(game.init(jax.random.key(0)), batch_of()._replace(key=None))


def test_networks_and_settings_that_do_not_fit_are_refused():
    games = gf.games
    with pytest.raises(ValueError, match=r"num_classes must be an integer ≥ 2, got 1"):
        games.conditional_gan(GENERATOR, SEEING, 1)
    with pytest.raises(
        ValueError, match=r"shape \(latent_size \+ 5,\), got inputs of shape \(5,\)"
    ):
        games.auxiliary_classifier_gan(GENERATOR, NAMING, 5)
    with pytest.raises(ValueError, match=r"one for each class for an example, shape \(4,\), got"):
        games.auxiliary_classifier_gan(GENERATOR, mlp(2, 3, **SMALL), K)
    with pytest.raises(ValueError, match=r"one number for each feature of the code .* \(3,\)"):
        games.info_gan(GENERATOR, NAMING, num_continuous=2)
    for code in ({}, {"num_categories": 1, "num_continuous": 1}):
        with pytest.raises(ValueError, match="the code must have num_categories ≥ 2, num_cont"):
            games.info_gan(GENERATOR, NAMING, **code)
    with pytest.raises(ValueError, match="class_weight must be a number ≥ 0"):
        GAMES["auxiliary"](class_weight=-1.0)
    with pytest.raises(ValueError, match="information_weight must be a number ≥ 0"):
        GAMES["info"](information_weight=-1.0)


HIDDEN = {"hidden_sizes": (24, 24), "activation": jax.nn.leaky_relu}
MAKER, JUDGE, NAMER = mlp(2 + 4, 2, **HIDDEN), mlp(2 + 4, 1, **HIDDEN), mlp(2, 1 + 4, **HIDDEN)


@pytest.mark.long
@pytest.mark.parametrize(
    ("game", "told"),
    [
        (gf.games.conditional_gan(MAKER, JUDGE, 4, penalty="r1", penalty_weight=0.1), True),
        (
            gf.games.auxiliary_classifier_gan(MAKER, NAMER, 4, penalty="r1", penalty_weight=0.1),
            True,
        ),
        (
            gf.games.info_gan(MAKER, NAMER, num_categories=4, penalty="r1", penalty_weight=0.1),
            False,
        ),
    ],
    ids=["conditional", "auxiliary_classifier", "info"],
)
def test_each_class_goes_to_its_mode(game, told):
    modes = jnp.asarray(gf.data.ring(4).modes, float)

    def sample(key):
        batch = batch_of(64, seed=0, classes=4)
        keys = jax.random.split(key, 4)
        label = jax.random.randint(keys[0], (64,), 0, 4)
        real = modes[label] + 0.05 * jax.random.normal(keys[1], (64, 2))
        latent = jax.random.normal(keys[2], (64, 2))
        return batch._replace(
            real=real, latent=latent, label=label, key=jax.random.split(keys[3], 64)
        )

    run = gf.simulate(
        gf.alternating(optax.adam(2e-3, b1=0.5)),
        gf.vector_field(game),
        game.init(jax.random.key(0)),
        num_steps=1000,
        key=jax.random.key(1),
        sample=sample,
    )
    latent = jax.random.normal(jax.random.key(2), (400, 2))
    code = jnp.arange(400) % 4
    fakes = MAKER.apply(run.params.theta, gf.games.append_one_hot(latent, code, 4))
    distance = np.linalg.norm(np.asarray(fakes)[:, None] - np.asarray(modes), axis=-1)
    near = np.array([(distance[code == k] < 0.4).mean(axis=0) for k in range(4)])
    # Row k: the share of fakes of code k near each mode. InfoGAN finds the modes, not their names.
    owner = np.arange(4) if told else near.argmax(axis=1)
    assert sorted(owner) == [0, 1, 2, 3]
    assert near[np.arange(4), owner].min() > 0.9
