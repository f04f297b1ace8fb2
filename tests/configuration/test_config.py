"""Configurations: typed, equal after JSON, and changed by dotted names."""

import dataclasses
import json

import pytest

import ganfield as gf
from ganfield.configuration import Config, MethodConfig, NetworkConfig


def test_json_round_trip():
    config = Config(method=MethodConfig(gamma=0.1, options={"a": 1}), seed=3)
    assert Config.from_json(config.to_json()) == config
    assert json.loads(config.to_json())["method"]["gamma"] == 0.1
    for each in gf.configuration.PRESETS.values():
        assert Config.from_json(each.to_json()) == each


def test_what_is_left_out_has_its_default():
    assert Config.from_dict({"method": {"gamma": 2}}) == Config(method=MethodConfig(gamma=2.0))


@pytest.mark.parametrize("name", ["digits/dcgan", "digits/alternating", "cifar10/altgd_0"])
def test_batch_norm_of_a_preset_is_not_held_against_who_chooses_a_perceptron(name):
    config = gf.configuration.preset(name)
    data = gf.data.digits(size=16)
    chosen = {"generator.architecture": "mlp", "discriminator.architecture": "mlp"}
    changed = config.replace(chosen | {"generator.width": 4})
    assert (changed.generator.batch_norm, changed.discriminator.batch_norm) == (False, False)
    assert gf.configuration.build(changed, data).generator.input_shape == (config.latent_size,)
    assert Config.from_json(changed.to_json()) == changed
    # What the user says counts, whatever the order.
    asked = {"generator.batch_norm": "true"}
    for changes in (chosen | asked, asked | chosen):
        said = "generator.batch_norm is not for the architecture mlp"
        with pytest.raises(ValueError, match=said):
            gf.configuration.build(config.replace(changes), data)
    # Another player's architecture, and one that stays, change nothing.
    one = config.replace({"generator.architecture": "mlp"})
    assert one.discriminator == config.discriminator
    again = changed.replace({"generator.batch_norm": True}).replace(
        {"generator.architecture": "mlp"}
    )
    assert again.generator.batch_norm is True


def test_batch_norm_is_what_the_architecture_has_where_nothing_is_said():
    for architecture, expected in {"mlp": False, "dcgan": True, "resnet": True}.items():
        network = NetworkConfig(architecture=architecture)
        assert network.batch_norm is expected
        assert Config.from_dict({"generator": {"architecture": architecture}}).generator == network
        for chosen in (True, False):
            assert NetworkConfig(architecture=architecture, batch_norm=chosen).batch_norm is chosen
    assert Config().replace({"generator.batch_norm": "none"}) == Config()


def test_a_configuration_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().seed = 3


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("method.gamma", "0.1", 0.1),
        ("method.gamma", "10", 10.0),
        ("method.gamma", "none", None),
        ("batch_size", "1e2", 100),
        ("generator.batch_norm", "false", False),
        ("data.folder", "12", "12"),
        ("game.penalty", "r1", "r1"),
        ("generator.dtype", "bfloat16", "bfloat16"),
    ],
)
def test_texts_become_what_the_setting_is(name, text, value):
    setting = Config().replace({name: text})
    for part in name.split("."):
        setting = getattr(setting, part)
    assert setting == value
    assert type(setting) is type(value)


def test_options_are_free_and_guessed():
    changes = {"method.options.tolerance": "1e-3", "method.options.align": "true"}
    options = Config().replace(changes).method.options
    assert options == {"tolerance": 0.001, "align": True}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method.gama": "1"}, "unknown setting 'method.gama': did you mean 'method.gamma'?"),
        ({"metod.gamma": "1"}, "did you mean 'method.gamma'?"),
        ({"generator.with.x": 1}, "unknown setting 'generator.with.x'"),
        ({"method": "1"}, r"method must be set part by part, such as method\.name="),
        ({"method.options": "1"}, r"method\.options must be set part by part"),
        ({"method.gamma": "x"}, r"method\.gamma must be a number, got 'x'"),
        ({"method.gamma": "nan"}, r"method\.gamma must be a finite number ≥ 0, got nan"),
        ({"method.learning_rate": -1}, r"method\.learning_rate must be a finite number ≥ 0"),
        ({"batch_size": "1.5"}, "batch_size must be an integer, got '1.5'"),
        ({"batch_size": True}, "batch_size must be an integer, got True"),
        ({"batch_size": 0}, "batch_size must be an integer ≥ 1"),
        ({"generator.batch_norm": "maybe"}, r"generator\.batch_norm must be true or false"),
        ({"data.name": 3}, r"data\.name must be a name, got 3"),
        ({"seed": 2**32}, "seed must be an integer from 0 to 2³²"),
        ({"data.name": ["digits"]}, r"data\.name must be a name, got \['digits'\]"),
        ({"method.name": []}, r"method\.name must be a name, got \[\]"),
        ({"num_steps": -1}, "num_steps must be an integer ≥ 0"),
        ({"data.storage": "hots"}, "did you mean 'host'"),
        ({"method.options.momentum": "nan"}, r"method\.options\.momentum must be finite"),
        ({"generator.width": 0}, r"generator\.width must be an integer ≥ 1, got 0"),
        ({"discriminator.num_layers": 0}, r"discriminator\.num_layers must be an integer ≥ 1"),
        ({"generator.num_layers": -1}, r"generator\.num_layers must be an integer ≥ 1, got -1"),
        ({"method.phi_steps": 0}, r"method\.phi_steps must be an integer ≥ 1, got 0"),
        ({"method.theta_steps": 0}, r"method\.theta_steps must be an integer ≥ 1, got 0"),
        ({"game.penalty_weight": 10**400}, r"game\.penalty_weight must be a finite number ≥ 0"),
        (
            {"method.optimizer": "adam", "method.optimizer_options.eps": -1e-8},
            r"method\.optimizer_options\.eps must be a number ≥ 0, got -1e-08",
        ),
    ],
)
def test_wrong_settings_are_named(changes, said):
    with pytest.raises(ValueError, match=said):
        Config().replace(changes)


