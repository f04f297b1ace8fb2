"""The study of how often methods cover all modes: its counts, its intervals, what it refuses."""

import numpy as np
import pytest

import ganfield as gf


def test_counts_and_wilson_intervals(load):
    robustness = load("robustness")
    config = robustness.Config(methods=("consensus", "jare"), gammas=(1.0, 10.0), num_seeds=4)
    modes = np.full((2, 2, 2, 4), 8.0)
    modes[-1, 1, 0] = [8, 3, np.nan, 8]  # the third stopped
    stopped = np.where(np.isnan(modes[-1]), 7, -1)
    state = gf.State(gf.Players(stopped, stopped), ())
    records = {"modes_covered": modes, "high_quality": modes / 8}
    run = gf.Run(state, np.array([0, 10]), records, stopped, stopped)
    labels = (np.array(config.methods), np.array(config.gammas), np.arange(4))
    axes = dict(zip(("method", "gamma", "seed"), labels, strict=True))
    rows = robustness.rows_of(config, gf.Sweep(run, 1.0, 1.0, axes))
    assert [row["covered_all"] for row in rows] == [4, 4, 2, 4]
    assert [row["stopped"] for row in rows] == [0, 0, 1, 0]
    for row in rows:
        n, p, z = 4, row["covered_all"] / 4, 1.959963984540054
        middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        assert (row["low"], row["high"]) == pytest.approx((middle - half, middle + half))
    assert "2 of 4" in robustness.table(rows)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": ("consensuss",)}, "unknown method 'consensuss': did you mean 'consensus'"),
        ({"methods": ()}, "methods must not be empty"),
        ({"gammas": (1.0, 1.0)}, "gammas must name each once"),
        ({"gammas": (-1.0,)}, "each of gammas must be a number ≥ 0"),
        ({"num_seeds": 1}, "num_seeds must be an integer ≥ 2"),
        ({"num_steps": 0}, "num_steps must be an integer ≥ 1"),
    ],
)
def test_what_is_refused(load, changes, message):
    robustness = load("robustness")
    with pytest.raises(ValueError, match=message):
        robustness.checked(robustness.Config(**changes))
