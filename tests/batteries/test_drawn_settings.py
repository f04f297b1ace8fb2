"""Values of settings and of options of data, drawn: each is taken, or named with what is allowed.

``GANFIELD_DRAWS`` times ten values are drawn of each, ``GANFIELD_SEED`` says which.
"""

import math

import jax
import numpy as np
import pytest

import ganfield as gf
from ganfield.configuration import DATA, Config, DataConfig, keywords, load_data
from ganfield.configuration._settings import flat
from tests.batteries.test_damaged_files import DRAWS, seeds, value

pytestmark = pytest.mark.long


def drawn(rng):
    """Return a value that JSON has, or the text of one, or what no file has."""
    kind = rng.integers(4)
    if kind == 0:
        return str(value(rng))
    return math.nan if kind == 1 and rng.random() < 0.3 else value(rng)


def names(said, name):
    """Whether it is one sentence that names a setting."""
    return name.rsplit(".", 1)[-1] in said and "\n" not in said and len(said) < 2000


@pytest.mark.parametrize("name", [name for name, _ in flat(Config())])
def test_settings(name):
    for seed in seeds(10 * DRAWS):
        given = drawn(np.random.default_rng(seed))
        try:
            config = Config().replace({name: given})
        except ValueError as error:
            said = str(error)
            assert names(said, name), said
        else:
            assert Config.from_json(config.to_json()) == config


@pytest.mark.parametrize("name", DATA)
def test_options_of_data(name, tmp_path):
    source = DATA[name]
    folder = str(tmp_path / "nowhere") if source.in_folder else None
    takes = keywords(getattr(gf.data, source.loader), skip=int(source.in_folder))
    for option in takes:
        for seed in seeds(DRAWS):
            given = drawn(np.random.default_rng(seed))
            # Absurd numbers are another matter.
            if isinstance(given, int | float) and abs(given) > 1000:
                continue
            try:
                data = load_data(DataConfig(name=name, folder=folder, options={option: given}))
            except ValueError as error:
                said = str(error)
                assert (folder is not None and "nowhere" in said) or names(said, option), said
            else:  # What is taken is of use.
                assert folder is None
                assert len(data.sample(jax.random.key(0), 3)) == 3
