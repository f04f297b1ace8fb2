"""What tests of loaders share."""

import numpy as np
import pytest


@pytest.fixture
def damage():
    """Return ``damage(data, seed)``: bytes changed, cut off, added or taken out, at random."""

    def make(data, seed):
        rng = np.random.default_rng(seed)
        kind = seed % 4
        # Half of the time near the start, where headers are.
        reach = len(data) if rng.random() < 0.5 else min(64, len(data))
        place = int(rng.integers(reach))
        if kind == 0:
            return data[:place]
        if kind == 1:
            return data[:place] + bytes(rng.integers(256, size=9, dtype=np.uint8)) + data[place:]
        if kind == 2:
            return data[:place] + data[place + 1 + int(rng.integers(20)) :]
        changed = bytearray(data)
        for where in rng.integers(reach, size=3):
            changed[where] = rng.integers(256)
        return bytes(changed)

    return make
