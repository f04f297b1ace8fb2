"""Runs that are told to stop, and that are taken on."""

import jax
import numpy as np
import pytest

import ganfield as gf
from ganfield.runs._tables import Table
from tests.training.tiny import CONFIG, assert_same_bits, rows, saved

train = gf.training.train
RULE = "loss_phi above -1000 for 30 steps"


def means(generate):
    return {"mean": float(np.mean(generate(5), dtype=np.float64))}


def collecting(records):
    """Return a rule that never stops, and keeps what it was given."""

    def stop_when(record):
        records.append(record)
        return False

    return stop_when


@pytest.mark.long
def test_a_run_that_was_stopped_and_taken_on_is_the_undisturbed_one(tmp_path):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    of_whole, of_pieces, said = [], [], []
    expected = train(CONFIG, whole, evaluate=[means], stop_when=collecting(of_whole))
    told = CONFIG.replace({"stop": RULE, "evaluate_every": 20})
    stopped = train(told, pieces, evaluate=[means], listen=said.append)
    assert (stopped.outcome, stopped.step) == ("told to stop", 30)
    assert stopped.stopped_by.startswith(f"{RULE} (")
    assert said[-2] == stopped.message == f"told to stop at step 30: {stopped.stopped_by}"
    assert said[-1] == f"{stopped.verdict.outcome}: {stopped.verdict.reason}"
    assert all(text in (pieces / "events.log").read_text() for text in said[-2:])
    # All that a run leaves at its end is there.
    assert saved(pieces) == [20, 30]
    assert [row["step"] for row in rows(pieces, "scores.csv")] == ["0", "20", "30"]
    assert (pieces / "samples" / "step_0000030.png").exists()
    assert gf.runs.load(pieces).step == 30
    before = (pieces / "metrics.csv").read_bytes()
    # The same command again has nothing to do.
    again = train(told, pieces, evaluate=[means], listen=said.append)
    assert (again.outcome, again.step, again.stopped_by) == ("done", 30, stopped.stopped_by)
    assert said[-1].startswith("nothing to do: the run is told to stop at step 30: loss_phi")
    assert (pieces / "metrics.csv").read_bytes() == before
    assert_same_bits(again.params, stopped.params)
    # Without the rule, and with one that never holds, it goes on.
    result = train(
        CONFIG.replace({"evaluate_every": 20}),
        pieces,
        evaluate=[means],
        stop_when=collecting(of_pieces),
        listen=said.append,
    )
    assert (result.outcome, result.step, result.stopped_by) == ("finished", 60, "")
    assert any(text.startswith(f"configuration changed: stop: {RULE} → None") for text in said)
    assert_same_bits(result.params, expected.params)
    assert rows(pieces) == rows(whole)
    # A rule sees the same whether or not the run was stopped in between, and all of it.
    assert [len(each.metrics["step"]) for each in of_whole] == [1, 2, 3, 4, 5, 6]
    by_step = {int(each.metrics["step"][-1]): each for each in of_whole}
    compared = 0
    for each in of_pieces:
        other = by_step[int(each.metrics["step"][-1])]
        for name in set(each.metrics) - {"seconds"}:
            compared += 1
            assert each.metrics[name].dtype == other.metrics[name].dtype
            np.testing.assert_array_equal(each.metrics[name], other.metrics[name])
    assert compared > 20
    # And what the files say, which is what a saved run has: a rule can be tried on it.
    table = Table(whole / "metrics.csv").arrays()
    for name, column in of_whole[-1].metrics.items():
        np.testing.assert_array_equal(column, table[name][:-1])
    scores = Table(whole / "scores.csv").arrays()
    np.testing.assert_array_equal(of_whole[-1].scores["mean"], scores["mean"][:-1])
    rule = gf.configuration.stop_rule("loss_phi above -1000 for 60 steps")
    assert rule(gf.runs.load(whole))


@pytest.mark.slow
def test_a_function_stops_a_run_by_scores_and_says_why(tmp_path):
    values = iter([1.0, 3.0, 2.0, 2.5])
    config = CONFIG.replace({"evaluate_every": 10, "stop": "good no higher for 20 steps"})

    def evaluate(generate):
        return {"good": next(values)}

    def worse(record):
        return record.scores["good"][-1] < 2.5 and "worse than it was"

    # What the rule in words would stop at step 30 this one stops at step 20, and before it at 0.
    result = train(config, tmp_path, evaluate=[evaluate], stop_when=worse)
    assert (result.outcome, result.step, result.stopped_by) == (
        "told to stop", 0, "worse than it was",
    )  # fmt: skip
    result = train(config, tmp_path, evaluate=[evaluate])
    # It began again from step 0, where everything is written again: 3, 2, 2.5 are its scores.
    assert (result.outcome, result.step) == ("told to stop", 20)
    assert result.stopped_by == "good no higher for 20 steps (3 at step 0)"


@pytest.mark.parametrize(
    ("stop", "evaluate", "said"),
    [
        ("acuracy_fake below 1", [], r"'acuracy_fake': did you mean 'accuracy_fake'\? Known"),
        ("fid no lower for 10 steps", [], r"'fid'.*\. Scores are there with evaluate="),
        ("fdi below 1", ["evaluator"], r"'fdi': did you mean 'fid'\? Known"),
        ("seconds above 5", [], "unknown metric in stop 'seconds'"),
    ],
)
def test_rules_on_what_is_not_there_are_refused_before_anything_is_written(
    stop, evaluate, said, tmp_path
):
    def features(pixels):
        return pixels.reshape(len(pixels), -1), jax.nn.softmax(pixels.reshape(len(pixels), -1))

    inception = gf.evaluation.Features(features, name="none", hash="none", kind="inception")
    evaluators = [gf.evaluation.evaluator(inception, gf.data.digits(), 10) for _ in evaluate]
    with pytest.raises(ValueError, match=said):
        train(CONFIG.replace({"stop": stop}), tmp_path / "run", evaluate=evaluators)
    assert not (tmp_path / "run").exists()


def test_a_rule_in_words_is_no_function(tmp_path):
    with pytest.raises(ValueError, match=r"stop_when must be a function of a Record.*config.stop"):
        train(CONFIG, tmp_path / "run", stop_when="norm_v below 1")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_scores_that_do_not_tell_their_names_are_known_at_step_0(tmp_path):
    config = CONFIG.replace({"stop": "maen below 1"})
    with pytest.raises(ValueError, match=r"unknown metric in stop 'maen': did you mean 'mean'"):
        train(config, tmp_path, evaluate=[means])
    assert [row["step"] for row in rows(tmp_path)] == ["0"]


def test_an_evaluator_tells_the_names_of_its_scores():
    def apply(pixels):
        flat = pixels.reshape(len(pixels), -1) / 255
        return flat, jax.nn.softmax(flat)

    features = gf.evaluation.Features(apply, name="pixels", hash="none", kind="pixel")
    evaluator = gf.evaluation.evaluator(features, gf.data.digits("test"), 20)
    noise = np.random.default_rng(0).integers(0, 256, size=(20, 8, 8, 1), dtype=np.uint8)
    assert tuple(evaluator(lambda count: noise[:count])) == evaluator.names