@pytest.mark.parametrize("texts", [["gamma"], ["=3"], ["seed="], ["seed=1", "seed=2"]])
def test_settings_must_be_pairs(texts):
    with pytest.raises(ValueError, match="settings must"):
        gf.configuration.parse_settings(texts)


def test_differences_have_dotted_names():
    here, there = Config(), Config(seed=3, method=MethodConfig(gamma=1.0, options={"x": 2}))
    assert here.differences(there) == {
        "method.gamma": (None, 1.0),
        "method.options.x": ("(not given)", 2),
        "seed": (0, 3),
    }
    assert here.differences(here) == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method.name": "alternatin"}, "unknown method.name 'alternatin'"),
        ({"method.gamma": 3}, "method.gamma is for the transforms consensus"),
        (
            {"method.transform": "consensus"},
            "method.gamma must be given with method.transform=consensus",
        ),
        ({"method.transform": "clipped"}, "method.transform_options.max_norm must be given"),
        ({"method.options.x": 3}, "method.options: there are none here, got x"),
        (
            {"generator.architecture": "dcgan", "generator.options.latent_size": 3},
            "unknown name in generator.options 'latent_size'",
        ),
        ({"method.name": "lead", "method.options.momentun": 3}, "did you mean 'momentum'"),
        (
            {"method.name": "lead", "method.options.momentum": "much"},
            r"method\.options\.momentum must be a finite number, got 'much'",
        ),
        (
            {"method.name": "lead", "method.options.preconditioned": 1},
            r"method\.options\.preconditioned must be true or false, got 1",
        ),
        ({"method.phi_steps": 3}, "method.phi_steps is for alternating steps"),
        ({"method.optimizer": "adma"}, "did you mean 'adam'"),
        ({"method.optimizer_options.b1": 3}, "method.optimizer_options: there are none here"),
        (
            {"method.optimizer": "adam", "method.optimizer_options.mu_dtype": "x"},
            "method.optimizer_options, here mu_dtype='x', cannot be taken: data type 'x'",
        ),
        ({"game.objective": "standrad"}, "did you mean 'standard'"),
        ({"game.penalty": "r3"}, "unknown game.penalty 'r3'"),
        ({"data.name": "digit"}, "did you mean 'digits'"),
        ({"data.folder": "x"}, "data.folder is for sets that are read from files"),
        ({"data.name": "mnist"}, "data.folder must say where mnist is"),
        ({"data.options.x": 3}, "unknown name in data.options 'x'"),
        ({"generator.architecture": "dcgna"}, "unknown generator.architecture 'dcgna'"),
        ({"generator.batch_norm": True}, "generator.batch_norm is not for the architecture mlp"),
        ({"generator.growing": False}, "generator.growing is not for the architecture mlp"),
        ({"data.name": "ring", "data.size": 8}, "data.size is not for ring"),
        (
            {"data.name": "ring", "data.size": None, "generator.architecture": "dcgan"},
            "generator.architecture must be mlp for examples that are no images",
        ),
    ],
)
def test_what_cannot_be_built_is_named(changes, said):
    config = gf.configuration.preset("digits/mlp").replace(
        {"method.name": "simultaneous"} | changes
    )
    with pytest.raises(ValueError, match=said):
        gf.configuration.build(config)


def test_each_player_has_its_own_rate():
    method = gf.configuration.MethodConfig(
        optimizer="sgd", learning_rate=0.5, phi_learning_rate=0.25
    )
    built = gf.configuration.build(
        dataclasses.replace(gf.configuration.preset("ring/simultaneous"), method=method)
    )
    v = gf.vector_field(gf.games.bilinear())
    state, _ = built.method.step(v, built.method.init(gf.Players(1.0, 1.0)), None)
    assert [float(x) for x in state.params] == [0.5, 1.25]


def test_json_says_a_thing_once():
    with pytest.raises(ValueError, match="'seed' is there twice"):
        Config.from_json('{"seed": 1, "seed": 2}')
    with pytest.raises(ValueError, match="'gamma' is there twice"):
        Config.from_json('{"method": {"gamma": 1, "gamma": 1}}')
