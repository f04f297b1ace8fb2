"""A run on one page: it needs nothing beside itself, and says what the folder does not have."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import ganfield as gf
from ganfield.runs._chart import curves
from ganfield.runs._page import picture
from ganfield.runs._samples import save_samples
from tests.runs.test_load import look
from tests.training.tiny import CONFIG

ALONE = {"meta", "link", "img", "source", "br", "input", "hr"}


class Reader(HTMLParser):
    """Reads a page, and stops where a tag is not closed in its turn."""

    def __init__(self):
        super().__init__()
        self.tags, self.sources, self.texts, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href", "srcset")]
        if tag not in ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


def read(report):
    """Return a page that is well-formed and asks for nothing, as its tags and its text."""
    content = report.output.read_text("utf-8")
    assert len(content.encode()) < 3_000_000
    reader = Reader()
    reader.feed(content)
    reader.close()
    assert reader.open == []
    assert all(source.startswith("data:") for source in reader.sources)
    assert "url(" not in content
    assert "@import" not in content
    assert not {"script", "iframe", "object"} & set(reader.tags)
    assert '<meta name="viewport"' in content
    return reader.tags, " ".join(reader.texts)


ABOUT = {"data": {"name": "digits", "shape": [8, 8, 1]}, "command": "python train.py"}
METRICS = """step,seconds,loss_theta,loss_phi,norm_v_theta,surprise,warnings
0,0.0,0.5,1.5,1.0,7.0,
10,0.1,0.25,nan,0.001,8.0,saturated collapse
20,0.2,0.125,1.25,0.0001,9.0,collapse
"""


@pytest.fixture
def folder(tmp_path):
    """A run's folder without a checkpoint that could be loaded."""
    run = tmp_path / "run"
    (run / "checkpoints" / "20").mkdir(parents=True)
    (run / "samples").mkdir()
    (run / "config.json").write_text(CONFIG.to_json())
    (run / "run.json").write_text(json.dumps(ABOUT))
    (run / "metrics.csv").write_text(METRICS)
    (run / "scores.csv").write_text("step,seconds,frechet\n0,0.0,12.5\n20,0.2,2.5\n")
    (run / "protocol.json").write_text('[{"classifier": "a1b2", "num_fake": 640}]')
    (run / "events.log").write_text("2026-01-02T03:04:05+00:00 resumed from step 10\n")
    for name in ("real", "step_0000000", "step_0000020"):
        save_samples(run / "samples" / f"{name}.png", np.zeros((4, 8, 8, 1)))
    return run


def test_a_page_has_what_the_folder_has(folder, tmp_path):
    before = look(folder)
    report = gf.runs.report(folder, tmp_path / "new" / "report.html")
    assert report == (tmp_path / "new" / "report.html", ())
    assert look(folder) == before
    tags, text = read(report)
    # Losses, the field, what is not known, a score; and pictures.
    assert (tags.count("source"), tags.count("img")) == (4, 4 + 3)
    for words in ("loss theta 0.125", "surprise 9", "frechet 2.5", "a1b2", "python train.py"):
        assert words in text
    assert "2026-01-02 03:04:05+00:00 resumed from step 10" in re.sub(r"\s+", " ", text)
    assert re.search(r"collapse\s+2 of 3 rows\s+steps 10 to 20", text)
    assert re.search(r"generator\.width\s+4\s+64", text)  # what is not the default


