"""Figures without pyplot: made, checked before they are drawn, and written whole."""

import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib import image
from matplotlib.figure import Figure

import ganfield as gf


def test_figures_have_the_size_asked_for():
    assert gf.plot.figure(3, 2).get_size_inches().tolist() == [3, 2]
    assert gf.plot.figure().axes == []


@pytest.mark.parametrize("size", [(0, 1), (1, -1), (float("nan"), 1), (1, float("inf"))])
def test_sizes_are_positive(size):
    with pytest.raises(ValueError, match=r"^(width|height) must be a finite number > 0, got"):
        gf.plot.figure(*size)


@pytest.mark.long
def test_neither_pyplot_nor_a_backend_is_needed(tmp_path):
    code = (
        "import sys, matplotlib as mpl, ganfield as gf; "
        "gf.plot.save(gf.plot.figure(1, 1), sys.argv[1]); "
        "print(mpl.get_backend(auto_select=False), 'matplotlib.pyplot' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "x.png")]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout == "None False\n"


def test_style_decides_resolution_and_ground(tmp_path):
    with gf.plot.style(dark=True, savefig__dpi=50):
        path = gf.plot.save(gf.plot.figure(2, 1), tmp_path / "new" / "x.png")
    assert path == tmp_path / "new" / "x.png"
    pixels = image.imread(path)
    assert pixels.shape[:2] == (50, 100)
    assert pixels[..., :3].max() < 0.2


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "head"), [(".pdf", b"%PDF"), (".SVG", b"<?xml")])
def test_the_suffix_decides_the_format(suffix, head, tmp_path):
    path = gf.plot.save(gf.plot.figure(1, 1), str(tmp_path / f"x.y{suffix}"))
    assert path.read_bytes().startswith(head)


@pytest.mark.parametrize("name", ["x", "x.jpg", "x.png.gz", ".png"])
def test_other_suffixes_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"^path must end in .pdf, .png or .svg, got"):
        gf.plot.save(gf.plot.figure(), tmp_path / "new" / name)
    assert list(tmp_path.iterdir()) == []


def test_paths_that_cannot_be_written_are_refused(tmp_path):
    folder = tmp_path / "folder.png"
    folder.mkdir()
    with pytest.raises(ValueError, match=r"^--out must be a file, got the folder"):
        gf.plot.check_path(folder, argument="--out")
    with pytest.raises(ValueError, match=r"^the folder of path must be a folder that can be writ"):
        gf.plot.check_path("/dev/null/x.png")
    assert list(tmp_path.iterdir()) == [folder]


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path, monkeypatch):
    def break_off(self, path, **_):
        Path(path).write_bytes(b"half")
        raise OSError("disk is full")

    path = tmp_path / "x.png"
    path.write_text("old")
    monkeypatch.setattr(Figure, "savefig", break_off)
    with pytest.raises(OSError, match="disk is full"):
        gf.plot.save(gf.plot.figure(), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
