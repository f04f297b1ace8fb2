"""The page: what it is made of, what it refuses, and that its programs run."""

import functools
import json
import runpy
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.export._model import model
from tests.export import node

FEW = {"methods": ["simultaneous"], "optimizers": ["sgd"], "transforms": ["consensus"]}
ASK = """(()=>{const m=%s;return (at,given)=>{const o=m.sliders.map(s=>given[s.name]??s.value);
const f=m.fields.find(f=>f.name===at);return JSON.stringify({title:m.title,games:m.games,
sliders:m.sliders,names:m.fields.map(f=>f.name),value:Array.from(f.value([0.5,-0.3],o)),
jacobian:Array.from(f.jacobian([0.5,-0.3],o)),program:m.programs({game:m.games[0].name,field:at,
method:m.methods[0].name,optimizer:m.methods[0].optimizer,options:o,bounds:[[-2,2],[-1,1]],
starts:[[1,1],[0.5,0]],steps:20})})}})()"""


def ask(cases):
    """Return what models say: of a text, a field and values of sliders each."""
    jobs = [(ASK % text, [[field, given]]) for text, field, given in cases]
    results = node.run(jobs)
    assert not any(isinstance(result, str) for result in results), results
    return [json.loads(result[0]) for result in results]


DOCS = Path(__file__).parents[2] / "docs"
# What a model says, and its numbers at some points.
COMPUTE = """(()=>{const m=%s;return points=>{const o=m.sliders.map(s=>s.value);
return [JSON.stringify(m),m.programs({game:m.games[0].name,field:m.fields[1].name,method:
m.methods[0].name,optimizer:m.methods[0].optimizer,options:o,bounds:[[-2,2],[-1,1]],starts:[[1,1]],
steps:20}),m.fields.map(f=>points.map(x=>[f.value(x,o),f.jacobian(x,o),
m.methods.map(s=>s.step(f,s.init(f,x,o),o))])).flat(9)]}})()"""


def my_game(sharpness=1.0, shift=0.5):
    """Return the game loss_θ = log cosh(sφ − θ) + shift·θφ </script><script>alert(1)</script>."""

    def loss(theta, phi, batch):
        return jnp.log(jnp.cosh(sharpness * phi - theta)) + shift * theta * phi

    return gf.games.zero_sum(loss, init=lambda key: gf.Players(0.1, 0.2))


def plane_of_networks():
    """Return a plane of a GAN of two small networks, a field of two numbers."""
    generator = gf.networks.mlp(2, 1, hidden_sizes=(5,), activation=jnp.tanh)
    discriminator = gf.networks.mlp(1, 1, hidden_sizes=(5,), activation=jnp.tanh)
    v = gf.vector_field(gf.games.gan(generator, discriminator, "standard"))
    game = gf.games.gan(generator, discriminator, "standard")
    here = jax.tree.map(lambda x: x.astype(float), game.init(jax.random.key(0)))
    rng = np.random.default_rng(0)
    batch = gf.Batch(jnp.asarray(rng.normal(size=(6, 1))), jnp.asarray(rng.normal(size=(6, 2))))
    plane = gf.planes.random(here, jax.random.key(1))
    on_plane = gf.planes.on_plane(v, plane)
    return lambda params, _=None: on_plane(params, batch)


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_sliders_games_and_planes_are_live(tmp_path):
    field = plane_of_networks()
    cases = [
        (model(my_game, **FEW), "consensus", {"gamma": 0.25, "sharpness": 2.0, "shift": -1.0}),
        (model(gf.games.lattice(0.75), **FEW), "v", {}),
        (model({"one": gf.games.bilinear, "other": "sine"}, **FEW), "v", {"coupling": 3.0}),
        (model(field, **FEW, title="</SCRIPT>"), "consensus", {"gamma": 0.1}),
        (
            model(gf.games.dirac_gan("standard"), **FEW, sliders={"instance_noise": (0, 2)}),
            "v",
            {"instance_noise": 0.7},
        ),
    ]
    mine, lattice, two, plane, dirac = ask(cases)
    at = gf.Players(0.5, -0.3)
    expected = [
        (mine, gf.consensus(gf.vector_field(my_game(2.0, -1.0)), gamma=0.25)),
        (lattice, gf.vector_field(gf.games.lattice(0.75))),
        (two, gf.vector_field(gf.games.bilinear(3.0))),
        (plane, gf.consensus(field, gamma=0.1)),
        (dirac, gf.vector_field(gf.games.dirac_gan(instance_noise=0.7))),
    ]
    for told, w in expected:
        # v″ of a field of networks is by differences, and so w′ is.
        exact = 1e-8 if told is plane else 1e-11
        np.testing.assert_allclose(told["value"], [*w(at)], rtol=1e-12)
        np.testing.assert_allclose(
            told["jacobian"], gf.jacobian(w)(at).ravel(), rtol=exact, atol=exact / 100
        )
    assert [x["name"] for x in mine["sliders"]][-2:] == ["sharpness", "shift"]
    assert [(x["name"], x["owner"]) for x in two["sliders"]][-1] == ("coupling", "one")
    assert [x["name"] for x in two["games"]] == ["one", "other"]
    assert len(dirac["games"]) == 1
    assert plane["title"] == "</SCRIPT>"
    assert mine["games"][0]["doc"].endswith("</script><script>alert(1)</script>.")
    # No text can end the element that the model stands in.
    path = tmp_path / "new" / "page.html"
    gf.export.html(path, my_game, **FEW, title="<!--</script>")
    page = path.read_text("utf-8").lower()
    assert page.count("</script") == 1
    assert "<!--" not in page.partition("const model=")[2]