def test_what_is_missing_or_damaged_is_said_and_the_rest_is_shown(folder, tmp_path):
    (folder / "metrics.csv").write_bytes(b"step,loss_theta\n\xff\xfe,1\n")
    (folder / "scores.csv").write_text("step,seconds,frechet\n0,0.0,12.5\n20,0.2,many\n")
    (folder / "protocol.json").write_text("3")
    (folder / "run.json").write_text("{")
    (folder / "events.log").unlink()
    (folder / "checkpoints" / "20").rmdir()
    (folder / "samples" / "step_0000020.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "samples" / "step_of_mine.png").write_bytes(b"")
    report = gf.runs.report(folder, tmp_path / "report.html")
    tags, text = read(report)
    assert tags.count("img") == 2
    for words in (
        "run.json cannot be read",
        "metrics.csv cannot be read",
        "protocol.json cannot be read",
        "scores.csv cannot be read",
        "not there, or not yet: checkpoints",
        "not there, or not yet: what happened",
        "step_0000020.png is no image",
    ):
        assert words in " ".join(report.missing)
        assert words in text
    assert len(report.missing) == 7


def test_a_run_that_has_only_begun_has_a_page(tmp_path):
    (tmp_path / "config.json").write_text(CONFIG.to_json())
    report = gf.runs.report(tmp_path, tmp_path / "report.html")
    assert len(report.missing) == 5
    assert "0 of 60" not in read(report)[1]


def test_texts_of_files_are_texts(folder, tmp_path):
    evil = '"><script>alert(1)</script><img src=http://a.b/c>&amp;'
    config = json.loads(CONFIG.to_json())
    config["data"]["folder"] = evil + "\ud800"
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "run.json").write_text(json.dumps({**ABOUT, "command": evil, evil: evil}))
    (folder / "metrics.csv").write_text(
        METRICS.replace("surprise", "<b>").replace("collapse", "<i>")
    )
    (folder / "protocol.json").write_text(json.dumps([{evil: evil}]))
    (folder / "events.log").write_text(f"now {evil}\n")
    report = gf.runs.report(folder, tmp_path / "report.html")
    tags, text = read(report)
    assert tags.count("img") == 4 + 3
    assert not {"b", "i"} & set(tags)
    assert text.count(evil) == 9


def test_what_is_no_run_is_refused_and_nothing_is_written(folder, tmp_path):
    with pytest.raises(ValueError, match=r"no run in .*nowhere"):
        gf.runs.report(tmp_path / "nowhere", tmp_path / "report.html")
    for name in ("report.pdf", "run"):
        with pytest.raises(ValueError, match=r"output must be a file that ends in \.html, got"):
            gf.runs.report(folder, tmp_path / name)
    (folder / "run.json").write_text('{"versions": {"ganfield": "99.1"}}')
    with pytest.raises(ValueError, match=r"made by ganfield 99\.1"):
        gf.runs.report(folder, tmp_path / "report.html")
    (folder / "config.json").write_text("[]")
    with pytest.raises(ValueError, match=r"config\.json cannot be read"):
        gf.runs.report(folder, tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.slow
def test_a_long_run_of_large_images_stays_small(folder, tmp_path):
    noise = np.random.default_rng(0).integers(256, size=(600, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "samples" / "step_0000000.png")
    content = (folder / "samples" / "step_0000000.png").read_bytes()
    assert len(content) > 1_000_000
    for step in range(100, 3000, 100):
        (folder / "samples" / f"step_{step:07}.png").write_bytes(content)
    (folder / "events.log").write_text("now told\n" * 20_000)
    rows = (f"{step},{step % 7},1,1,1,1," for step in range(20_000))
    (folder / "metrics.csv").write_text(METRICS.partition("\n")[0] + "\n" + "\n".join(rows) + "\n")
    tags, text = read(gf.runs.report(folder, tmp_path / "report.html"))
    assert tags.count("img") == 4 + 10  # with the real one
    assert "9 of 31 grids" in text
    assert "step 2900" in text
    assert "19700 earlier ones are left out" in text


@pytest.mark.slow
def test_points_are_drawn_on_top_of_the_data(points, tmp_path):
    folder, data = points
    before = look(folder)
    report = gf.runs.report(gf.runs.load(folder, data=data), tmp_path / "report.html")
    assert report.missing == ()
    content = report.output.read_text("utf-8")
    assert content.count('<li class="s0">made</li><li class="s1">data</li>') == 2  # checkpoints
    on_top = charts(content)[-2:]
    assert ["<image" in chart for chart in on_top] == [True, True]  # densities
    assert all(chart.count("<use ") >= 400 for chart in on_top)  # of the data
    alone = gf.runs.report(folder, tmp_path / "alone.html")
    assert len(alone.missing) == 1
    assert "give load(…, data=…) what was trained on" in alone.missing[0]
    assert look(folder) == before


def test_a_spectrum_is_drawn_with_the_unit_circle(folder, tmp_path, monkeypatch):
    calls, draw = [], gf.plot.spectrum

    def spy(values, ax, **options):
        calls.append((values.tolist(), options))
        return draw(values, ax, **options)

    monkeypatch.setattr(gf.plot, "spectrum", spy)
    values = np.array([1.02 + 0.1j, 1.02 - 0.1j, 0.9, np.nan])
    spectrum = gf.spectra.SpectralRadius(1.0249, 1.0249, values, 0.0, 0.25, "lent")
    report = gf.runs.report(folder, tmp_path / "report.html", spectrum=spectrum)
    assert calls == [(values[:3].tolist(), {"unit_circle": True})] * 2
    assert len(charts(report.output.read_text("utf-8"))) == 5
    text = read(report)[1]
    assert re.search(r"memory\s+lent", text)
    assert re.search(r"fixed point residual\s+0\.25", text)


def charts(content):
    """Return the drawings of a page for a light ground, as SVG."""
    sources = re.findall(r'<img class="chart" src="data:image/svg\+xml;base64,([^"]*)"', content)
    return [base64.b64decode(source).decode() for source in sources]


def test_a_chart_is_what_the_library_draws_on_both_grounds():
    steps, values = np.arange(5), np.array([1.0, 2.0, np.nan, 1e200, 3.0])
    figure = curves(steps, {"norm_v": values}, title="a<b")
    with gf.plot.style(axes__grid=True, grid__alpha=0.4, svg__hashsalt="ganfield"):
        own = gf.plot.figure(3.6, 1.9)
        line = gf.plot.curves(steps, np.where(values > 9, np.nan, values), own.subplots())
        content = io.BytesIO()
        own.savefig(content, format="svg", metadata={"Date": None})
    assert charts(figure) == [content.getvalue().decode()]
    assert line.get_markevery() == [4]
    assert figure.count("prefers-color-scheme: dark") == 1
    assert "a&lt;b" in figure
    assert "norm v 3<" in figure


def test_what_cannot_be_drawn_is_said():
    figure = curves(np.arange(2), {"a": np.array([np.nan, 1e300])}, title="a")
    assert "no number to draw" in figure
    assert charts(figure) == []


@pytest.mark.parametrize(
    ("log", "least", "scale"),
    [(True, 1e-9, "log"), (True, 1.0, "linear"), (False, 1e-9, "linear"), (True, 0.0, "linear")],
)
def test_what_differs_much_has_a_logarithmic_axis(monkeypatch, log, least, scale):
    scales = []
    savefig = Figure.savefig
    monkeypatch.setattr(
        Figure,
        "savefig",
        lambda figure, *args, **options: (
            scales.append(figure.axes[0].get_yscale()),
            savefig(figure, *args, **options),
        ),
    )
    curves(np.arange(2), {"a": np.array([least, 5.0])}, title="a", log=log)
    assert scales == [scale, scale]


def test_a_picture_keeps_its_bytes_where_it_is_small(tmp_path):
    path = tmp_path / "a.png"
    save_samples(path, np.zeros((1, 8, 8, 1)))
    source = re.search(r"base64,([^\"]*)", picture(path, "a<b", most=10_000))
    assert base64.b64decode(source[1]) == path.read_bytes()
    assert "a&lt;b" in picture(path, "a<b", most=10_000)
