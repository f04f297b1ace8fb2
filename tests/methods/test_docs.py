"""Every registered name has its row in the page about methods."""

from pathlib import Path

import pytest

import ganfield as gf

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"
ROWS = {
    cells[0].strip("` "): cells
    for line in PAGE.read_text("utf-8").splitlines()
    if line.startswith("| `") and (cells := [cell.strip() for cell in line.strip("|").split("|")])
}


@pytest.mark.parametrize("name", [*gf.METHODS, *gf.WRAPPERS, *gf.TRANSFORMS])
def test_every_registered_name_has_a_row_with_defaults_and_a_reference(name):
    assert len(ROWS[name]) == (6 if name in gf.WRAPPERS else 7)
    assert all(ROWS[name])


def test_no_row_is_left_of_what_is_gone():
    assert set(ROWS) == {*gf.METHODS, *gf.WRAPPERS, *gf.TRANSFORMS}
