import json

import numpy as np
import pytest


@pytest.fixture
def script(load):
    return load("spectra")


@pytest.mark.long
def test_a_quick_run(script, drawn, tmp_path):
    script.main(script.Config(quick=True, output=tmp_path))
    results = json.loads((tmp_path / "result.json").read_text())["results"]
    assert list(results) == ["alternating", "consensus", "R1"]
    for result in results.values():
        (shot,) = result["snapshots"]
        assert shot["step"] == 30
        assert set(shot["spectra"]) == {"v", "v_turning", "w", "w_turning", "step"}
        assert 0.5 < shot["grows_by"] < 1.5
        assert result["verdict"]["outcome"] in ("undecided", "collapsed")
    titles = [ax.get_title("left") for ax in drawn("fields")]
    assert titles == [f"{name}: {field}" for field in ("v′", "w′") for name in results]
    assert len(drawn("steps")[0].lines) == 7  # two for each run, and the line at 1


def test_the_table_marks_what_has_not_converged(script):
    def kind(value, converged=True):
        return {"eigenvalues": np.array([value]), "converged": np.array([converged])}

    spectra = {
        "v": kind(0.5 + 0j), "v_turning": kind(-0.25 + 2j), "w": kind(-1 + 0j, False),
        "w_turning": kind(-2 - 2j), "step": kind(0.6 + 0.8j),
    }  # fmt: skip
    shot = {"step": 7, "spectra": spectra, "grows_by": 1.01}
    results = {"R1": {"snapshots": [shot], "verdict": {"outcome": "undecided"}}}
    (row,) = script.rows_of(results)
    assert row == [
        "R1", "7", "0.5", "−0.25 ± 2i", "−1 *", "−2 ± 2i", "1.0000", "1.0100", "undecided",
    ]  # fmt: skip


def test_bad_counts_are_refused(script):
    with pytest.raises(ValueError, match="num_snapshots must be an integer ≥ 1, got 0"):
        script.main(script.Config(num_snapshots=0))
