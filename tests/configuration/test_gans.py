"""Every game of two networks, from a configuration: batches, networks, what it is trained by."""

import jax
import numpy as np
import pytest

import ganfield as gf
from ganfield.configuration import build, preset

NAMES = {
    "conditional_gan": "conditional_gan",
    "auxiliary_classifier_gan": "auxiliary_classifier_gan",
    "info_gan": "info_gan",
    "semi_supervised_gan": "semi_supervised_gan",
    "bigan": "bigan",
    "image_to_image": "image_to_image",
    "edges": "image_to_image",
}
SMALL = {
    "data.size": 8,
    "batch_size": 8,
    "latent_size": 3,
    "samples": 4,
    "reference_size": 8,
    **{
        f"{player}.{name}": value
        for player in ("generator", "discriminator")
        for name, value in {
            "architecture": "mlp",
            "width": 4,
            "num_layers": 1,
            "growing": True,
            "batch_norm": False,
        }.items()
    },
}


RING = {"data.name": "ring", "data.size": None}


def small(name, **changes):
    return preset(f"digits/{name}").replace(SMALL | changes)


def test_there_is_a_preset_of_every_game():
    played = {config.game.name for config in gf.configuration.PRESETS.values()}
    assert played == set(gf.games.gans())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_has_what_the_game_takes(name):
    built = build(small(name))
    batch = built.sampler()(jax.random.key(0))
    label = "label" if "semi" in name or "class" in name or "conditional" in name else ""
    assert (batch.label is not None) == bool(label)
    assert (batch.key is not None) == (name == "info_gan")
    assert repr(built.game).startswith(NAMES[name])
    params = jax.eval_shape(built.game.init, jax.random.key(0))
    shown = jax.eval_shape(built.game.outputs, params, batch)
    assert shown.fake.shape == (8, 8, 8, 1)
    assert shown.logits_real.shape == (8,)
    inputs = built.inputs(jax.random.key(1), 5)
    made = jax.eval_shape(built.generator.apply, params.theta, inputs)
    assert made.shape == (5, 8, 8, 1)
    if name == "semi_supervised_gan":
        assert (np.asarray(batch.label) >= 0).tolist() == [False, False, False, True] * 2
    if name == "bigan":
        code = jax.eval_shape(built.encoder.apply, params.theta, batch.real)
        assert code.shape == (8, 3)


def test_an_encoder_with_noise():
    built = build(small("bigan", **{"game.options.noise_size": 2}))
    assert built.sampler()(jax.random.key(0)).latent.shape == (8, 3 + 2 + 2)
    assert built.generator.input_shape == (5,)
    assert built.encoder.input_shape == (8, 8, 3)
    assert built.discriminator.input_shape == (8, 8, 1 + 3)


def test_codes_and_classes_are_drawn_as_the_game_draws_them():
    built = build(small("info_gan", **{"game.options.num_continuous": 2}))
    inputs = np.asarray(built.inputs(jax.random.key(0), 2000))
    assert inputs.shape == (2000, 3 + 10 + 2)
    assert set(inputs[:, 3:13].sum(axis=1)) == {1.0}
    np.testing.assert_allclose(inputs[:, 3:13].mean(axis=0), 0.1, atol=0.03)
    assert inputs[:, 13:].min() < -0.95
    np.testing.assert_allclose(inputs[:, 13:].var(axis=0), 1 / 3, atol=0.03)
    inputs = build(small("conditional_gan")).inputs(jax.random.key(0), 2000)
    np.testing.assert_allclose(np.asarray(inputs)[:, 3:].mean(axis=0), 0.1, atol=0.03)


@pytest.mark.long
@pytest.mark.parametrize("name", ["info_gan", "semi_supervised_gan", "bigan", "image_to_image"])
def test_a_run_and_what_it_leaves(name, tmp_path):
    config = small(name, record_every=2, evaluate_every=2, checkpoint_every=2, num_steps=2)
    assert gf.training.train(config, tmp_path / "run").step == 2
    result = gf.training.train(config, tmp_path / "run", num_steps=4)  # it can be taken on
    assert (result.outcome, result.step) == ("finished", 4)
    run = gf.runs.load(tmp_path / "run")
    assert run.config.game.name == NAMES[name]
    assert run.generate(3).shape == (3, 8, 8, 1)
    assert np.isfinite(run.metrics["norm_v_theta"]).all()
    assert run.data.shape == (8, 8, 1)


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("bigan", {"game.name": "begin"}, "unknown game.name 'begin': did you mean 'bigan'"),
        ("bigan", {"game.name": "dirac_gan"}, "unknown game.name 'dirac_gan'"),
        ("bigan", {"game.options.noise": 1}, r"unknown name in game\.options 'noise': did you"),
        ("info_gan", {"game.options": {}}, "game.options must give info_gan a code"),
        ("info_gan", {"game.options.num_categories": 1}, "got num_categories=1"),
        ("conditional_gan", RING, "needs data with labels, and ring has none"),
        ("image_to_image", {"data.pairs": None}, "game.name=image_to_image needs pairs"),
        ("image_to_image", {"data.pairs": "edge"}, "unknown data.pairs 'edge': did you mean 'edg"),
        ("image_to_image", {"generator.architecture": "dcgan"}, "generator.architecture 'dcgan'"),
        ("semi_supervised_gan", {"data.labels_per_class": 500}, "data.labels_per_class: per_class"),
        ("semi_supervised_gan", {"data.labels_per_class": 0}, "data.labels_per_class must be an"),
        ("semi_supervised_gan", {"data.labelled_share": 0}, r"data.labelled_share must be in \(0"),
        ("semi_supervised_gan", {"data.pairs": "edges"}, "are for different games: give one"),
    ],
)
def test_what_does_not_fit_is_refused(name, changes, said):
    with pytest.raises(ValueError, match=said):
        build(small(name, **changes))


def test_streaming_is_for_sets_of_one_kind():
    from ganfield.training._feeds import storage_of

    for name in ("semi_supervised_gan", "image_to_image"):
        data = gf.configuration.load_data(small(name).data)
        with pytest.raises(ValueError, match=r"data\.storage=host is for images and own arrays"):
            storage_of("host", data)


def test_data_are_told_apart():
    def told(**changes):
        config = preset("digits/mlp").data
        return gf.configuration.fingerprint(
            gf.configuration.load_data(gf.configuration.DataConfig(name=config.name, **changes))
        )

    prints = [told(), told(labels_per_class=3), told(labels_per_class=4)]
    prints += [told(pairs="quarter"), told(pairs="edges")]
    assert all(one != other for i, one in enumerate(prints) for other in prints[:i])
    assert all(each["count"] == 1442 for each in prints)
