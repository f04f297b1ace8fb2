"""Has it converged? Motions whose end is known, and what must stay undecided."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import METHODS

BILINEAR = gf.vector_field(gf.games.bilinear())


def followed(method, field=BILINEAR, start=(1.0, 0.0), num_steps=400, every=4, **noise):
    return gf.simulate(
        method,
        field,
        gf.Players(*start),
        num_steps=num_steps,
        record_every=every,
        record=lambda state, info: state.params,
        **noise,
    )


def circle(records=80, turn=9.3, rate=0.0, noise=0.0):
    clock = np.arange(records)
    angle = 2 * np.pi * clock / turn
    path = np.stack([np.cos(angle), np.sin(angle)], 1) * np.exp(rate * clock)[:, None]
    return path + noise * np.random.default_rng(0).normal(size=path.shape)


def walk(records, size, forgets=0.0, seed=0):
    """Return a random walk, or what pulls back to 0 by a share of its distance a record."""
    pushes = np.random.default_rng(seed).normal(size=(records, size))
    path = np.zeros((records, size))
    for i in range(1, records):
        path[i] = (1 - forgets) * path[i - 1] + pushes[i]
    return path


@pytest.mark.parametrize(
    ("method", "transform", "outcome"),
    [
        # |1 + ih| > 1; alternating steps turn on an ellipse; extragradient has |1 + ih − h²| < 1.
        (gf.simultaneous(optax.sgd(0.1)), None, "diverging"),
        (gf.alternating(optax.sgd(0.1)), None, "cycling"),
        (gf.extragradient(optax.sgd(0.1)), None, "converging"),
        (gf.simultaneous(optax.sgd(0.1)), lambda v: gf.consensus(v, gamma=1.0), "converging"),
    ],
)
def test_the_bilinear_game(method, transform, outcome):
    field = BILINEAR if transform is None else transform(BILINEAR)
    assert gf.verdict(followed(method, field)).outcome == outcome


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_the_bilinear_game_by_every_method(name):
    """Right, by the distances themselves; of one that changes its own step size, or undecided."""
    run = followed(METHODS[name], num_steps=800, every=8)
    distances = np.hypot(*map(np.asarray, run.records))
    early, late = (part.max() for part in np.array_split(distances[len(distances) // 2 :], 2))
    right = {"cycling"}
    if not np.isfinite(late) or late > 1.2 * early:
        right = {"diverging"}
    elif late < early / 1.2 or late < 1e-6:
        right = {"converging"}
    told = gf.verdict(run)
    allowed = right | {"undecided"} if name == "adaptive_competitive" else right
    assert told.outcome in allowed, told


def test_the_numbers_are_those_of_the_motion():
    """Alternating steps of h = 0.1 turn by 2 arcsin(h/2); simultaneous ones grow by √(1 + h²)."""
    cycling = gf.verdict(followed(gf.alternating(optax.sgd(0.1)), every=1)).evidence
    assert cycling["turn"] == round(2 * np.pi / (2 * np.arcsin(0.05)))
    assert cycling["growth"] == pytest.approx(1, abs=0.01)
    growing = gf.verdict(followed(gf.simultaneous(optax.sgd(0.1)), every=1)).evidence
    # The amplitude is a mean over a turn, so it is seen over the rest of the half.
    steps = 200 - growing["turn"]
    assert np.log(growing["growth"]) == pytest.approx(steps * np.log1p(0.01) / 2, rel=0.05)


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize(
    ("rate", "outcome"), [(0.0, "cycling"), (0.02, "diverging"), (-0.02, "converging")]
)
def test_turns(rate, outcome, noise):
    # A spiral that ends in noise is no longer seen to shrink: that may stay open, and no more.
    allowed = {outcome, "undecided"} if noise and rate < 0 else {outcome}
    assert gf.verdict(circle(rate=rate, noise=noise)).outcome in allowed


@pytest.mark.parametrize(
    ("power", "outcome"),
    [(0.5, "undecided"), (1.0, "undecided"), (2.0, "converging"), (3.0, "converging")],
)
def test_a_finite_way_is_faster_than_one_over_t(power, outcome):
    clock = np.arange(1, 201.0)[:, None]
    assert gf.verdict(clock**-power * [1.0, 2.0]).outcome == outcome
    assert gf.verdict(gf.Players(clock**-power, 0 * clock)).outcome == outcome


def test_exponentials():
    clock = np.arange(100.0)[:, None] / 10
    assert gf.verdict(np.exp(-clock)).outcome == "converging"
    assert gf.verdict(np.exp(clock)).outcome == "diverging"
    # In float32 the end of it is rounding, and then nothing moves.
    assert gf.verdict((1 + np.exp(-5 * clock)).astype(np.float32)).outcome == "converging"


@pytest.mark.parametrize("size", [2, 16])
@pytest.mark.parametrize("records", [40, 200])
def test_random_walks_are_undecided(records, size):
    outcomes = [gf.verdict(walk(records, size, seed=seed)).outcome for seed in range(20)]
    assert outcomes.count("undecided") >= 19


def test_jitter_about_a_place():
    """v = −x under noise that is added settles at a distance, and ‖v‖ with it."""
    method = gf.simultaneous(optax.sgd(0.2))

    def noisy(params, noise):
        return jax.tree.map(lambda x, push: push - x, params, noise)

    def sample(key):
        return gf.Players(*jax.random.normal(key, (2, 8)))

    run = followed(
        method, noisy, (jnp.ones(8), jnp.ones(8)), 400, 2, key=jax.random.key(0), sample=sample
    )
    told = gf.verdict(run)
    assert (told.outcome, "jitters about a place" in told.reason) == ("converging", True)
    # Where records are too far apart for cycles to be ruled out, minibatches must say so.
    unrelated = walk(200, 16, forgets=1.0)
    assert gf.verdict(unrelated).outcome == "undecided"
    assert gf.verdict(unrelated, agreement=np.full(200, 0.05)).outcome == "converging"
    told = gf.verdict(unrelated, agreement=np.full(200, 0.8))
    assert told.outcome == "undecided"
    assert "minibatches agree on where to go (cosine 0.8)" in told.reason


def test_what_contradicts_a_path_makes_it_undecided():
    path = np.exp(-np.arange(100.0) / 10)[:, None]
    falling = path[:, 0]
    assert (
        gf.verdict(path, norm_v=falling, gap=falling, saturated=falling / 2).outcome == "converging"
    )
    for sign in (
        {"norm_v": 1 + 0 * falling},
        {"gap": 1 + 0 * falling},
        {"saturated": 0 * falling + 1},
    ):
        assert gf.verdict(path, **sign).outcome == "undecided", sign
    # With a step size of 0 nothing moves, anywhere.
    still = np.ones((50, 3))
    assert gf.verdict(still).outcome == "converging"
    told = gf.verdict(still, norm_v=np.full(50, 2.0))
    assert (told.outcome, told.reason) == (
        "undecided",
        "nothing moves in the last 24 steps, but ‖v‖ is 2, and was 2 at most",
    )


def test_collapse():
    path, once = walk(60, 16), np.linspace(1, 0, 60)
    told = gf.verdict(path, diversity=np.maximum(once, 0.05))
    assert told.outcome == "collapsed"
    assert told.reason.startswith("two samples are 0.051 times")
    # An untrained generator's samples are alike too, and so are one's that begins to spread.
    for diversity in (np.full(60, 0.1), np.linspace(0.01, 0.2, 60)):
        assert gf.verdict(path, diversity=diversity).outcome == "undecided"
    missing = {"precision": np.full(60, 0.9), "recall": np.full(60, 0.1)}
    assert gf.verdict(path, **missing).outcome == "collapsed"
    assert gf.verdict(path, **missing | {"precision": np.full(60, 0.3)}).outcome == "undecided"
    nothing = np.full(60, np.nan)
    assert gf.verdict(path, precision=nothing, recall=nothing).outcome == "undecided"


def test_a_run_that_leaves_the_numbers():
    method = gf.simultaneous(optax.sgd(30.0))
    run = followed(method, num_steps=100, every=1)
    told = gf.verdict(run)
    assert told.outcome == "diverging"
    assert told.reason == f"it met a NaN or an infinity at step {run.stopped_at}"


def test_a_run_may_record_the_signs_by_name():
    v = gf.vector_field(gf.games.quadratic(coupling=0.0))
    run = gf.simulate(
        gf.simultaneous(optax.sgd(0.1)),
        v,
        gf.Players(1.0, 1.0),
        num_steps=90,
        record_every=2,
        record=lambda state, info: {
            "path": state.params, "norm_v": optax.tree.norm(info.direction),
        },
    )  # fmt: skip
    told = gf.verdict(run)
    assert told.outcome == "converging"
    assert told.evidence["norm_v"] < 0.01


def test_few_records_and_a_last_one_that_comes_early():
    told = gf.verdict(np.ones((19, 2)))
    assert told.outcome == "undecided"
    assert told.reason == "a verdict takes 20 records or more, here: 19"
    steps = np.append(np.arange(0, 400, 5), 397)
    assert gf.verdict(circle(81), steps).evidence["step"] == 395


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [
        (gf.Players(1.0, 2.0), {}, "path must hold parameters with records along the first axis"),
        (np.ones((4, 2)), {"steps": np.arange(5)}, "a record for each of steps"),
        (np.ones((4, 2)), {"steps": [0, 1, 3, 4]}, "steps must rise evenly"),
        (np.ones((4, 2)), {"stopped_at": [-1, -1]}, "stopped_at must be one number"),
        ({"params": np.ones((4, 2))}, {}, "path must be among what a run recorded, got params"),
    ],
)
def test_what_is_no_path_is_refused(path, options, words):
    with pytest.raises(ValueError, match=words):
        gf.verdict(path, **options)
