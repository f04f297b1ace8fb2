"""Records of the experiments at any pace: pictures say their own steps."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.figure import Figure

import ganfield as gf
from ganfield.simulate import record_steps
from tests.experiments.test_ring import ring as ring
from tests.experiments.test_ring import small


def titles(load, tmp_path, monkeypatch, recorded, num_steps):
    """The titles of the strip of samples, for runs that recorded such steps, the target's not."""
    shown = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: shown.extend(figure.axes))
    sweeps = {
        name: SimpleNamespace(
            run=SimpleNamespace(steps=steps, records={"samples": jnp.zeros((len(steps), 1, 3, 2))})
        )
        for name, steps in recorded.items()
    }
    load("ring_figures").samples(sweeps, (0,), num_steps, tmp_path / "samples.png")
    return [ax.get_title() for ax in shown[:5]], [len(ax.images) for ax in shown]


def test_a_picture_says_at_which_step_it_was_recorded(load, tmp_path, monkeypatch):
    recorded = {"simultaneous": record_steps(211, 50), "consensus": record_steps(211, 50)[:3]}
    said, images = titles(load, tmp_path, monkeypatch, recorded, 211)
    assert said == ["step 0", "step 0", "step 50", "step 100", "step 211"]
    assert images == [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1]


@pytest.mark.long
def test_the_ring_takes_a_prime_number_of_steps(ring, drawn, tmp_path, capsys):
    ring.main(small(ring, tmp_path, num_steps=13, num_records=4, hidden_sizes=(2,), seeds=(0,)))
    assert "13" in capsys.readouterr().out
    curve = drawn("curves")[0].lines[0].get_xdata()
    assert curve.tolist() == [0, 4, 8, 12, 13]
    assert [ax.get_title() for ax in drawn("samples")[:5]] == [
        "step 0",
        "step 0",
        "step 4",
        "step 4",
        "step 13",
    ]


@pytest.mark.long
def test_autoencoders_are_recorded_at_any_pace(load):
    script = load("autoencoder")
    small = {"hidden_size": 2, "batch_size": 4, "num_points": 20, "seeds": (0,)}
    ends = {}
    for num_records in (3, 7):
        config = script.checked(script.Config(num_steps=7, num_records=num_records, **small))
        params, records = script.train(config, script.clean_points(config))
        steps = script.recorded(config)
        assert records["relative_error"].shape == (2, 1, len(steps) - 1)
        ends[num_records] = (params, records["relative_error"][..., -1])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), *ends.values())


@pytest.mark.long
def test_paths_from_minibatches_take_any_number_of_steps(load, x64):
    script = load("minibatch")
    config = script.checked(script.Config(num_steps=7, num_seeds=2, population=4, batch_size=2))
    paths = script.trajectories(
        config, gf.vector_field(script.game_of("standard")), script.population_of(4)
    )
    assert paths["population"].shape == (8, 2)
