"""Rules by which training stops: lines of words, and what they make of a record."""

from types import SimpleNamespace

import numpy as np
import pytest

from ganfield.configuration import Config, stop_rule

NUMBERS = np.random.default_rng(0)


def record(values, steps=None, name="x", scores=None):
    steps = np.arange(len(values)) * 10 if steps is None else np.asarray(steps)
    metrics = {"step": steps, name: np.asarray(values, float)}
    return SimpleNamespace(metrics=metrics, scores=scores or {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a_fake  within .02 of .5 over 500 steps", "a_fake within 0.02 of 0.5 over 500 steps"),
        ("x within 1 of -2e0", "x within 1 of -2"),
        ("norm_v below 1e-3", "norm_v below 0.001"),
        ("saturated above 0.9 for 007 steps", "saturated above 0.9 for 7 steps"),
        ("fid no lower for 5000 steps", "fid no lower for 5000 steps"),
        ("classifier_score no higher for 1 steps", "classifier_score no higher for 1 steps"),
    ],
)  # fmt: skip
def test_a_rule_has_one_spelling_and_a_configuration_keeps_it(text, said):
    rule = stop_rule(text)
    assert str(rule) == said
    assert stop_rule(said) == rule
    config = Config().replace({"stop": text})
    assert config.stop == said
    assert Config.from_json(config.to_json()) == config
    assert config.differences(Config()) == {"stop": (said, None)}
    assert config.replace({"stop": "none"}) == Config()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "stop must be a line such as"),
        ("x", "stop must be a line such as"),
        ("x witin 0.02 of 0.5", "unknown word in stop 'witin': did you mean 'within'"),
        ("x within 0.02 off 0.5", "stop must be a line such as"),
        ("x within -1 of 0.5", "stop must have a finite number ≥ 0 where it has '-1'"),
        ("x below much", "stop must have a finite number where it has 'much'"),
        ("x below nan", "stop must have a finite number where it has 'nan'"),
        ("x above 1 for 0 steps", "stop must be a line such as"),
        ("x above 1 for 5.5 steps", "stop must be a line such as"),
        ("x above 1 during 5 steps", "stop must be a line such as"),
        ("x no lower", "stop must be a line such as"),
        ("x no lower over 5 steps", "stop must be a line such as"),
        ("x no worse for 5 steps", "stop must be a line such as"),
    ],
)
def test_what_is_no_rule(text, said):
    for make in (stop_rule, lambda text: Config(stop=text)):
        with pytest.raises(ValueError, match=said):
            make(text)


def plain(verb, how, window, values, steps):
    """Say by loops whether the last row of a record stops a run."""
    now = steps[-1]
    if verb == "no lower":
        least = min(values)
        first = next(step for step, value in zip(steps, values, strict=True) if value == least)
        return now - first >= window
    allowed = {"within": lambda x: 0.2863 <= x <= 0.7137, "below": lambda x: x < 0.6031}[verb]
    if how == "over":
        inside = [x for step, x in zip(steps, values, strict=True) if step >= now - window]
        return steps[0] <= now - window and allowed(sum(inside) / len(inside))
    since = None
    for step, value in zip(reversed(steps), reversed(values), strict=True):
        if not allowed(value):
            break
        since = step
    return since is not None and now - since >= window


@pytest.mark.parametrize("window", [1, 20, 35])
@pytest.mark.parametrize(
    ("words", "verb", "how"),
    [
        ("x within 0.2137 of 0.5 for", "within", "for"),
        ("x within 0.2137 of 0.5 over", "within", "over"),
        ("x below 0.6031 for", "below", "for"),
        ("x below 0.6031 over", "below", "over"),
        ("x no lower for", "no lower", "for"),
    ],
)
def test_rules_are_what_they_say(words, verb, how, window):
    rule = stop_rule(f"{words} {window} steps")
    answers = set()
    for _ in range(20):
        # Rows at any pace, some of them equal.
        steps = np.cumsum(NUMBERS.integers(1, 15, size=30)).tolist()
        values = NUMBERS.choice(
            [0.1, 0.35, 0.45, 0.55, 0.65, 0.9], size=30, p=[0.1, 0.2, 0.2, 0.2, 0.2, 0.1]
        )
        for last in range(1, 31):
            part = values[:last].tolist()
            expected = plain(verb, how, window, part, steps[:last])
            assert bool(rule(record(part, steps[:last]))) == expected
            answers.add(expected)
    assert answers == {True, False}


def test_mirrored_verbs_are_each_other():
    values = NUMBERS.normal(size=30)
    pairs = [("x below 0.2 for 20 steps", "x above -0.2 for 20 steps"),
             ("x no lower for 50 steps", "x no higher for 50 steps")]  # fmt: skip
    for one, other in pairs:
        for last in range(1, 31):
            answers = [
                bool(stop_rule(text)(record(sign * values[:last])))
                for text, sign in ((one, 1), (other, -1))
            ]
            assert answers[0] == answers[1]


def test_a_rule_says_why():
    assert stop_rule("x below 1 for 10 steps")(record([0.5, 0.25])) == (
        "x below 1 for 10 steps (0.25)"
    )
    assert stop_rule("x no lower for 10 steps")(record([3, 1.5, 2])) == (
        "x no lower for 10 steps (1.5 at step 10)"
    )


def test_bounds_of_within_are_inside_also_in_single_precision():
    rule = stop_rule("x within 0.02 of 0.5")
    for value in (np.float32(0.48), np.float32(0.52), 0.48, 0.52):
        assert rule(record([value]))
    assert not rule(record([0.52001]))


def test_what_is_no_number_is_never_as_it_should_be():
    nan = np.nan
    assert not stop_rule("x above 0 for 10 steps")(record([1, nan, 1]))
    assert not stop_rule("x above 0 over 10 steps")(record([1, nan, 1]))
    assert not stop_rule("x no lower for 10 steps")(record([nan, nan]))
    assert stop_rule("x no lower for 20 steps")(record([1, nan, nan]))


def test_norm_v_is_that_of_both_players_and_scores_have_their_own_steps():
    table = {"step": np.array([0]), "norm_v_theta": np.array([3.0]), "norm_v_phi": np.array([4.0])}
    both = SimpleNamespace(metrics=table, scores={})
    assert stop_rule("norm_v within 0 of 5")(both) == "norm_v within 0 of 5 (5)"
    scores = {"step": np.array([0, 30, 60]), "fid": np.array([9.0, 4.0, 5.0])}
    scored = record([0.0] * 10, scores=scores)
    assert stop_rule("fid no lower for 30 steps")(scored)
    assert not stop_rule("fid no lower for 31 steps")(scored)


def test_a_metric_that_is_not_there_is_named():
    for name, said in (("y", "unknown metric in stop 'y'.* Known: x"), ("step", "Known: x")):
        with pytest.raises(ValueError, match=said):
            stop_rule(f"{name} below 1")(record([1.0]))
