"""`ganfield explore`, and a user's own game in all commands of the plane."""

import pytest

from ganfield.cli import _explore

GAME = '''"""A file of a user's own."""
import jax.numpy as jnp
import ganfield as gf

def my_game(coupling=1.0):
    """Return the game loss_θ = θ²/2 + cθφ."""
    def loss(theta, phi, batch):
        return theta**2 / 2 + coupling * theta * phi - phi**2 / 2
    return gf.games.zero_sum(loss, init=lambda key: gf.Players(1.0, 1.0))

def needs(coupling):
    return my_game(coupling)

def large():
    return gf.games.bilinear(jnp.eye(2))

def nothing():
    return 3

def fails():
    raise RuntimeError("on purpose")
'''


@pytest.fixture
def opened(monkeypatch):
    """Return the addresses that the browser is asked to open."""
    addresses = []
    monkeypatch.setattr(_explore.webbrowser, "open", addresses.append)
    return addresses


@pytest.mark.slow
def test_a_page_of_a_users_own_game(run, tmp_path, opened):
    (tmp_path / "mine.py").write_text(GAME)
    code, out, err = run(
        "explore", "--game", "mine.py:my_game", "--set", "coupling=2", "--transform", "consensus",
        "--gamma", 5, "--slider", "coupling=-3,3", "--output", "pages/mine.html",
    )  # fmt: skip
    assert (code, err, opened) == (0, "", [])
    assert out.splitlines()[0] == "my_game, coupling = 2, consensus γ = 5"
    text = (tmp_path / "pages" / "mine.html").read_text("utf-8")
    slider = '"name": "coupling", "label": "coupling c", "of": "game", "owner": "", '
    slider += '"min": -3.0, "max": 3.0, "value": 2.0'
    assert slider in text
    assert '"max": 5.0, "value": 5.0' in text  # γ, whose range reaches as far as it is.
    assert 'runpy.run_path(\\"mine.py\\")[\\"my_game\\"]' in text


@pytest.mark.slow
def test_without_output_the_browser_is_opened(run, opened):
    code, _, err = run(
        "explore", "--game", "bilinear", "--start", "1,1", "-0.5,1", "--num-steps", 50
    )
    assert (code, err) == (0, "")
    (address,) = opened
    assert address.startswith("file://")
    assert "bilinear.html#steps=50" in address
    assert "starts=1%2C1%3B-0.5%2C1" in address


@pytest.mark.slow
def test_other_commands_take_a_users_own_game(run, run_json, tmp_path):
    (tmp_path / "mine.py").write_text(GAME)
    at = ("--game", "mine.py:my_game", "--set", "coupling=2")
    record = run_json("equilibria", *at)
    assert [(x["kind"], abs(x["theta"]) < 1e-9) for x in record["equilibria"]] == [("stable", True)]
    assert run_json("spectrum", *at, "--at", "0,0")["game"]["coupling"] == 2
    code, out, _ = run("field", *at, "--num-steps", 5, "--no-equilibria", "--kind", "quiver")
    assert (code, out.splitlines()[0]) == (0, "my_game, coupling = 2")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--game", "mine.py:my_gaem"),
            "unknown function of mine.py 'my_gaem': did you mean 'my_game'",
        ),
        (("--game", "yours.py:my_game"), "there is no file 'yours.py'"),
        (("--game", "mine.py"), "FILE.py:FUNCTION"),
        (("--game", "mine.py:needs"), "give defaults to coupling"),
        (("--game", "mine.py:nothing"), "must return a game"),
        (("--game", "mine.py:fails"), "raised RuntimeError: on purpose"),
        (("--game", "mine.py:large"), "gf.planes.on_plane"),
        (("--game", "broken.py:f"), "cannot be run, it raised SyntaxError"),
        (("--game", "bilinear", "--output", "page.txt"), "--output must be an .html file"),
        (("--game", "bilinear", "--slider", "coupling=2"), "--slider must be NAME=LOW,HIGH"),
        (("--game", "bilinear", "--start", "9,9"), "--start must be within the bounds"),
        (("--game", "bilinear", "--method", "competitive"), "cannot be exported"),
    ],
)
def test_what_is_refused(run, tmp_path, opened, options, said):
    (tmp_path / "mine.py").write_text(GAME)
    (tmp_path / "broken.py").write_text("def f(:")
    code, out, err = run("explore", *options)
    assert (code, out, opened) == (2, "", [])
    assert said in err
