"""``ganfield sweep``: what it runs, writes, goes on with, and refuses."""

import jax
import numpy as np
import pytest

import ganfield as gf
from ganfield.cli._axes import parse_axes

SMALL = (
    "--preset", "ring", "--num-steps", 4, "--set", "batch_size=16", "record_every=2",
    "generator.num_layers=1", "discriminator.num_layers=1", "samples=64",
)  # fmt: skip
CONFIG = gf.configuration.preset("ring/consensus")


@pytest.mark.long
def test_a_sweep_of_a_preset(run, run_json, tmp_path):
    axes = ("--axis", "gamma=1,10", "--axis", "seed=0:2")
    record = run_json("sweep", *SMALL, *axes, "--output", "s", "--plot", "new/s.png")
    assert record["axes"] == {"gamma": [1, 10], "seed": [0, 1]}
    assert (len(record["runs"]), record["num_programs"]) == (4, 1)  # γ is traced
    assert (tmp_path / "new" / "s.png").stat().st_size > 1000
    row = record["runs"][3]
    assert (row["gamma"], row["seed"], row["step"]) == (10, 1, 4)
    # The run that `ganfield train` does of these settings.
    config = CONFIG.replace(
        {"num_steps": 4, "batch_size": 16, "generator.num_layers": 1, "seed": 1,
         "discriminator.num_layers": 1, "record_every": 2, "method.gamma": 10}
    )  # fmt: skip
    with jax.enable_x64(False):
        trained = gf.training.train(config, tmp_path / "trained")
        built = gf.configuration.build(config)
        keys = gf.configuration.random_keys(config)
        losses = built.game.losses(trained.params, built.sampler()(keys.metrics))
    assert row["loss_theta"] == pytest.approx(float(losses.theta), rel=1e-5)
    assert row["loss_phi"] == pytest.approx(float(losses.phi), rel=1e-5)
    # The same again is read, and said in words.
    code, out, err = run("sweep", *SMALL, *axes, "--output", "s")
    assert (code, err) == (0, "")
    assert "s: Sweep of 2 × 2 runs: 4 steps, 3 records, finite" in out
    assert "0 of 2" in out
    code, out, err = run("sweep", *SMALL, "--axis", "seed=0:3", "--output", "s")
    assert (code, out) == (2, "")
    assert err.startswith("error: --output must be a new one or hold this sweep, and s holds anoth")


@pytest.mark.parametrize("name", ["digits/mlp", "ring/simultaneous", "cifar10/conopt_2"])
def test_every_preset_has_axes(name):
    settings, axes = parse_axes(
        ["seed=3:5", "learning_rate=1e-4,1e-3", "generator.width=8,16", "objective=js,standard"],
        gf.configuration.preset(name),
    )
    assert list(axes.values()) == [[3, 4], [1e-4, 1e-3], [8, 16], ["js", "standard"]]
    assert settings["learning_rate"] == "method.learning_rate"
    assert settings["objective"] == "game.objective"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["gamma"], r"--axis must be NAME=VALUES, such as gamma=1,3,10, got 'gamma'"),
        (["gamma="], "--axis gamma must have values between commas, got ''"),
        (["gamma=1,,2"], "--axis gamma must have values between commas"),
        (["seed=5:5"], "--axis seed must have values, whole numbers FIRST:END"),
        (["seed=0:99999999"], "--axis seed must have at most 1,000,000 values"),
        (["gama=1"], "unknown setting of --axis 'gama': did you mean 'gamma'"),
        (["method.gama=1"], "unknown setting 'method.gama': did you mean 'method.gamma'"),
        (["gamma=x"], "--axis: method.gamma must be a number, got 'x'"),
        (["gamma=-1"], "--axis: method.gamma must be a finite number ≥ 0, got -1.0"),
        (["gamma=1,1.0"], "--axis gamma must name each once, got 1.0 again"),
        (["gamma=1", "gamma=2"], "--axis must give method.gamma once, got it again: 'gamma=2'"),
        (["gamma=1", "method.gamma=2"], "--axis must give method.gamma once"),
        (["width=3"], "--axis width may be generator.width or discriminator.width: say which"),
        (["seed=-1"], "--axis: seed must be an integer from 0 to"),
    ],
)
def test_axes_that_are_refused(texts, message):
    with pytest.raises(ValueError, match=message):
        parse_axes(texts, CONFIG)


def test_a_rule_that_stops_is_not_for_sweeps(run, tmp_path):
    code, out, err = run(
        "sweep", *SMALL, "--set", "stop=norm_v below 1", "--axis", "seed=0:2", "--output", "s"
    )
    assert (code, out) == (2, "")
    assert err.startswith("error: stop is for ganfield train: runs of a sweep are one program")
    assert list(tmp_path.iterdir()) == []


def test_what_is_refused_before_anything_is_made(run, tmp_path):
    for arguments, message in (
        (("--preset", "rign"), "unknown preset 'rign'"),
        (("--preset", "ring", "--plot", "p.jpeg"), "--plot must end in .pdf, .png or .svg"),
        (("--preset", "ring", "--num-steps", 0), "--num-steps must be an integer ≥ 1, got 0"),
        (("--preset", "cifar10/conopt_2"), "--data must say where cifar10 is"),
    ):
        code, out, err = run("sweep", *arguments, "--output", "s")
        assert (code, out) == (2, "")
        assert message in err
    assert list(tmp_path.iterdir()) == []


def test_traced_settings_are_those_of_the_preset():
    """A traced γ and a traced rate make the field and the method that numbers make."""
    params = gf.Players(np.float32(1.0), np.float32(0.5))
    v = gf.vector_field(gf.games.bilinear())

    def step(gamma, rate):
        config = gf.configuration.MethodConfig(
            transform="consensus", gamma=gamma, optimizer="sgd", learning_rate=rate
        )
        method = gf.configuration.make_method(config)
        field = gf.configuration.make_transform(config, v)
        return method.step(field, method.init(params), None)[0].params

    traced, plain = jax.jit(step)(0.5, 0.1), step(0.5, 0.1)
    np.testing.assert_allclose(traced, plain, rtol=1e-6)
