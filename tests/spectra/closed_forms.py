"""What methods do on the bilinear game, worked out by hand: s = hc."""

import numpy as np

import ganfield as gf

ORIGIN = gf.Players(0.0, 0.0)
GAMMA = 0.6


def largest_root(*coefficients):
    return np.abs(np.roots(coefficients)).max()


def alternating(moves):
    """Determinant 1 and trace 2 − n_θ n_φ s²."""
    return lambda s, c: largest_root(1, moves * s**2 - 2, 1)


def momentum(beta):
    return lambda s, c: largest_root(1, -(1 + beta + 1j * s), beta)


def alternating_momentum(beta):
    """Put φ's recursion, (λ − 1)(λ − β)φ = sλθ, into θ's, (λ − 1)(λ − β)θ = −sλ·λφ."""
    still = np.polymul([1, -1], [1, -beta])
    return lambda s, c: largest_root(*np.polyadd(np.polymul(still, still), [s**2, 0, 0, 0]))


# Name → method(h), field(v), ρ(s, c).
CLOSED_FORMS = {
    "simultaneous": (gf.simultaneous, None, lambda s, c: np.sqrt(1 + s**2)),
    "alternating": (gf.alternating, None, alternating(1)),
    "alternating 2, 3": (
        lambda sgd: gf.alternating(sgd, theta_steps=2, phi_steps=3),
        None,
        alternating(6),
    ),
    "alternating θ first": (
        lambda sgd: gf.alternating(sgd, order=("theta", "phi"), phi_steps=3),
        None,
        alternating(3),
    ),
    "consensus": (
        gf.simultaneous,
        lambda v: gf.consensus(v, gamma=GAMMA),
        lambda s, c: np.hypot(1 - s * GAMMA * c, s),
    ),
    "jare": (
        gf.simultaneous,
        lambda v: gf.jare(v, gamma=GAMMA),
        lambda s, c: np.hypot(1 - s * GAMMA * c, s),
    ),
    "relaxation": (gf.simultaneous, gf.conservative_relaxation, lambda s, c: abs(1 - s * c)),
}
MOMENTUM = {
    "simultaneous": (gf.simultaneous, momentum),
    "alternating": (gf.alternating, alternating_momentum),
}
