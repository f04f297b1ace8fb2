"""The study of lazy penalties: a small run against the formula."""

import json
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "experiments" / "bifurcations"


@pytest.mark.long
def test_lazy_penalty(load, drawn, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(FOLDER))
    study = load("lazy_penalty")
    np.testing.assert_allclose(study.by_hand(0.1, 1.0, 16), 0.99415, atol=5e-6)
    config = study.Config(
        step_sizes=(0.1,), weights=(1.0,), num_weights=3, every=(16, 20), output=tmp_path
    )
    study.main(config)
    result = json.loads((tmp_path / "lazy_penalty.json").read_text("utf-8"))
    (row,) = result["rows"]
    assert (row["every"], row["before"]["every"]) == (20, 16)
    assert row["lost"]["agree"]
    assert row["before"]["agree"]
    assert row["before"]["measured"] < 1 < row["lost"]["measured"]
    assert result["worst_against_formula"] < 1e-12
    assert result["cells_that_agree"] == 1.0
    assert len(drawn("lazy_penalty")) >= 3
