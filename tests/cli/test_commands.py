"""What commands find and say: numbers against closed forms, tables, and JSON."""

import math
import re
import sys

import numpy as np
import pytest

import ganfield as gf
from ganfield.cli._app import COMMANDS


def eigenvalues(record):
    return np.sort_complex([complex(each["re"], each["im"]) for each in record["eigenvalues"]])


@pytest.mark.long
def test_spectrum_of_the_dirac_gan(run_json):
    gamma, h = 0.6, 0.1
    record = run_json(
        "spectrum", "--game", "dirac_gan", "--transform", "consensus", "--gamma", gamma,
        "--step-size", h,
    )  # fmt: skip
    assert record["game"] == {"name": "dirac_gan"}
    assert record["transform"] == {"name": "consensus", "gamma": gamma}
    assert record["at"] == {"theta": 0, "phi": 0}
    # J = [[0, −½], [½, 0]], so that w′ = J − γ/4.
    assert eigenvalues(record["v"]) == pytest.approx([-0.5j, 0.5j], abs=1e-12)
    expected = [-gamma / 4 - 0.5j, -gamma / 4 + 0.5j]
    assert eigenvalues(record["w"]) == pytest.approx(expected, abs=1e-12)
    assert (record["v"]["kind"], record["w"]["kind"]) == ("centre", "stable")
    assert record["v"]["max_step_size"] == 0
    assert record["w"]["max_step_size"] == pytest.approx(2 * 0.15 / (0.15**2 + 0.25))
    assert record["v"]["step_factor"] == pytest.approx(abs(1 + 0.5j * h))
    assert record["w"]["step_factor"] == pytest.approx(abs(1 + (-0.15 + 0.5j) * h))
    assert record["v"]["spurious"] is None
    assert record["w"]["spurious"] is False
    assert record["output"] is None


