"""Tables of a run: what a kill leaves goes on, what damage leaves is named and stays."""

import os

import numpy as np
import pytest

from ganfield.runs._tables import Table

HEAD = "step,seconds,loss,warnings\n"
COLUMNS = ("step", "seconds", "loss", "warnings")


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "0,0,1.5,\n10,1.5\n20,0,1,\n", r"line 3 must have 4 values, .*got '10,1\.5'"),
        (HEAD + "0,0,1.5,,,\n", "line 2 must have 4 values"),
        (HEAD + "10,0,1,\n10,0,1,\n", "line 3 must have 4 values, the first a step after 10"),
        (HEAD + "-1,0,1,\n", "the first a step after -1, got '-1,0,1,'"),
        (HEAD + "1e3,0,1,\n", "the first a step after -1"),
        (HEAD + "9" * 5000 + ",0,1,\n", "the first a step after -1"),
        (HEAD + "0,0,1.5x,\n", r"loss in line 2 must be a number, got '1\.5x'"),
        (HEAD + "0,0,1,\n\n", "line 3 must have 4 values"),
        (HEAD.encode() + b"0,0,\xff,\n", "'utf-8' codec can't decode"),
        (bytes(99), "it is no table"),
        (b"my notes", "it is no table"),
        (HEAD + '0,0,"' + "1" * 200_000 + '",\n', "field larger than field limit"),
    ],
)
def test_damage_is_named_and_stays(tmp_path, text, words):
    path = write(tmp_path / "metrics.csv", text)
    before = path.read_bytes()
    for table in (lambda: Table(path, COLUMNS), lambda: Table(path).arrays()):
        with pytest.raises(ValueError, match=rf"metrics\.csv cannot be read: .*{words}"):
            table()
    assert path.read_bytes() == before


@pytest.mark.parametrize("head", ["step,loss,loss", "loss,step", ""])
def test_the_first_line_names_the_columns(tmp_path, head):
    path = write(tmp_path / "scores.csv", f"{head}\n0,1,2\n")
    with pytest.raises(ValueError, match=r"scores\.csv cannot be read: its first line must name"):
        Table(path)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "metrics.csv")
    with pytest.raises(ValueError, match=r"metrics\.csv cannot be read: a FIFO, not a regular"):
        Table(tmp_path / "metrics.csv", COLUMNS)


@pytest.mark.parametrize("left", ["", "st", HEAD[:9], HEAD, HEAD + "0,0,1"])
def test_what_a_kill_leaves_goes_on(tmp_path, left):
    path = write(tmp_path / "metrics.csv", left)
    table = Table(path, COLUMNS)
    table.cut(0)
    table.append({"step": 10, "seconds": 1.0, "loss": 0.5, "warnings": "collapse"})
    assert path.read_text() == HEAD + "10,1,0.5,collapse\n"


def test_a_table_that_was_emptied_gets_its_first_line_again(tmp_path):
    path = tmp_path / "metrics.csv"
    table = Table(path, COLUMNS)
    path.touch()
    table.append({"step": 0, "seconds": 1.0, "loss": 0.5, "warnings": ""})
    assert path.read_text() == HEAD + "0,1,0.5,\n"


def test_numbers_keep_their_kind(tmp_path):
    path = write(tmp_path / "scores.csv", "step,count,score\n0,3,nan\n1,99999999999999999999,1\n")
    arrays = Table(path).arrays()
    assert [array.dtype.kind for array in arrays.values()] == ["i", "f", "f"]
    np.testing.assert_array_equal(arrays["score"], [np.nan, 1])
