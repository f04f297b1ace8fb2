"""Files of ours: regular, of a bounded size, and JSON that says a thing once."""

import os

import pytest

from ganfield._files import check_regular, parse_json, read_bytes, read_json, reason_of

DAMAGE = {
    "empty": (b"", "expecting value"),
    "cut": (b'{"seed": 1, "na', "unterminated string"),
    "of another type": (b"[1, 2]", r"it must hold an object, got \[1, 2\]"),
    "nothing": (b"null", "it must hold an object, got None"),
    "not UTF-8": (b'{"name": "\xff"}', "'utf-8' codec can't decode byte 0xff"),
    "of nothing": (bytes(100), "expecting value"),
    "deep": (b'{"a": ' * 20 + b"1" + b"}" * 20, "nested more than 16 levels deep"),
    "deeper than Python can": (b"[" * 100_000, "nested more than 16 levels deep"),
    "named twice": (b'{"seed": 1, "seed": 2}', "'seed' is there twice"),
    "named twice inside": (b'{"a": [{"seed": 1, "seed": 1}]}', "'seed' is there twice"),
    "NaN": (b'{"seed": NaN}', "it holds NaN, which is no number in JSON"),
    "infinity": (b'{"seed": -Infinity}', "it holds -Infinity, which is no number"),
    "a number of 5000 digits": (b'{"seed": ' + b"9" * 5000 + b"}", "exceeds the limit"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_json_is_one_sentence_with_the_name(tmp_path, how):
    content, words = DAMAGE[how]
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"run\.json cannot be read: .*{words}") as raised:
        read_json(path)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 600
    assert path.read_bytes() == content


def test_what_json_may_be():
    assert parse_json('{"a": {"x": [1, 2.5, null, "ü"]}, "b": {"x": true}}') == {
        "a": {"x": [1, 2.5, None, "ü"]},
        "b": {"x": True},
    }
    assert parse_json("[" * 15 + "1" + "]" * 15)


def test_what_is_no_regular_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    for name, kind in (("fifo", "a FIFO"), ("folder", "a folder"), ("device", "a device")):
        with pytest.raises(ValueError, match=f"{name} cannot be read: {kind}, not a regular file"):
            read_json(tmp_path / name)
        with pytest.raises(OSError, match=f"{kind}, not a regular file: .*{name}"):
            check_regular(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "nowhere")


def test_sizes_are_looked_at_before_a_file_is_read(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b"{}")
    assert read_bytes(path, limit=2) == b"{}"
    with pytest.raises(OSError, match=r"2 bytes, more than 1: .*config\.json"):
        read_bytes(path, limit=1)
    os.truncate(path, 1 << 40)
    with pytest.raises(ValueError, match=r"config\.json cannot be read: 1099511627776 bytes, more"):
        read_json(path)


def test_reasons_are_one_short_line():
    assert reason_of(ValueError("Two\n  lines")) == "two lines"
    assert reason_of(RecursionError()) == "recursionError"
    assert len(reason_of(ValueError("x" * 10_000))) == 300