@pytest.mark.slow
def test_spectrum_in_words(run):
    code, out, err = run(
        "spectrum", "--game", "dirac_gan", "--transform", "consensus", "--gamma", 0.6,
        "--step-size", 0.1,
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "dirac_gan, consensus γ = 0.6\nat (θ, φ) = (0, 0)\n" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["v", "centre", "0", "+", "0.5i", "0", "1", "1.001"] in rows
    assert ["w", "stable", "−0.15", "+", "0.5i", "1.101", "0.9174", "0.9863"] in rows
    assert "spurious: no" in out


def test_spectrum_where_the_field_is_not_zero(run_json):
    record = run_json("spectrum", "--game", "sine", "--at", "-1,0.5")
    assert record["at"] == {"theta": -1, "phi": 0.5}
    assert record["v"]["kind"] == "none"
    assert record["v"]["residual"] == pytest.approx(math.hypot(math.sin(1), 0.5))
    assert record["v"]["max_step_size"] is None  # NaN, which JSON has not
    # All real, and written as complex numbers still.
    assert eigenvalues(record["v"]) == pytest.approx([-1, math.cos(1)])
    assert set(record["v"]["eigenvalues"][0]) == {"re", "im"}
    assert "w" not in record


@pytest.mark.slow
def test_settings_reach_the_game(run_json):
    record = run_json("spectrum", "--game", "bilinear", "--set", "coupling=2")
    assert eigenvalues(record["v"]) == pytest.approx([-2j, 2j], abs=1e-12)
    record = run_json(
        "spectrum", "--game", "dirac_gan", "--objective", "js",
        "--set", "penalty=r1", "penalty_weight=0.6", "--set", "instance_noise=0",
    )  # fmt: skip
    settings = {"objective": "js", "penalty": "r1", "penalty_weight": 0.6, "instance_noise": 0}
    assert record["game"] == {"name": "dirac_gan", **settings}
    assert eigenvalues(record["v"]) == pytest.approx([-0.3 - 0.4j, -0.3 + 0.4j])


@pytest.mark.slow
def test_gamma_is_one_unless_given(run_json):
    record = run_json("spectrum", "--game", "bilinear", "--transform", "consensus")
    assert record["transform"] == {"name": "consensus", "gamma": 1.0}
    record = run_json("spectrum", "--game", "bilinear", "--transform", "conservative_relaxation")
    assert record["transform"] == {"name": "conservative_relaxation"}


@pytest.mark.slow
def test_settings_reach_the_transform(run, run_json, monkeypatch):
    def shifted(field, *, theta, phi=0.0):
        return lambda params, batch=None: field(
            gf.Players(params.theta - theta, params.phi - phi), batch
        )

    monkeypatch.setitem(gf.TRANSFORMS, "shifted", shifted)
    where = ("equilibria", "--game", "bilinear", "--transform", "shifted", "--num-starts", 16)
    record = run_json(*where, "--set", "coupling=3", "theta=0.5")
    assert record["transform"] == {"name": "shifted", "theta": 0.5}
    assert record["equilibria"][0]["theta"] == pytest.approx(0.5)
    assert "bilinear, shifted theta = 0.5\n" in run(*where, "--set", "theta=0.5")[1]
    code, _, err = run(*where)
    assert code == 2
    assert "--set theta must be given with --transform=shifted" in err


@pytest.mark.long
def test_equilibria_of_the_sine_under_consensus(run_json):
    record = run_json(
        "equilibria", "--game", "sine", "--transform", "consensus", "--gamma", 2,
        "--bounds", "-4,4", "--num-starts", 256,
    )  # fmt: skip
    # w_θ = sin θ (1 − γ cos θ): zero at kπ and where cos θ = ½.
    places = np.array([-math.pi, -math.pi / 3, 0, math.pi / 3, math.pi])
    rows = record["equilibria"]
    assert [row["theta"] for row in rows] == pytest.approx(places, abs=1e-7)
    assert [row["phi"] for row in rows] == pytest.approx(np.zeros(5), abs=1e-7)
    assert [row["kind"] for row in rows] == ["stable", "saddle", "stable", "saddle", "stable"]
    assert [row["spurious"] for row in rows] == [False, True, True, True, False]
    assert sum(row["hits"] for row in rows) <= record["num_converged"] <= 256
    assert record["num_found"] == 5
    assert record["bounds"] == {"theta": [-4, 4], "phi": [-4, 4]}


@pytest.mark.slow
def test_equilibria_in_words(run):
    code, out, err = run("equilibria", "--game", "lattice", "--bounds", "-1,4,-1,1")
    assert (code, err) == (0, "")
    assert "zeros of v with θ in [-1, 4] and φ in [-1, 1]: 2\n" in out
    rows = [line.split() for line in out.splitlines()]
    assert [row[:3] for row in rows if row[1:2] == ["0"]] == [
        ["0", "0", "unstable"],
        ["3.142", "0", "saddle"],
    ]


@pytest.mark.slow
def test_no_equilibrium_is_exit_code_1(run, run_json):
    where = ("equilibria", "--game", "bilinear", "--bounds", "1,2")
    code, out, err = run(*where)
    assert (code, err) == (1, "")
    said = "of 1024 starts 1024 ended at a zero outside of the bounds"
    assert f"None: {said}.\nTo look further, widen the bounds" in out
    record = run_json(*where, code=1)
    assert (record["num_found"], record["equilibria"], record["reason"]) == (0, [], said)


@pytest.mark.slow
def test_the_known_equilibrium_of_a_clipped_field(run_json):
    record = run_json(
        "equilibria", "--game", "bilinear", "--transform", "clipped",
        "--set", "max_norm=0.001", "--num-starts", 64,
    )  # fmt: skip
    (row,) = record["equilibria"]
    assert (row["theta"], row["phi"], row["kind"]) == (0, 0, "centre")


@pytest.mark.long
def test_a_continuum_is_one_and_many_zeros_are_cut_short(run, run_json):
    where = ("equilibria", "--game", "dirac_gan", "--objective", "least_squares")
    record = run_json(*where, "--num-starts", 64)
    assert record["num_found"] == 1
    assert record["equilibria"][0]["dimension"] == 1
    code, out, _ = run(*where, "--num-starts", 64)
    assert code == 0
    assert "across 1: it lies on a continuum of dimension 1" in out
    where = ("equilibria", "--game", "lattice", "--bounds", "-4,4", "--max-points", 3)
    record = run_json(*where, "--num-starts", 64)
    assert record["num_found"] == 9
    assert len(record["equilibria"]) == 3
    places = [round(row["theta"], 6) for row in record["equilibria"]]
    assert places == sorted(places)
    assert "The 3 most hit are shown" in run(*where, "--num-starts", 64)[1]


@pytest.mark.long
def test_the_seed_shifts_the_starts(run_json):
    where = ("equilibria", "--game", "lattice", "--bounds", "-4,4", "--num-starts", 64)
    same, again, other = (run_json(*where, "--seed", seed) for seed in (1, 1, 2))
    assert same == again
    assert [row["hits"] for row in same["equilibria"]] != [r["hits"] for r in other["equilibria"]]


@pytest.mark.slow
@pytest.mark.parametrize("game", gf.games.closed_forms())
def test_every_game_has_a_spectrum_and_known_equilibria(game, run_json):
    equilibrium = gf.GAMES[game]().equilibria[0]
    record = run_json("spectrum", "--game", game)
    assert record["at"] == pytest.approx(
        {"theta": float(equilibrium.theta), "phi": float(equilibrium.phi)}
    )
    assert len(record["v"]["eigenvalues"]) == 2
    assert record["v"]["kind"] != "none"
    places = run_json("equilibria", "--game", game, "--num-starts", 64, "--max-points", 1)
    assert places["equilibria"]
    assert max(row["residual"] for row in places["equilibria"]) < 1e-6


@pytest.mark.parametrize(
    ("what", "registry"),
    [
        ("games", gf.games.closed_forms()),
        ("gans", gf.games.gans()),
        ("methods", gf.METHODS),
        ("wrappers", gf.WRAPPERS),
        ("transforms", gf.TRANSFORMS),
        ("optimizers", gf.configuration.OPTIMIZERS),
        ("objectives", gf.OBJECTIVES),
        ("penalties", gf.games.PENALTIES),
        ("networks", gf.NETWORKS),
        ("presets", gf.configuration.PRESETS),
    ],
)
def test_lists_name_and_explain_all(what, registry, run, run_json):
    record = run_json("list", what)
    assert list(record) == [what]
    assert list(record[what]) == list(registry)
    assert all(entry["summary"].endswith(".") for entry in record[what].values())
    code, out, err = run("list", what)
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines() if line[:2] == "  " != line[2:4]] == list(
        registry
    )


