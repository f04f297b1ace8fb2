"""A run on one page: it needs nothing beside itself, and says what the folder does not have."""

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import ganfield as gf
from ganfield.runs._chart import box_around, curves, say, scatter
from ganfield.runs._page import picture
from ganfield.runs._samples import save_samples
from tests.runs.test_load import look
from tests.training.tiny import CONFIG

ALONE = {"meta", "link", "img", "br", "input", "hr"}


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
    assert tags.count("img") == 3
    assert tags.count("svg") == 4  # losses, the field, what is not known, a score
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
    assert tags.count("img") == 3
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
    assert tags.count("img") == 10  # with the real one
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
    assert len(re.findall(r'<li class="s1">made</li>', content)) == 2  # two checkpoints
    groups = re.findall(r'class="d s[01]" d="(.*?)"', content)
    assert [group.count("M") for group in groups] == [400] * 4
    alone = gf.runs.report(folder, tmp_path / "alone.html")
    assert len(alone.missing) == 1
    assert "give load(…, data=…) what was trained on" in alone.missing[0]
    assert look(folder) == before


def test_a_spectrum_is_drawn_with_the_unit_circle(folder, tmp_path):
    values = np.array([1.02 + 0.1j, 1.02 - 0.1j, 0.9, np.nan])
    spectrum = gf.analysis.SpectralRadius(1.0249, 1.0249, values, 0.0, 0.25, "lent")
    report = gf.runs.report(folder, tmp_path / "report.html", spectrum=spectrum)
    content = report.output.read_text("utf-8")
    assert re.search(r'<path class="d s0" d="([^"]*)"', content)[1].count("M") == 3
    assert "<circle" in content
    text = read(report)[1]
    assert re.search(r"memory\s+lent", text)
    assert re.search(r"fixed point residual\s+0\.25", text)


def drawn(figure):
    """Return the numbers of the first curve's heights."""
    path = re.search(r'class="l s0" d="([^"]*)"', figure)[1]
    return np.array(re.findall(r"[ML][-\d.]+ ([-\d.]+)", path), float)


def test_long_curves_keep_their_highest_and_lowest_points():
    values = np.zeros(100_000)
    values[[12_345, 67_890]] = 5.0, -5.0
    heights = drawn(curves(np.arange(100_000), {"a": values}, title="a"))
    assert len(heights) < 600
    assert heights.min() == heights[heights < heights[0]][0]
    assert (heights.max() - heights[0], heights[0] - heights.min()) == pytest.approx(
        (73, 73), abs=1
    )


def test_a_gap_is_a_gap_and_one_point_is_a_dot():
    figure = curves(np.arange(5), {"a": np.array([1.0, 2.0, np.nan, -np.inf, 3.0])}, title="a")
    path = re.search(r'class="l s0" d="([^"]*)"', figure)[1]
    assert (path.count("M"), path.count("L")) == (2, 1)
    assert "no number to draw" in curves(np.arange(2), {"a": np.array([np.nan, 1e300])}, title="a")


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e-12, 1e90, 5e15])
def test_a_constant_lies_in_the_middle(value):
    heights = drawn(curves(np.zeros(1), {"a": np.full(1, value)}, title="a", log=True))
    assert heights == pytest.approx([88])


def test_decades_are_even_on_a_logarithmic_axis():
    figure = curves(np.arange(3), {"a": 10.0 ** np.array([-9, -3, 3])}, title="a", log=True)
    assert np.diff(drawn(figure)) == pytest.approx([drawn(figure)[1] - drawn(figure)[0]] * 2)
    assert ">1e−6<" in figure
    assert figure.count('text-anchor="end"') <= 6


def test_numbers_are_said_shortly():
    told = {0.5: "0.5", -1234.5: "−1.23e3", 1e-7: "1e−7", np.inf: "∞", 3.0: "3"}
    assert [say(number) for number in told] == list(told.values())


def test_points_that_are_not_finite_have_no_part():
    points = np.array([[0.0, 0.0], [1.0, 2.0], [np.nan, 50.0], [np.inf, 0.0]])
    box = box_around(points)
    assert box == pytest.approx((-0.66, 1.66, -0.16, 2.16))
    assert scatter({"a": points}, box, title="a").count("h0") == 2
    assert box_around(points[2:]) == (-1.0, 1.0, -1.0, 1.0)


def test_a_picture_keeps_its_bytes_where_it_is_small(tmp_path):
    path = tmp_path / "a.png"
    save_samples(path, np.zeros((1, 8, 8, 1)))
    source = re.search(r"base64,([^\"]*)", picture(path, "a<b", most=10_000))
    assert base64.b64decode(source[1]) == path.read_bytes()
    assert "a&lt;b" in picture(path, "a<b", most=10_000)
