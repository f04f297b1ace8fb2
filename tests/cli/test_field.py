"""Figures of fields and spectra: written, not blank, and with the numbers that a program finds."""

import jax
import numpy as np
import optax
import pytest
from matplotlib import image

import ganfield as gf
from ganfield.cli import _field

CHEAP = ("--num-steps", 5, "--no-equilibria", "--kind", "quiver")


def ink(path):
    """Return the share of pixels that differ from the ground."""
    pixels = image.imread(path)[..., :3]
    return float(np.mean(np.abs(pixels - pixels[0, 0]).max(axis=-1) > 0.1))


@pytest.mark.long
def test_the_command_of_the_readme(run, tmp_path):
    code, out, err = run(
        "field", "--game", "dirac_gan", "--objective", "standard", "--transform", "consensus",
        "--gamma", 0.6, "--method", "simultaneous", "--step-size", 0.1, "--start", "1,1",
        "--output", "field.png",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "dirac_gan, objective = standard, consensus γ = 0.6",
        "simultaneous, sgd, h = 0.1, 200 steps",
    ]
    assert out.splitlines()[3:] == ["equilibria of w: 1 (1 stable)", "wrote field.png"]
    assert 0.03 < ink(tmp_path / "field.png") < 0.5
    assert [path.name for path in tmp_path.iterdir()] == ["field.png"]


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("method", "optimizer"),
    [
        ("simultaneous", "sgd"),
        ("alternating", "sgd"),
        ("simultaneous", "adam"),
        ("alternating", "rmsprop"),
    ],
)
def test_paths_are_those_of_a_program(method, optimizer, run_json):
    record = run_json(
        "field", "--game", "quadratic", "--set", "coupling=2", "--method", method,
        "--optimizer", optimizer, "--step-size", 0.05, "--start", "1,1", "-1,0.5",
        "--num-steps", 30, "--no-equilibria",
    )  # fmt: skip
    v = gf.vector_field(gf.games.quadratic(coupling=2.0))
    moves = gf.METHODS[method](getattr(optax, optimizer)(0.05))
    for path, start in zip(record["paths"], [(1.0, 1.0), (-1.0, 0.5)], strict=True):
        end = gf.simulate(moves, v, gf.Players(*start), num_steps=30).params
        assert path["start"] == {"theta": start[0], "phi": start[1]}
        assert path["end"] == pytest.approx({k: float(x) for k, x in end._asdict().items()})
        assert path["stopped_at"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "starts",
    [
        ("--start", "-1,0.5", "1,-1"),
        ("--start=-1,0.5", "1,-1"),
        ("--start=-1,0.5", "--start", "1,-1"),
        ("--start", "-1,.5", "--start=1,-1e0"),
    ],
)
def test_starts_may_be_negative_and_several(starts, run_json):
    record = run_json("field", "--game", "bilinear", *CHEAP, *starts, "--bounds", "-2,2")
    assert [path["start"] for path in record["paths"]] == [
        {"theta": -1, "phi": 0.5},
        {"theta": 1, "phi": -1},
    ]


@pytest.mark.slow
def test_the_default_start_lies_within_any_bounds(run_json):
    starts = {
        bounds: run_json("field", "--game", "sine", *CHEAP, f"--bounds={bounds}")["paths"][0][
            "start"
        ]
        for bounds in ("-2,2", "4,8", "-4,0,-1,1")
    }
    assert starts == {
        "-2,2": {"theta": 1, "phi": 1},
        "4,8": {"theta": 7, "phi": 7},
        "-4,0,-1,1": {"theta": -1, "phi": 0.5},
    }


@pytest.mark.slow
def test_a_run_that_is_not_finite_says_when(run, run_json):
    where = ("field", "--game", "bilinear", *CHEAP, "--step-size", 1e200, "--num-steps", 4)
    path = run_json(*where)["paths"][0]
    # |x| grows by h in each step, and h² is no float64.
    assert path["stopped_at"] == 2
    assert max(map(abs, path["end"].values())) == pytest.approx(1e200)
    _, out, _ = run(*where)
    assert "stopped at step 2" in out


def test_no_steps_draw_no_paths(run_json):
    assert run_json("field", "--game", "bilinear", *CHEAP, "--num-steps", 0)["paths"] == []


