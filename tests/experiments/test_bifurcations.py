"""The study of bifurcations: its figures, and its numbers against what it expects."""

import json
import re

import pytest


@pytest.mark.long
def test_the_penalty_weight(load, drawn, tmp_path):
    script = load("bifurcations")
    script.main(script.Config(studies=("penalty_weight",), output=tmp_path))
    study = json.loads((tmp_path / "result.json").read_text())["studies"]["penalty_weight"]
    rows = {row["quantity"]: row for row in study["rows"]}
    compared = 0
    for row in rows.values():
        numbers = [re.search(r"[\d.]+(?= \(|$)", row[side]) for side in ("expected", "measured")]
        if all(numbers):
            expected, measured = (float(number.group()) for number in numbers)
            assert measured == pytest.approx(expected, rel=2e-3), row["quantity"]
            compared += 1
    assert compared == 4
    left, right = drawn("penalty_weight")
    assert (left.get_xlabel(), right.get_xlabel()) == ("hγ", "hγ")


def test_what_is_not_a_study(load, tmp_path):
    script = load("bifurcations")
    with pytest.raises(ValueError, match="unknown study 'lattice': did you mean 'lattice_diagram'"):
        script.main(script.Config(studies=("lattice",), output=tmp_path))
