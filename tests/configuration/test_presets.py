"""The presets against the table of the official code, typed out again."""

import jax
import numpy as np
import pytest

import ganfield as gf
from ganfield.configuration import PRESETS, preset

NETWORKS = {
    # architecture, layers, batch norm, growing
    "dcgan3": ("dcgan", 3, True, True),
    "dcgan3_nobn": ("dcgan", 3, False, True),
    "dcgan4": ("dcgan", 4, True, True),
    "dcgan4_nobn": ("dcgan", 4, False, True),
    "dcgan4_nobn_cf": ("dcgan", 4, False, False),
    "resnet": ("resnet", 4, False, True),
    "resnet_cf": ("resnet", 4, False, False),
    "mlp 4": ("mlp", 4, False, True),
}
METHODS = {
    "altgd": ("alternating", "identity"),
    "simgd": ("simultaneous", "identity"),
    "conopt": ("simultaneous", "consensus"),
    "smooth": ("simultaneous", "smoothed"),
}
TABLE = """
ring/consensus               | ring    | mlp 4          | conopt | standard | 10|  50000|512| 16| 16
ring/simultaneous            | ring    | mlp 4          | simgd  | standard |  -|  50000|512| 16| 16
celeba/altgd                 | celeba  | resnet_cf      | altgd  | standard |  -| 150000|128|256|128
celeba/simgd                 | celeba  | resnet_cf      | simgd  | standard |  -| 150000|128|256|128
celeba/conopt                | celeba  | resnet_cf      | conopt | standard | 10|1500000|128|256|128
celeba/conopt0               | celeba  | resnet         | conopt | standard | 10|1500000|128| 64| 64
cifar10/altgd_0              | cifar10 | dcgan4         | altgd  | standard |  -| 150000| 64|256| 64
cifar10/simgd_0              | cifar10 | dcgan4         | simgd  | standard |  -| 150000| 64|256| 64
cifar10/conopt_0             | cifar10 | dcgan4         | conopt | standard | 10| 150000| 64|256| 64
cifar10/smooth_0             | cifar10 | dcgan4         | smooth | standard | 10| 150000| 64|256| 64
cifar10/altgd_1              | cifar10 | dcgan4_nobn    | altgd  | standard |  -| 150000| 64|256| 64
cifar10/simgd_1              | cifar10 | dcgan4_nobn    | simgd  | standard |  -| 150000| 64|256| 64
cifar10/conopt_1             | cifar10 | dcgan4_nobn    | conopt | standard | 10| 150000| 64|256| 64
cifar10/smooth_1             | cifar10 | dcgan4_nobn    | smooth | standard | 10| 150000| 64|256| 64
cifar10/altgd_2              | cifar10 | dcgan4_nobn_cf | altgd  | standard |  -| 150000| 64|256| 64
cifar10/simgd_2              | cifar10 | dcgan4_nobn_cf | simgd  | standard |  -| 150000| 64|256| 64
cifar10/conopt_2             | cifar10 | dcgan4_nobn_cf | conopt | standard | 10| 150000| 64|256| 64
cifar10/smooth_2             | cifar10 | dcgan4_nobn_cf | smooth | standard | 10| 150000| 64|256| 64
cifar10/altgd_3              | cifar10 | dcgan4_nobn_cf | altgd  | js       |  -| 150000| 64|256| 64
cifar10/simgd_3              | cifar10 | dcgan4_nobn_cf | simgd  | js       |  -| 150000| 64|256| 64
cifar10/conopt_3             | cifar10 | dcgan4_nobn_cf | conopt | js       | 10| 150000| 64|256| 64
cifar10/smooth_3             | cifar10 | dcgan4_nobn_cf | smooth | js       | 10| 150000| 64|256| 64
cifar10/divergence_standard  | cifar10 | dcgan4_nobn_cf | conopt | standard | 10| 150000| 64|256| 64
cifar10/divergence_js        | cifar10 | dcgan4_nobn_cf | conopt | js       | 10| 150000| 64|256| 64
cifar10/divergence_indicator | cifar10 | dcgan4_nobn_cf | conopt | indicator| 10| 150000| 64|256| 64
cifar10/conopt_conv3         | cifar10 | dcgan3_nobn    | conopt | standard |0.1| 150000| 64|256| 64
cifar10/conopt_conv4         | cifar10 | dcgan4_nobn    | conopt | standard | 10| 150000| 64|256| 64
cifar10/dcgan_conv3          | cifar10 | dcgan3         | altgd  | standard |  -| 150000| 64|256| 64
cifar10/dcgan_conv4          | cifar10 | dcgan4         | altgd  | standard |  -| 150000| 64|256| 64
"""
ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_of_the_official_table(row):
    name, data, network, method, objective, gamma, steps, batch, latent, width = row
    config = preset(name)
    assert config.data.name == data
    for player in (config.generator, config.discriminator):
        layout = (player.architecture, player.num_layers, player.batch_norm, player.growing)
        assert layout == NETWORKS[network]
        assert player.width == int(width)
        assert not player.spectral_norm
    assert (config.method.name, config.method.transform) == METHODS[method]
    assert config.method.gamma == (None if gamma == "-" else float(gamma))
    assert config.method.optimizer == "numerics_rmsprop"
    assert config.method.learning_rate == 1e-4
    assert config.method.phi_learning_rate is None
    assert (config.method.theta_steps, config.method.phi_steps) == (1, 1)
    assert config.method.options == {}  # so φ moves first, and every move has a fresh batch
    assert config.game.objective == objective
    assert (config.game.penalty, config.game.instance_noise) == (None, 0.0)
    assert (config.num_steps, config.batch_size) == (int(steps), int(batch))
    assert config.latent_size == int(latent)


def test_all_other_presets_are_digits():
    others = set(PRESETS) - {row[0] for row in ROWS}
    assert {name.partition("/")[0] for name in others} == {"digits"}
    assert len(ROWS) == 29


def test_celeba_is_64_pixels_wide():
    assert preset("celeba/conopt").data.size == 64


def test_the_hard_digits_differ_by_the_method_alone():
    names = ("alternating", "simultaneous", "consensus")
    one, *others = (preset(f"digits/{name}") for name in names)
    for other in others:
        assert all(name.startswith("method.") for name in one.differences(other))


def test_a_wrong_name_is_answered():
    with pytest.raises(ValueError, match="did you mean 'cifar10/conopt_conv4'"):
        preset("cifar10/conopt_conv_4")


def distinct_games():
    """Return a preset for every pair of networks and objective that there is."""
    names = {}
    for name, config in PRESETS.items():
        game = (config.data.name, config.generator, config.discriminator, config.game)
        names.setdefault(repr(game), name)
    return list(names.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", distinct_games())
def test_every_game_of_a_preset_has_a_field(name):
    config, data = preset(name), None
    if config.data.name in ("cifar10", "celeba"):
        side = {"cifar10": 32, "celeba": 64}[config.data.name]
        data = gf.data.Images(np.zeros((4, side, side, 3), np.uint8))
    built = gf.configuration.build(config, data)
    params = jax.eval_shape(built.game.init, jax.random.key(0))
    batch = jax.eval_shape(built.sampler(), jax.random.key(0))
    v = jax.eval_shape(built.original, params, batch)
    assert jax.tree.map(lambda leaf: leaf.shape, v) == jax.tree.map(lambda x: x.shape, params)
