"""``ganfield compare``, ``sample``, ``report`` and ``probe``: what they print, write and refuse."""

import jax
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import ganfield as gf
from tests.training.tiny import CONFIG

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    with jax.enable_x64(False):
        for seed in (0, 1):
            config = CONFIG.replace({"seed": seed, "num_steps": 20})
            gf.training.train(config, root / str(seed))
    return [root / "0", root / "1"]


@pytest.mark.long
def test_compare(run, run_json, folders, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(gf.plot, "save", lambda figure, path: saved.append((figure, path)))
    record = run_json("compare", *folders, "--output", "c.png")
    (group,) = record["groups"]
    assert (group["seeds"], group["step"], record["differences"]) == ([0, 1], 20, {})
    expected = gf.runs.compare(folders).groups[0].last()["loss_phi"]
    assert tuple(group["last"]["loss_phi"].values()) == pytest.approx(expected)
    ((figure, path),) = saved
    assert (isinstance(figure, Figure), str(path)) == (True, "c.png")
    drawn = {ax.get_title("left"): len(ax.lines) for ax in figure.axes if ax.lines}
    names = ("loss theta", "loss phi", "norm v theta", "norm v phi", "diversity")
    assert drawn == dict.fromkeys(names, 3)  # two seeds and their mean
    code, out, err = run("compare", *folders)
    assert (code, err) == (0, "")
    assert "seeds 0, 1" in out
    assert f"{expected[0]:.4g} ± {expected[1]:.2g}" in out
    code, out, err = run("compare", folders[0], "nowhere")
    assert (code, out) == (2, "")
    assert err == "error: there is no run in nowhere: it has no config.json\n"


def test_sample(run, run_json, folders, tmp_path):
    expected = gf.runs.load(folders[0]).generate(3)
    record = run_json("sample", folders[0], "--num", 3, "--output", "new/s.npz")
    assert (record["step"], record["num"]) == (20, 3)
    with np.load("new/s.npz") as archive:
        np.testing.assert_array_equal(archive["examples"], expected)
        assert archive["step"] == 20
    code, out, err = run("sample", folders[0], "--num", 3, "--output", "images")
    assert (code, err) == (0, "")
    assert out.endswith("wrote images\n")
    files = sorted((tmp_path / "images").iterdir())
    assert [path.name for path in files] == ["0.png", "1.png", "2.png"]
    pixels = np.asarray(Image.open(files[1])).astype(float)
    np.testing.assert_allclose(pixels / 127.5 - 1, expected[1, ..., 0], atol=0.01)


def test_report(run, run_json, folders, tmp_path):
    record = run_json("report", folders[0], "--output", "new/r.html")
    assert (record["output"], record["missing"]) == ("new/r.html", [])
    assert "</html>" in (tmp_path / "new" / "r.html").read_text("utf-8")
    (folders[1] / "events.log").unlink()
    code, out, err = run("report", folders[1], "--output", "r.html")
    assert (code, err) == (0, "")
    assert out == "missing: not there, or not yet: what happened (events.log)\nwrote r.html\n"
    code, out, err = run("report", folders[0], "--output", "r.pdf")
    assert (code, out) == (2, "")
    assert err == "error: --output must be a file that ends in .html, got 'r.pdf'\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--output", "full"), "--output must be a new or empty folder"),
        (("--output", "a.png"), r"--output must end in .npz or be a folder, got 'a.png'"),
        (("--output", "a.npz", "--num", 0), "--num must be an integer ≥ 1, got 0"),
        (("--output", "a.npz", "--step", 7), "no checkpoint of step 7 in"),
        (("--output", "a.npz", "--average"), "keeps no average"),
    ],
)
def test_what_cannot_be_sampled(run, folders, tmp_path, arguments, message):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    code, out, err = run("sample", folders[0], *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


@pytest.mark.long
def test_spectrum_of_a_run(run, run_json, folders, monkeypatch):
    saved = []
    monkeypatch.setattr(gf.plot, "save", lambda figure, path: saved.append((figure, str(path))))
    record = run_json("spectrum", folders[0], "--step", 20, "--num", 2, "--output", "s.png")
    with jax.enable_x64(False):
        loaded = gf.runs.load(folders[0])
        batch = loaded.sample(jax.random.key(0))
        matrix = np.asarray(gf.jacobian(loaded.original)(loaded.params, batch), float)
        v = np.linalg.eigvals(matrix)
        F = gf.spectra.moving_map(loaded.method, loaded.field, loaded.state, batch)
        moduli = np.abs(np.linalg.eigvals(np.asarray(F.jacobian(F.point))))
    spectra = record["spectra"]
    assert list(spectra) == ["v", "v_turning", "step"]
    real = [value["re"] for value in spectra["v"]["eigenvalues"]]
    assert real[0] == pytest.approx(v.real.max(), rel=1e-3)
    turning = [abs(value["im"]) for value in spectra["v_turning"]["eigenvalues"]]
    assert turning[0] == pytest.approx(np.abs(v.imag).max(), rel=1e-3)
    share = np.linalg.norm((matrix - matrix.T) / 2) ** 2 / np.linalg.norm(matrix) ** 2
    (rotation,) = record["rotation"].values()
    assert abs(rotation["share"] - share) < 4 * rotation["standard_error"] < 0.4
    assert record["radius"] == pytest.approx(moduli.max(), rel=1e-5)
    assert record["stable"] == (moduli.max() <= 1)
    assert record["step"] == 20
    ((figure, path),) = saved
    assert path == "s.png"
    assert [ax.get_title("left").partition(":")[0] for ax in figure.axes] == ["fields", "step"]
    code, out, err = run("spectrum", folders[0], "--num", 1)
    assert (code, err) == (0, "")
    assert "v′, largest real part" in out
    assert f"share of rotation, ‖A‖²/‖J‖² of J = S + A: v′ {rotation['share']:.4g} ±" in out
    assert f"largest modulus {record['radius']:.6g}" in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--game", "sine"), "--game is for a game, and a run has its own: leave it out"),
        (("--set", "x=1"), "--set is for a game, and a run has its own: leave it out"),
        (("--transform", "jare"), "--transform is for a game, and a run has its own"),
        (("--num", 0), "--num must be an integer ≥ 1, got 0"),
        (("--step", 7), "there is no checkpoint of step 7"),
    ],
)
def test_spectrum_of_a_run_refuses(run, folders, options, words):
    code, out, err = run("spectrum", folders[0], *options)
    assert (code, out) == (2, "")
    assert words in err