def test_lists_hold_parameters_and_defaults(run, run_json):
    everything = run_json("list")
    assert list(everything) == [
        "games",
        "gans",
        "methods",
        "wrappers",
        "transforms",
        "objectives",
        "penalties",
        "optimizers",
        "networks",
        "presets",
    ]
    assert everything["transforms"]["consensus"]["parameters"] == {
        "gamma": {"required": True, "default": None},
        "groups": {"required": False, "default": 1},
    }
    assert everything["games"]["bilinear"]["parameters"] == {
        "coupling": {"required": False, "default": 1.0}
    }
    assert everything["methods"]["alternating"]["parameters"]["order"]["default"] == [
        "phi",
        "theta",
    ]
    _, out, _ = run("list")
    assert "parameters: gamma, groups=1\n" in "".join(
        line.rstrip() + "\n" for line in out.split("\n")
    )


def test_a_list_without_flax_goes_on(run, run_json, monkeypatch):
    monkeypatch.setitem(sys.modules, "ganfield.networks", None)
    assert run_json("list")["networks"] is None
    code, out, _ = run("list")
    assert code == 0
    assert "these need flax: pip install 'ganfield[networks]'" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command, run):
    code, out, err = run(command, "--help")
    assert (code, err) == (0, "")
    assert f"\n  ganfield {command} " in out
    # Every option is explained in words, and no default is a None that says nothing.
    assert "(default: None)" not in out
    assert "{" not in out
    for option in re.split(r"\n  (?=-)", out)[1:]:
        words = re.sub(r"--[\w-]+|\(default:.*", "", " ".join(option.split()))
        assert len(re.findall(r"\w*[a-z]\w*", words)) > 3, option


@pytest.mark.parametrize("command", ["field", "spectrum", "equilibria"])
def test_help_names_what_there_is(command, run):
    _, out, _ = run(command, "--help")
    methods = gf.METHODS if command == "field" else ()
    for name in (*gf.games.closed_forms(), *gf.OBJECTIVES, *gf.TRANSFORMS, *methods):
        assert re.search(rf"\b{name}\b", out), name
    assert "default: identity" in out


def test_help_fills_the_line(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    _, out, _ = run("field", "--help")
    # Where the source breaks the line, between "those" and "of".
    assert "penalty_weight=0.5, and those of the transform but γ." in out


def test_help_of_list_names_all_lists(run, run_json):
    _, out, _ = run("list", "--help")
    for what in run_json("list"):
        assert what in out.partition("WHAT")[2]


def test_help_names_the_exit_codes(run):
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    for exit_code in ("0", "1", "2", "130"):
        assert any(line.split()[:1] == [exit_code] for line in out.splitlines())
    for command in COMMANDS:
        assert command in out