@pytest.mark.slow
def test_the_program_of_a_page_makes_its_figure(tmp_path, monkeypatch):
    text = model(gf.games.lattice, methods=["lookahead.extragradient"], optimizers=["adam"])
    (told,) = ask([(text, "consensus", {"coupling": 0.25, "step_size": 0.05})])
    assert "gf.games.lattice(coupling=0.25)" in told["program"]
    monkeypatch.chdir(tmp_path)
    held: dict = {}
    with jax.enable_x64(True):
        exec(told["program"].replace('jax.config.update("jax_enable_x64", True)', ""), held)
        method = gf.methods.lookahead(gf.extragradient(optax.adam(0.05)), share=0.5)
        w = gf.consensus(gf.vector_field(gf.games.lattice(0.25)), gamma=1.0)
        run = gf.simulate(method, w, gf.Players(1.0, 1.0), num_steps=20)
    assert (tmp_path / "figure.png").stat().st_size > 1000
    assert held["paths"].theta.shape == (21, 2)
    np.testing.assert_allclose(held["paths"].theta[-1, 0], run.params.theta, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param("dirac_gan", marks=pytest.mark.long), "two_attractors"]
)
def test_a_page_is_one_small_file(name, tmp_path):
    path = tmp_path / "page.html"
    gf.export.html(path, name)
    text = path.read_text("utf-8")
    assert len(text.encode()) < 150_000
    assert "/*GANFIELD-MODEL*/" not in text
    assert text.count("const model=(()=>") == 1


@pytest.mark.slow
def test_pages_of_the_documentation_are_what_their_program_writes():
    fresh = runpy.run_path(str(DOCS / "pages.py"))["pages"]()
    before, _, after = gf.export._html._PAGE.read_text("utf-8").partition("/*GANFIELD-MODEL*/")
    jobs = []
    for name, made in fresh.items():
        for text in ((DOCS / "pages" / name).read_text("utf-8"), made):
            assert text.startswith(before), f"{name}, run: python docs/pages.py"
            assert text.endswith(after)
            told = text.removeprefix(f"{before}const model=").removesuffix(f";{after}")
            jobs.append((COMPUTE % told, [[[[0.5, -0.3], [1.5, 0.75]]]]))
    results = node.run(jobs)
    for name, written, made in zip(fresh, results[::2], results[1::2], strict=True):
        ((*said, numbers),), ((*expected, rest),) = written, made
        assert said == expected, f"{name}, run: python docs/pages.py"
        # JAX's versions have derivatives that differ in their last bits.
        pair = node.numbers(numbers), node.numbers(rest)
        np.testing.assert_allclose(*pair, 1e-12, 1e-12, err_msg="run: python docs/pages.py")


def test_a_game_with_constants_of_32_bits_is_played_in_64():
    three = jnp.arange(3, dtype=jnp.float32)
    game = gf.games.zero_sum(lambda t, p, batch: jnp.sin(t * p + three).sum(), init=None)
    assert "fround" not in model(game, **FEW)


def broken(theta):
    return gf.games.zero_sum(lambda t, p, batch: jnp.sort(jnp.stack([t, p]))[0], init=None)


@pytest.mark.parametrize(
    ("game", "options", "said"),
    [
        (
            functools.partial(gf.games.bilinear, jnp.eye(2)),
            {},
            r"gf.planes.on_plane\(field, plane\)",
        ),
        (gf.games.bilinear(jnp.eye(2)), {}, r"gf.planes.on_plane\(field, plane\)"),
        (functools.partial(broken, 0), {}, "primitive 'sort', from .*test_html.py"),
        (3, {}, "must be a game, a field of two numbers, .* got int"),
        ({}, {}, "must hold a game"),
        ("bilinaer", {}, "did you mean 'bilinear'"),
        (
            gf.games.bilinear,
            {"methods": ["competitive"]},
            "'competitive' cannot be exported: it solves",
        ),
        (gf.games.bilinear, {"methods": ["simultanous"]}, "did you mean 'simultaneous'"),
        (gf.games.bilinear, {"optimizers": ["adma"]}, "did you mean 'adam"),
        (gf.games.bilinear, {"transforms": ["consnesus"]}, "did you mean 'consensus'"),
        (gf.games.bilinear, {"sliders": {"gama": (0, 1)}, **FEW}, "unknown slider 'gama'"),
        (
            gf.games.bilinear,
            {"sliders": {"gamma": (1, 0)}},
            r"sliders\['gamma'\] must be \(low, high\)",
        ),
        (gf.games.bilinear, {"bounds": (2, -2)}, "bounds must be"),
    ],
)
def test_what_is_refused(game, options, said, tmp_path):
    path = tmp_path / "page.html"
    with pytest.raises(ValueError, match=said):
        gf.export.html(path, game, **options)
    assert not path.exists()


def test_files_that_cannot_be(tmp_path):
    with pytest.raises(ValueError, match=r"path must be an \.html file, got 'page.txt'"):
        gf.export.html("page.txt", gf.games.bilinear)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        gf.export.html(tmp_path / "file" / "page.html", gf.games.bilinear, **FEW)


@pytest.mark.slow
def test_a_notebook_shows_the_page():
    frame = gf.explore(gf.games.bilinear, **FEW)
    said = frame._repr_html_()
    assert 'srcdoc="&lt;!doctype html' in said
    assert said.count('"') == said.count('="') * 2


def test_import_is_lazy():
    assert "export" in dir(gf)
    assert gf.export._html._PAGE.is_file()