def test_probe(run, run_json, folders, tmp_path):
    options = ("probe", folders[0], "--labels", 2, "all", "--draws", 2)
    record = run_json(*options, "--output", "new/p.png")
    assert (record["step"], record["output"]) == (20, "new/p.png")
    assert (tmp_path / "new" / "p.png").stat().st_size > 1000
    with jax.enable_x64(False):
        expected = gf.runs.probe(gf.runs.load(folders[0]), labels_per_class=(2, None), num_draws=2)
    assert list(record["probes"]) == ["discriminator", "untrained", "pixels"]
    for name, (few, every) in record["probes"].items():
        assert (few["labels"], every["labels"]) == ("2", "all")
        assert few["accuracies"] == expected[name].accuracies[0].tolist()
        assert every["accuracy"] == expected[name].accuracy[1]
        assert every["standard_error"] is None
    code, out, err = run(*options)
    assert (code, err) == (0, "")
    assert f"{expected['pixels'].accuracy[1]:.4g}" in out
    assert "±: standard error of the mean over 2 draws of the labels\n" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--labels", "ten"), "--labels must be integers ≥ 1, or all, got 'ten'"),
        (("--labels", "1000"), "--labels must be an integer from 1 to 140, got 1000"),
        (("--draws", 0), "--draws must be an integer ≥ 1, got 0"),
        (("--seed", -1), "--seed must be an integer from 0 to"),
        (("--output", "p.npz"), "--output must end in .pdf, .png or .svg"),
        (("--step", 7), "no checkpoint of step 7 in"),
    ],
)
def test_what_cannot_be_probed(run, folders, tmp_path, arguments, message):
    code, out, err = run("probe", folders[0], *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []
