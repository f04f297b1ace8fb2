"""What a point is to a field: an equilibrium of which kind, of whom, and by whose doing."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._html import html_of
from ganfield._tree import double
from ganfield._types import Field, Players
from ganfield.checks import check_not_negative
from ganfield.field import check_dense, check_field, helmholtz, jacobian
from ganfield.games import Game
from ganfield.spectra import flat_dimension, is_smooth, listening, looking_at, max_step_size

KINDS = ("stable", "unstable", "saddle", "centre", "undecided", "none")


class Classification(NamedTuple):
    """What a point is to a field.

    Attributes:
        params: the point.
        residual: ‖field‖ there.
        eigenvalues: of the field's Jacobian, complex, shape ``(n,)``.
        kind: "stable" (every Re λ < 0), "unstable" (some Re λ > 0, none < 0), "saddle" (both),
            "centre" (every Re λ = 0, every Im λ ≠ 0), "undecided" (zero real parts that linear
            theory cannot judge, or a kink), "none" (no zero of the field). A centre is one of the
            linear field; terms of higher order may make it attract or repel. On a continuum of
            zeros (``dimension``) it is the kind across it.
        reason: what decided, in words.
        tolerance: the residual counts as zero within ``tolerance · ‖J‖ · (1 + max |x|)``, a real
            part within ``tolerance · ‖J‖`` and what J changes by over a distance of
            ``tolerance · (1 + max |x|)``.
        smooth: whether the field has one derivative there, and no kink.
        max_step_size: `ganfield.max_step_size` of the eigenvalues, but for those along a continuum;
            NaN where the point is no zero or the field not smooth.
        rotation: the share of J that is antisymmetric, as in `ganfield.field.helmholtz`.
        local_nash: whether neither player gains by moving alone: v = 0 and each player's own
            curvature ∇²payoff is negative definite. None where a curvature is zero within
            tolerance, which leaves it to terms of higher order.
        local_minimax: for a zero-sum game, whether φ's own curvature is negative definite, and that
            of θ once φ answers, the Schur complement J_θθ − J_θφ J_φφ⁻¹ J_φθ, too. None where a
            curvature is zero within tolerance, and for games that are not zero-sum: whose losses do
            not add up to a constant round the point or, where only a field is given, whose
            couplings J_θφ and J_φθ are not opposite there.
        spurious: of a transformed field: whether the point is a zero of it but not of the original,
            or one that the original repels from and the transformed field attracts to. A centre of
            the original is not: to attract to those is what such fields are for. None where no
            original was given, or where its own zero cannot be judged.
        dimension: of the continuum of zeros that the point lies on; 0 where it is isolated. A game
            with a symmetry has such, and one with more parameters than it needs.
    """

    params: Players
    residual: float
    eigenvalues: np.ndarray
    kind: str
    reason: str
    tolerance: float
    smooth: bool
    max_step_size: float
    rotation: float
    local_nash: bool | None
    local_minimax: bool | None
    spurious: bool | None
    dimension: int = 0

    def _repr_html_(self) -> str:
        return html_of(self)


class _Point(NamedTuple):
    """A field at a point, in float64."""

    residual: float
    jacobian: np.ndarray
    eigenvalues: np.ndarray
    smooth: bool
    is_zero: bool
    slack: float
    dimension: int

    @property
    def across(self) -> np.ndarray:
        """The eigenvalues without those that are 0 along a continuum."""
        return self.eigenvalues[np.argsort(np.abs(self.eigenvalues))[self.dimension :]]


def classify(
    field: Field,
    params: Players,
    *,
    original: Field | None = None,
    game: Game | None = None,
    batch: Any = None,
    tolerance: float = 1e-6,
) -> Classification:
    """Return what a point is to a field: residual, spectrum, kind, and what the players make of it.

    All is computed in float64 on the host. The Jacobian is dense. Whether the field is smooth is
    told by one-sided differences at two distances (`Classification.smooth`): at a kink, that of a
    clipped weight or of a gradient penalty say, eigenvalues mean nothing, and the kind is
    "undecided".

    Args:
        field: any field.
        params: the point.
        original: for a transformed field (w, −∇L …): the v that it was made from. What players
            make of the point is then read from v, and ``spurious`` is told.
        game: whose field v is. Its losses say whether it is zero-sum; without them that is read
            from the Jacobian of v.
        batch: the batch that the field sees.
        tolerance: what counts as zero, relative to ‖J‖ (spectral norm).

    Returns:
        A `Classification`.

    Raises:
        ValueError: the tolerance is negative; there are no parameters; the field's values do not
            have the structure of the parameters, or are not finite at the point; or the machine has
            not the memory for matrices of n × n numbers. (Their eigenvalues take some 25 n³
            operations: hours from n = 20,000 on. Ctrl-C is heard; LAPACK itself goes on until the
            process ends.)

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, sections 2 and 3; local minimax
        points: Jin, Netrapalli, Jordan, "What is Local Optimality in Nonconvex-Nonconcave Minimax
        Optimization?", 2020.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.sine())
        >>> w = gf.consensus(v, gamma=2.0)
        >>> origin = gf.classify(w, gf.Players(0.0, 0.0), original=v)
        >>> origin.kind, origin.spurious
        ('stable', True)
    """
    check_not_negative(tolerance, argument="tolerance")
    with jax.enable_x64(True):
        point, batch = double(params, integers=True), double(batch)
        check_dense(point, copies=8 + (original is not None))
        check_field(field, point, batch)
        if original is not None:
            check_field(original, point, batch)
        here = _look(field, point, batch, tolerance)
        before = here if original is None else _look(original, point, batch, tolerance)
        num_theta = ravel_pytree(point.theta)[0].size
        zero_sum = _is_zero_sum(game, point, batch, before, num_theta)
        usable = here.is_zero and here.smooth
        bound = float(max_step_size(here.across)) if usable and here.across.size else float("nan")
        rotation = float(helmholtz(here.jacobian).rotation)
        kept = jax.device_get(point)
    kind, reason = _kind(here)
    nash, minimax = _optimality(before, num_theta, zero_sum)
    spurious = None
    if original is not None:
        spurious, why = _spurious(here, before, kind)
        reason = f"{reason}; {why}" if why else reason
    return Classification(
        kept,
        here.residual,
        here.eigenvalues,
        kind,
        reason,
        tolerance,
        here.smooth,
        bound,
        rotation,
        nash,
        minimax,
        spurious,
        here.dimension,
    )


def _look(field: Field, point: Players, batch: Any, tolerance: float) -> _Point:
    def value_and_jacobian(params: Players, batch: Any) -> tuple[jax.Array, jax.Array]:
        return ravel_pytree(field(params, batch))[0], jacobian(field)(params, batch)

    at = compiled(value_and_jacobian, point, batch, name="_value_and_jacobian")
    value, matrix = map(np.asarray, at(point, batch))
    if not (np.isfinite(value).all() and np.isfinite(matrix).all()):
        raise ValueError(
            "params must be a point where the field and its Jacobian are finite, got "
            f"{_short(point)}"
        )
    residual, size = float(np.linalg.norm(value)), float(listening(np.linalg.norm, matrix, 2))
    flat, unravel = ravel_pytree(point)
    farthest = float(jnp.abs(flat).max())
    # What J changes by within the distance at which a point still counts as the zero cannot decide.
    distance = tolerance * (1 + farthest)
    beside = unravel(flat + distance / flat.size**0.5)
    change = np.abs(np.asarray(at(beside, batch)[1]) - matrix).max()
    slack = tolerance * size + (float(change) if np.isfinite(change) else 0.0)
    values = listening(np.linalg.eigvals, matrix).astype(complex)
    smooth = is_smooth(field, point, batch, matrix=matrix, scale=size)
    is_zero = residual <= size * distance
    dimension = 0
    if smooth and is_zero and np.abs(values).min() <= slack:
        dimension = flat_dimension(looking_at(field, point, batch), np.asarray(flat))
    return _Point(residual, matrix, values, smooth, is_zero, slack, dimension)


def _kind(here: _Point) -> tuple[str, str]:
    """Return the kind and what decided."""
    if not here.is_zero:
        return "none", f"the field is not zero: its norm is {here.residual:.3g}"
    if not here.smooth:
        return "undecided", "the field has a kink or a jump here: its eigenvalues mean nothing"
    kind, reason = kind_of(here.across, here.slack)
    if here.dimension:
        reason = f"a continuum of dimension {here.dimension}; {kind} across it: {reason}"
    return kind, reason


def kind_of(values: np.ndarray, slack: float) -> tuple[str, str]:
    """Return the kind of eigenvalues, and what decided."""
    if not values.size:
        return "undecided", "every point nearby is a zero"
    real, imaginary = values.real, values.imag
    grows, decays = bool((real > slack).any()), bool((real < -slack).any())
    extremes = f"Re λ from {real.min():.3g} to {real.max():.3g}"
    if grows:
        return ("saddle" if decays else "unstable"), extremes
    if bool((real < -slack).all()):
        return "stable", extremes
    if bool((np.abs(real) <= slack).all() and (np.abs(imaginary) > slack).all()):
        return "centre", f"every Re λ is 0 within {slack:.1g}, and no Im λ"
    return "undecided", f"no Re λ > 0, and some are 0 within {slack:.1g}"


def _sign(matrix: np.ndarray, slack: float) -> bool | None:
    """Return whether a symmetric matrix is negative definite; None if that hangs on a zero."""
    largest = np.linalg.eigvalsh((matrix + matrix.T) / 2).max(initial=-np.inf)
    return None if abs(largest) <= slack else bool(largest < 0)


def _optimality(here: _Point, num_theta: int, zero_sum: bool) -> tuple[bool | None, bool | None]:
    """Return whether the point is a local Nash equilibrium, and a local minimax point."""
    if not here.is_zero:
        return False, (False if zero_sum else None)
    if not here.smooth:
        return None, None
    cut, J = num_theta, here.jacobian
    of_theta, of_phi = _sign(J[:cut, :cut], here.slack), _sign(J[cut:, cut:], here.slack)
    # False outweighs None: one player who gains is enough.
    nash = False if False in (of_theta, of_phi) else None if None in (of_theta, of_phi) else True
    if not zero_sum or of_phi is None:
        return nash, None
    if of_phi is False:
        return nash, False
    answer = J[:cut, :cut] - J[:cut, cut:] @ np.linalg.solve(J[cut:, cut:], J[cut:, :cut])
    return nash, _sign(answer, here.slack)


def _is_zero_sum(
    game: Game | None, point: Players, batch: Any, here: _Point, num_theta: int
) -> bool:
    """Return whether the losses sum to a constant, as far as it shows round the point."""
    J = here.jacobian
    coupling = np.abs(J[:num_theta, num_theta:] + J[num_theta:, :num_theta].T).max(initial=0.0)
    if coupling > here.slack:
        return False
    if game is None:
        # Without coupling nothing tells a zero-sum game from any other.
        return bool(np.abs(J[:num_theta, num_theta:]).max(initial=0.0) > here.slack)
    flat, unravel = ravel_pytree(point)
    moves = jax.random.normal(jax.random.key(0), (4, flat.size), flat.dtype) / 10
    points = (unravel(x) for x in (flat, *(flat + moves)))
    of_theta, of_phi = np.array([game.losses(x, batch) for x in points]).T
    return bool(np.ptp(of_theta + of_phi) <= 1e-9 * (1 + np.abs(of_theta).max()))


def _spurious(here: _Point, before: _Point, kind: str) -> tuple[bool | None, str]:
    if not here.is_zero:
        return False, ""
    if not before.is_zero:
        return True, f"the original is not zero here: its norm is {before.residual:.3g}"
    if kind != "stable":
        return False, ""
    of_original, _ = _kind(before)
    if of_original == "undecided":
        return None, "whether the original attracts here cannot be judged"
    if of_original in ("unstable", "saddle"):
        largest = before.eigenvalues.real.max()
        return True, f"the original repels from here, with Re λ up to {largest:.3g}"
    return False, ""


def _short(point: Players) -> str:
    flat = np.asarray(ravel_pytree(point)[0])
    return np.array2string(flat, precision=4, threshold=6)