@pytest.mark.long
def test_equilibria_are_found_unless_declined(run, run_json):
    where = ("field", "--game", "sine", "--transform", "consensus", "--gamma", 2, *CHEAP[:2])
    record = run_json(*where, "--kind", "quiver")
    assert (record["num_equilibria"], len(record["equilibria"])) == (3, 3)
    assert record["output"] == "field.png"
    code, out, _ = run(*where)
    assert code == 0
    assert "equilibria of w: 3 (2 saddle, 1 stable, 3 of them spurious)\n" in out
    record = run_json(*where, "--no-equilibria")
    assert (record["num_equilibria"], record["equilibria"]) == (None, [])


@pytest.mark.slow
@pytest.mark.parametrize("game", gf.games.closed_forms())
def test_every_game_is_drawn(game, run, tmp_path):
    code, out, err = run("field", "--game", game, *CHEAP)
    assert (code, err) == (0, "")
    assert out.endswith("wrote field.png\n")
    assert ink(tmp_path / "field.png") > 0.03


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "head"), [("pdf", b"%PDF"), ("svg", b"<?xml"), ("PNG", b"\x89")]
)
def test_figures_of_all_kinds_in_new_folders(suffix, head, run, tmp_path):
    path = tmp_path / "a" / "b" / f"figure.{suffix}"
    code, _, err = run("field", "--game", "bilinear", *CHEAP, "--output", path)
    assert (code, err) == (0, "")
    assert path.read_bytes().startswith(head)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.slow
def test_dark_figures_are_dark(run, tmp_path):
    for option in ("--dark", None):
        run("field", "--game", "bilinear", *CHEAP, *filter(None, [option]))
        corner = image.imread(tmp_path / "field.png")[0, 0, :3]
        assert (corner.max() < 0.2) if option else (corner.min() > 0.95)


@pytest.mark.long
def test_a_spectrum_is_drawn(run, run_json, tmp_path):
    where = (
        "spectrum", "--game", "dirac_gan", "--transform", "consensus", "--step-size", 0.5,
        "--output", "spectrum.png",
    )  # fmt: skip
    assert run_json(*where)["output"] == "spectrum.png"
    assert ink(tmp_path / "spectrum.png") > 0.01
    code, out, _ = run(*where)
    assert code == 0
    assert out.endswith("wrote spectrum.png\n")


@pytest.mark.long
def test_the_figure_holds_what_was_asked_for(monkeypatch, run):
    drawn = []
    monkeypatch.setattr(gf.plot, "save", lambda figure, path: drawn.append(figure))
    run(
        "field", "--game", "lattice", "--transform", "consensus", "--gamma", 0.6,
        "--bounds", "-4,4,-1,1", "--start", "1,0.5", "-1,0.5", "--num-steps", 7,
        "--method", "alternating",
    )  # fmt: skip
    run("spectrum", "--game", "dirac_gan", "--step-size", 0.5, "--output", "x.png")
    field, spectrum = drawn
    ax, colorbar = field.axes
    assert (ax.get_xlim(), ax.get_ylim()) == ((-4, 4), (-1, 1))
    assert ax.get_title("left") == "lattice, consensus γ = 0.6"
    assert colorbar.get_ylabel() == "‖w‖"
    legend = [text.get_text() for text in field.legends[0].get_texts()]
    assert legend[0] == "alternating, sgd, h = 0.1, 7 steps"
    assert len(legend) == 3  # the two paths have one entry; unstable, saddle
    assert spectrum.axes[0].patches[0].get_radius() == 2
    assert [text.get_text() for text in spectrum.legends[0].get_texts()] == ["v′"]


def test_bounds_give_the_figure_its_shape():
    size = _field._size
    (square, wide, tall, too_wide) = (
        size(gf.Players((0.0, width), (0.0, height)))
        for width, height in [(1, 1), (2, 1), (1, 2), (9, 1)]
    )
    assert wide[0] == square[0] == too_wide[0] > tall[0]
    assert tall[1] == square[1] == too_wide[1] > wide[1]


@pytest.mark.slow
def test_float64_ends_with_the_command(run):
    run("field", "--game", "bilinear", *CHEAP)
    assert not jax.config.jax_enable_x64
