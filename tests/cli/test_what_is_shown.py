"""What a command shows of a run: that a solve failed, and what of a path was left out."""

import pytest

import ganfield as gf

RIDGE = (
    "field", "--game", "bilinear", "--method", "follow_the_ridge", "--num-steps", 3,
    "--no-equilibria", "--kind", "quiver",
)  # fmt: skip


@pytest.mark.slow
def test_a_failed_solve_is_said_wherever_a_run_is_shown(run, run_json, monkeypatch):
    (path,) = run_json(*RIDGE)["paths"]
    assert (path["unsolved_at"], path["stopped_at"]) == (1, None)
    drawn = []
    monkeypatch.setattr(gf.plot, "save", lambda figure, path: drawn.append(figure))
    _, out, _ = run(*RIDGE)
    assert ", no follow_the_ridge from step 1 on: its inner solve failed\n" in out
    (entry,) = drawn[0].legends[0].get_texts()
    assert entry.get_text().endswith("\ninner solve failed at step 1")


@pytest.mark.slow
def test_a_solve_that_succeeds_is_not_said(run_json):
    (path,) = run_json(*RIDGE[:3], "--num-steps", 3, "--no-equilibria")["paths"]
    assert path["unsolved_at"] is None


@pytest.mark.long
def test_a_long_path_says_how_much_of_it_is_drawn(run, run_json):
    where = (
        "field", "--game", "bilinear", "--method", "alternating", "--num-steps", 6000,
        "--no-equilibria", "--kind", "quiver",
    )  # fmt: skip
    code, out, _ = run(*where)
    assert code == 0
    assert " of 6,001 points (--max-points changes it)\n" in out
    assert run_json(*where, "--max-points", 6001)["thinned"] is None
    assert int(run_json(*where, "--max-points", 90)["thinned"].split()[0]) <= 90
    code, _, err = run(*where, "--max-points", 1)
    assert (code, err) == (2, "error: --max-points must be an integer ≥ 2, got 1\n")
