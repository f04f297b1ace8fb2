"""What a spectral radius says of its memory, of what it takes, and while it lasts."""

import math

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.spectra import _work

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("x64")]

V = gf.vector_field(gf.games.bilinear(jnp.diag(jnp.arange(1.0, 4.0))))
AT = gf.Players(jnp.zeros(3), jnp.zeros(3))
SGD = gf.simultaneous(optax.sgd(0.1))


@pytest.mark.parametrize(("limit", "most"), [(400, 6), (0, 4 * 6 + 20 + 2 * 6 + 1)])
def test_progress_is_told_what_it_takes_and_how_far_it_is(limit, most):
    told = []
    gf.spectral_radius(SGD, V, AT, dense_limit=limit, progress=lambda *each: told.append(each))
    counts, works = zip(*told, strict=True)
    assert {(work.size, work.products, work.has_matrix) for work in works} == {(6, most, limit > 0)}
    assert [math.isnan(work.seconds) for work in works] == [True] + [False] * (len(works) - 1)
    assert counts[:2] == (0, 0)
    assert list(counts[2:]) == (list(range(1, len(counts) - 1)) if not limit else [])
    assert counts[-1] <= most


def test_a_large_matrix_is_made_some_columns_at_a_time():
    told = []
    large = gf.vector_field(gf.games.bilinear(jnp.diag(jnp.linspace(0.1, 2, 210))))
    radius = gf.spectral_radius(
        SGD,
        large,
        gf.Players(jnp.zeros(210), jnp.zeros(210)),
        dense_limit=420,
        progress=lambda count, work: told.append(count),
    )
    assert told == [0, 0, 128, 256, 384, 420]
    assert radius.eigenvalues.shape == (420,)
    np.testing.assert_allclose(radius.value, np.hypot(1, 0.2), rtol=0, atol=1e-12)


def test_what_takes_long_is_said_on_stderr_unless_it_is_not_wanted(capsys, monkeypatch):
    gf.spectral_radius(SGD, V, AT, dense_limit=0)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(_work, "_LONG", 0.0)
    monkeypatch.setattr(_work, "_LARGE", 5)
    gf.spectral_radius(SGD, V, AT, dense_limit=0, progress=False)
    assert capsys.readouterr() == ("", "")
    gf.spectral_radius(SGD, V, AT, dense_limit=0)
    out, err = capsys.readouterr()
    assert out == ""  # no terminal: no bar
    first, second = err.splitlines()
    assert first == "spectral_radius: 6 numbers, at most 57 products with F′; compiling"
    assert second.startswith("spectral_radius: at most 57 products with F′ of ")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    gf.spectral_radius(SGD, V, AT, dense_limit=400)
    out, err = capsys.readouterr()
    assert "spectral radius" in out
    assert "then the eigenvalues of a matrix of 6 × 6: about" in err


def test_the_eigenvalues_of_a_large_matrix_are_in_what_it_takes():
    assert _work.Work(3000, 3000, 1e-4, True).total == pytest.approx(0.3 + 67.5)
    assert _work.Work(3000, 1299, 1e-3, False).total == pytest.approx(1.299)


def test_a_radius_says_whose_memory_it_has():
    momentum = gf.simultaneous(optax.sgd(0.1, momentum=0.5))
    lent = gf.spectral_radius(momentum, V, AT, state=momentum.init(AT))
    fresh, none = (gf.spectral_radius(method, V, AT) for method in (momentum, SGD))
    assert (lent.memory, fresh.memory, none.memory) == ("lent", "fresh", "none")
    assert repr(lent) == (
        f"SpectralRadius: {lent.value:.6g} (rate {lent.value:.6g}), 12 eigenvalues; "
        "memory lent by state; ‖F(x) − x‖ = 0"
    )
    assert "; fresh memory, of steps at the point;" in repr(fresh)
    assert "; no memory;" in repr(none)
