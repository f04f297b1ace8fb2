"""Leading eigenvalues of all that moves a run at one of its states, and how much of it turns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from ganfield._html import html_of
from ganfield._types import Field
from ganfield.checks import check_count
from ganfield.methods import Method, State
from ganfield.spectra._blocks import JacobianBlocks, blocks_of
from ganfield.spectra._krylov_eigenvalues import KrylovEigenvalues, krylov_eigenvalues
from ganfield.spectra._linear_map import LinearMap, linear_map
from ganfield.spectra._moving_map import moving_map

_TARGETS = ("largest_real", "largest_imaginary")
_MOST_PRODUCTS = 300  # for each kind of eigenvalues
_PROBES = 4  # of each player, for the share of rotation: 20 products with J, and 20 with Jᵀ


class Snapshot(NamedTuple):
    """Leading eigenvalues at a state of a run, each a `KrylovEigenvalues`.

    Attributes:
        v: of v′, those with the largest real parts: what the flow of v grows by.
        v_turning: of v′, those with the largest imaginary parts: how fast it turns.
        w: of w′, the exact Jacobian of the transformed field; None where there is no transform.
        w_turning: likewise.
        step: of the update map F′ of what moves, second moments held (`moving_map`), those with the
            largest moduli: the step is stable where all are below 1. With their right vectors.
        v_blocks: of v′, the share of rotation, traces and norms, whole and by players.
        w_blocks: likewise of w′; None where there is no transform.
        seconds: that all of it took.
    """

    v: KrylovEigenvalues
    v_turning: KrylovEigenvalues
    w: KrylovEigenvalues | None
    w_turning: KrylovEigenvalues | None
    step: KrylovEigenvalues
    v_blocks: JacobianBlocks
    w_blocks: JacobianBlocks | None
    seconds: float

    @property
    def products(self) -> int:
        """Return how many products were taken, with Jacobians and with their transposes."""
        blocks = sum(2 * each.num_products for each in (self.v_blocks, self.w_blocks) if each)
        return blocks + sum(each.products for _, each in self.parts())

    @property
    def radius(self) -> float:
        """Return the largest modulus of the update map's eigenvalues."""
        return float(np.abs(self.step.eigenvalues).max())

    @property
    def stable(self) -> bool:
        """Return whether the step contracts, as far as the residual can tell."""
        worst = int(np.argmax(np.abs(self.step.eigenvalues)))
        return self.radius <= 1 + float(self.step.residuals[worst])

    def parts(self) -> Iterator[tuple[str, KrylovEigenvalues]]:
        """Yield the eigenvalues that there are, by their names."""
        for name in ("v", "v_turning", "w", "w_turning", "step"):
            if getattr(self, name) is not None:
                yield name, getattr(self, name)

    def __repr__(self) -> str:
        said = [f"{name}: {_few(each)}" for name, each in self.parts()]
        cost = f"{self.products} products, {self.seconds:.2g} s"
        turns = f"rotation {self.v_blocks.rotation}"
        return f"Snapshot: {'; '.join(said)}; {turns}; |F′| {self.radius:.6g}; {cost}"

    def _repr_html_(self) -> str:
        return html_of(self)


def snapshot(
    method: Method,
    original: Field,
    state: State,
    batch: Any = None,
    *,
    field: Field | None = None,
    num: int = 3,
    max_products: int = _MOST_PRODUCTS,
) -> Snapshot:
    """Return the leading eigenvalues of v′, of w′ and of the step at a state of a run.

    And what shares of v′ and w′ are rotation. All by products alone, in the precision of the state,
    and by one start each: a multiple eigenvalue is found once (`ganfield.krylov_eigenvalues` has
    ``starts=2``).

    Args:
        method: how the players move.
        original: v.
        state: the run's, with what its optimizer remembers.
        batch: what the fields see.
        field: w, which the method moves along; v if None.
        num: how many eigenvalues of each kind, at most as many as there are.
        max_products: for each kind of eigenvalues; what has not converged then says so.

    Returns:
        A `Snapshot`.

    Raises:
        ValueError: as `ganfield.krylov_eigenvalues`.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> w = gf.consensus(v, gamma=0.5)
        >>> method = gf.simultaneous(optax.sgd(0.1))
        >>> run = gf.simulate(method, w, gf.Players(1.0, 0.0), num_steps=5)
        >>> shot = gf.spectra.snapshot(method, v, run.state, field=w, num=1)
        >>> shot.v_turning.eigenvalues.round(4), shot.w.eigenvalues.round(4)
        (array([0.+1.j]), array([-0.5+1.j]))
        >>> round(shot.radius, 4)  # |1 + 0.1·(−0.5 + i)|
        0.9552
        >>> shot.v_blocks.rotation, shot.w_blocks.rotation  # w′ = v′ − ½·1
        (1 ± 0, 0.8 ± 0)
    """
    num = check_count(num, argument="num")
    began = time.perf_counter()

    F = moving_map(method, original if field is None else field, state, batch)
    v = _looked_at(linear_map(original, state.params, batch), state, num, max_products)
    w: tuple[Any, Any, Any] = (None, None, None)
    if field is not None and field is not original:
        w = _looked_at(linear_map(field, state.params, batch), state, num, max_products)
    step = krylov_eigenvalues(
        F,
        num=min(num, F.point.size),
        target="largest_modulus",
        starts=1,
        max_products=max_products,
        progress=False,
    )
    seconds = time.perf_counter() - began
    return Snapshot(v[0], v[1], w[0], w[1], step, v[2], w[2], seconds)


def _looked_at(
    J: LinearMap, state: State, num: int, max_products: int
) -> tuple[KrylovEigenvalues, KrylovEigenvalues, JacobianBlocks]:
    """Return the eigenvalues of a field that lead, those that turn fastest, and its blocks."""
    real, turning = (
        krylov_eigenvalues(
            J,
            num=min(num, J.size),
            target=target,
            starts=1,
            max_products=max_products,
            progress=False,
        )
        for target in _TARGETS
    )
    thetas = sum(np.size(leaf) for leaf in jax.tree.leaves(state.params.theta))
    return real, turning, blocks_of(J.both(thetas), _PROBES, jax.random.key(0))


def _few(leading: KrylovEigenvalues) -> str:
    return ", ".join(f"{value:.4g}" for value in leading.eigenvalues[:3])
