"""What is born where an equilibrium loses its stability, and how large it is just beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ganfield.dynamics._branches_follow import Spot, at_knob
from ganfield.dynamics._branches_problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

SOFT, HARD, DEGENERATE, UNDEFINED = "soft", "hard", "degenerate", "undefined"
_NOTHING = 1e-9  # of the terms that a coefficient is the sum of
_LINEAR = 1e-11  # of ‖J‖ / (1 + max |x|)²: third-order terms that are rounding
_WAY = 1e-4  # of the knob's width: how far to either side exponents are compared
_ALIKE = 1e-6  # how near a combination of eigenvalues is to one that is resonant


class NormalForm(NamedTuple):
    """What comes after a Hopf, flip or Neimark–Sacker point.

    Attributes:
        kind: "soft" (supercritical: an attracting cycle grows out of the equilibrium), "hard"
            (subcritical: an unstable cycle shrinks to it, and beyond nothing near holds the
            motion), "degenerate" (the coefficient is 0: all cycles are born at one value, as in
            linear games), "undefined" (several pairs cross at once, or a strong resonance decides).
        coefficient: the first Lyapunov coefficient, Re c / ω of a Hopf point and Re c of a
            Neimark–Sacker point; c of a flip, with its sign turned, so that below 0 is always soft.
        complex_coefficient: c of z′ = z(iω + aμ + c|z|²), of z ↦ z·e^{iω}(1 + aμ + c|z|²), or
            c of ξ ↦ −ξ(1 + aμ − cξ²), where z or ξ is the amplitude of an eigenvector of length 1.
        slope: by how much the real part of the exponent grows with the knob: Re a.
        growth: the cycle's radius over √|knob − value|, the root of the mean squared distance of
            its parameters from their centre, as in ``basins``.
        side: 1 where the cycle lives beyond the value, −1 below it, 0 where there is none.
        reason: what decided, in words.
    """

    kind: str
    coefficient: float
    complex_coefficient: complex
    slope: float
    growth: float
    side: int
    reason: str


def normal_form(
    problem: Problem, spot: Spot, eigenvalue: complex, count: int, resonance: str
) -> NormalForm:
    """Return the normal form at a point whose eigenvalue lies on the border of stability.

    With Aq = λq, Aᵀp̄ = λp̄, p̄·q = 1 and the second and third derivatives B and C of the motion,

        flow: c = ½ p̄·(C(q,q,q̄) − 2B(q, A⁻¹B(q,q̄)) + B(q̄, (2iω − A)⁻¹B(q,q))),
        map:  c = ½ λ̄ p̄·(C(q,q,q̄) + 2B(q, (1 − A)⁻¹B(q,q̄)) + B(q̄, (λ² − A)⁻¹B(q,q))),
        flip: c = ⅙ p·(C(q,q,q) + 3B(q, (1 − A)⁻¹B(q,q))).

    Reference:
        Kuznetsov, "Elements of Applied Bifurcation Theory", 2004, sections 5.4 and 8.7.
    """
    nan = float("nan")
    slope = _slope(problem, spot, eigenvalue)
    is_flip = problem.is_map and abs(eigenvalue + 1) < _ALIKE
    if count > (1 if is_flip else 2):
        why = f"{count} eigenvalues cross at once"
        return NormalForm(UNDEFINED, nan, complex(nan, nan), slope, nan, 0, why)
    if resonance == "1:3":
        why = "a 1:3 resonance: terms of second order decide"
        return NormalForm(UNDEFINED, nan, complex(nan, nan), slope, nan, 0, why)
    A = problem.jacobian(spot.slopes)
    J = A + np.eye(len(A)) if problem.is_map else A
    value = -1.0 if is_flip else eigenvalue
    q, p = _vectors(J, value)
    terms = _flip_terms(problem, spot, A, q) if is_flip else _terms(problem, spot, A, q, value)
    parts = np.array([p @ term for term in terms])
    if problem.is_map and not is_flip:
        parts = parts * np.conj(value)
    c = complex(parts.sum())
    omega = abs(eigenvalue.imag) if not problem.is_map else 1.0
    decides = -c.real if is_flip else c.real
    far = 1 + np.abs(spot.y[:-1] * problem.scale[:-1]).max()
    size = sum(float(np.abs(p) @ np.abs(term)) for term in terms)
    if abs(decides) <= max(_NOTHING * size, _LINEAR * np.linalg.norm(J, 2) / far**2):
        why = "the terms of third order cancel" if size > _LINEAR else "the motion is linear here"
        return NormalForm(DEGENERATE, decides / omega, c, slope, nan, 0, why)
    length = float(np.linalg.norm(q[problem.params]))
    growth = length * np.sqrt(abs((1 if is_flip else 2) * slope / decides))
    kind = SOFT if decides < 0 else HARD
    side = int(np.sign(-slope / decides))
    why = "a cycle that attracts across" if kind == SOFT else "a cycle that repels across"
    if resonance == "1:4":
        why += "; at a 1:4 resonance terms that turn by a quarter may decide otherwise"
    return NormalForm(kind, decides / omega, c, slope, float(growth), side, why)


def _slope(problem: Problem, spot: Spot, eigenvalue: complex) -> float:
    """Return how the real part of the exponent changes with the knob, along the branch."""
    target = problem.exponents(np.array([eigenvalue]))[0]
    reals = []
    for sign in (-1, 1):
        step = sign * _WAY / spot.tangent[-1]
        beside = at_knob(problem, spot.y + step * spot.tangent)
        if beside is None:
            return float("nan")
        values = problem.exponents(problem.eigenvalues(beside.slopes))
        away = np.abs(values.real - target.real) + np.abs(np.abs(values.imag) - abs(target.imag))
        reals.append(values[np.argmin(away)].real)
    return float((reals[1] - reals[0]) / (2 * _WAY * problem.scale[-1]))


def _vectors(matrix: np.ndarray, value: complex) -> tuple[np.ndarray, np.ndarray]:
    """Return the right eigenvector of length 1, and the left one that is 1 on it."""
    left, _, right = np.linalg.svd(matrix - value * np.eye(len(matrix)))
    q, p = right[-1].conj(), left[:, -1].conj()
    return q, p / (p @ q)


def _bilinear(problem: Problem, spot: Spot) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return B(u, v) for complex vectors."""
    nothing = np.zeros(len(spot.slopes))

    def second(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if not (a.any() and b.any()):
            return nothing
        return problem.bend(spot.y, a, b, nothing)[0]

    def both(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        (a, b), (c, d) = ((np.real(x), np.imag(x)) for x in (u, v))
        return second(a, c) - second(b, d) + 1j * (second(a, d) + second(b, c))

    return both


def _terms(
    problem: Problem, spot: Spot, A: np.ndarray, q: np.ndarray, value: complex
) -> list[np.ndarray]:
    """Return the three terms of c at a pair; ``A`` is the derivative of G."""
    B, identity, square = _bilinear(problem, spot), np.eye(len(A)), value**2

    def third(*ways: np.ndarray) -> np.ndarray:
        return problem.bend(spot.y, *ways)[1]

    a, b = q.real, q.imag
    C = third(a, a, a) + third(a, b, b) + 1j * (third(a, a, b) + third(b, b, b))
    steady = np.linalg.solve(-A, B(q, q.conj()))
    # Of a map G = F − x, so that λ² − F′ = λ² − 1 − A.
    at = square - 1 if problem.is_map else 2 * value
    double = np.linalg.solve(at * identity - A, B(q, q))
    return [C / 2, B(q, steady), B(q.conj(), double) / 2]


def _flip_terms(problem: Problem, spot: Spot, A: np.ndarray, q: np.ndarray) -> list[np.ndarray]:
    q = np.real(q)
    B = _bilinear(problem, spot)
    C = problem.bend(spot.y, q, q, q)[1]
    return [C / 6, B(q, np.linalg.solve(-A, B(q, q))) / 2]
