"""``ganfield branches``: events against closed forms, the diagram, and what is refused."""

import math

import pytest

SINE = ("branches", "--game", "sine", "--transform", "consensus", "--box", "-2,2,-1,1")


@pytest.mark.long
def test_the_command_of_the_lattice(run_json, tmp_path):
    record = run_json(
        "branches", "--game", "lattice", "--transform", "consensus", "--knob", "gamma",
        "--bounds", "0,3", "--output", "diagram.png",
    )  # fmt: skip
    assert record["transform"] == {"name": "consensus"}
    assert len(record["branches"]) == 17
    kinds = [event["kind"] for event in record["events"]]
    assert kinds == ["hopf"] + 4 * ["pitchfork"] + 4 * ["fold"]
    assert record["events"][0]["value"] == pytest.approx(0.8, abs=1e-10)
    assert record["events"][0]["after"]["kind"] == "hard"
    assert record["events"][1]["value"] == pytest.approx(1 / math.sqrt(1.25), abs=1e-10)
    last = [branch for branch in record["branches"] if branch["value"][-1] == 3]
    attractors = sum(b["spurious"][-1] and b["kind"][-1] == "stable" for b in last)
    assert attractors == 5
    assert (tmp_path / "diagram.png").stat().st_size > 10_000


@pytest.mark.slow
def test_events_in_words(run):
    code, out, err = run(*SINE, "--bounds", "0,4", "--start", "0,0")
    assert (code, err) == (0, "")
    assert "sine, consensus γ\n2 branches, gamma from 0 to 4\n" in out
    assert ["pitchfork", "1", "(0,", "0)", "0"] in [line.split() for line in out.splitlines()]


@pytest.mark.slow
def test_a_step_size_and_a_parameter_of_the_game_are_knobs(run_json):
    where = ("branches", "--game", "quadratic", "--method", "simultaneous", "--start", "0,0")
    (event,) = run_json(*where, "--knob", "step_size", "--bounds", "0,2")["events"]
    assert (event["kind"], event["resonance"]) == ("neimark-sacker", "1:4")
    assert event["value"] == pytest.approx(1, abs=1e-10)
    # 2a/(a² + c²) = h at c² = 2a/h − a².
    where = (*where, "--step-size", 0.5, "--knob", "coupling", "--bounds", "0.5,3")
    (event,) = run_json(*where)["events"]
    assert event["value"] == pytest.approx(math.sqrt(3), abs=1e-10)


@pytest.mark.slow
def test_no_event_and_no_equilibrium_are_said(run):
    code, out, _ = run(*SINE, "--bounds", "0,0.5", "--start", "0,0")
    assert (code, "No event within the bounds." in out) == (0, True)
    code, out, _ = run("branches", "--game", "sine", "--transform", "consensus", "--box", "1,2")
    assert (code, "None: no equilibrium" in out) == (1, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--bounds", "3,0"), "--bounds must be LOW,HIGH, LOW before HIGH, got '3,0'"),
        (("--knob", "gama"), "unknown knob 'gama': did you mean 'gamma'?"),
        (("--knob", "step_size"), "--knob step_size needs --method"),
        (("--gamma", "1"), "--gamma is the knob, and has no one value, got 1"),
        (("--step-size", "1"), "--step-size is that of a method: give --method"),
        (("--method", "simultanous"), "unknown method 'simultanous': did you mean 'simultaneous'"),
        (("--ordinate", "2"), "--ordinate must be an integer from 0 to 1, got 2"),
        (("--output", "x.jpeg"), "--output must end in .pdf, .png or .svg"),
        (("--start", "3,0"), "--start must be within the bounds"),
    ],
)
def test_what_is_refused(run, options, message):
    code, out, err = run(*SINE, *options)
    assert (code, out) == (2, "")
    assert message in err


def test_a_game_without_a_knob(run):
    code, _, err = run("branches", "--game", "sine", "--knob", "gamma")
    assert (code, "sine and identity have none" in err) == (2, True)
