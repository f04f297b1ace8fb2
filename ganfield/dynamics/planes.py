"""Planes through the parameters of a large game, so that its field can be drawn.

>>> import jax, ganfield as gf
>>> game = gf.games.bilinear(jax.numpy.eye(3))          # six parameters
>>> here = game.init(jax.random.key(0))
>>> plane = gf.planes.random(here, jax.random.key(1))
>>> v_plane = gf.planes.on_plane(gf.vector_field(game), plane)
>>> jax.tree.map(jax.numpy.shape, v_plane(gf.Players(0.5, -0.5)))
Players(theta=(), phi=())
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from ganfield._tree import add_scaled, double, strong
from ganfield._types import Field, Players
from ganfield.checks import check_same_structure, leading_size, lookup
from ganfield.field import check_dense, jacobian
from ganfield.spectra import check_smooth

_PAIRS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "most_rotating": lambda values: np.abs(values.imag),
    "least_stable": lambda values: values.real,
}


class Plane(NamedTuple):
    """A plane in the space of both players' parameters: origin + a·first + b·second.

    Attributes:
        origin: `Players` of parameters.
        first: a direction of length 1, of the same structure; the horizontal axis.
        second: one at right angles to it; the vertical axis.
    """

    origin: Players
    first: Players
    second: Players

    def lift(self, coordinates: Players) -> Players:
        """Return the parameters at a point of the plane, origin + a·first + b·second.

        Args:
            coordinates: ``Players(a, b)`` of two numbers.

        Returns:
            Parameters of the origin's structure.

        Example:
            >>> import ganfield as gf
            >>> axes = gf.Players(0.0, 1.0), gf.Players(1.0, 0.0)
            >>> gf.planes.through(gf.Players(5.0, 5.0), *axes).lift(gf.Players(2.0, -1.0))
            Players(theta=Array(4., dtype=float32...), phi=Array(7., dtype=float32...))
        """
        on_first = add_scaled(self.origin, coordinates.theta, self.first)
        return add_scaled(on_first, coordinates.phi, self.second)

    def coordinates(self, params: Players) -> Players:
        """Return ``Players(a, b)`` of the point of the plane that is nearest to the parameters.

        Args:
            params: parameters of the origin's structure. Leaves may have further axes in front,
                such as the records of a run.

        Returns:
            ``Players(a, b)`` of two arrays of the shape of those axes; `ganfield.plot.trajectory`
            draws those of a run.

        Raises:
            ValueError: the parameters have another structure than the origin, or a leaf another
                shape behind the axes in front.

        Example:
            >>> import ganfield as gf
            >>> axes = gf.Players(0.0, 1.0), gf.Players(1.0, 0.0)
            >>> plane = gf.planes.through(gf.Players(5.0, 5.0), *axes)
            >>> plane.coordinates(gf.Players(4.0, 7.0))
            Players(theta=Array(2., dtype=float32...), phi=Array(-1., dtype=float32...))
        """
        flat = _flat(params, self.origin) - ravel_pytree(self.origin)[0]
        return Players(*(flat @ ravel_pytree(axis)[0] for axis in (self.first, self.second)))


def through(origin: Players, first: Players, second: Players) -> Plane:
    """Return the plane through a point that two given directions span.

    Args:
        origin: `Players` of parameters.
        first: a direction of the same structure, of any length: the horizontal axis.
        second: another, of which the part at right angles to the first is taken.

    Returns:
        A `Plane`.

    Raises:
        ValueError: a direction has another structure, or is not finite; the two span no plane.

    Example:
        >>> import ganfield as gf
        >>> plane = through(gf.Players(1.0, 1.0), gf.Players(2.0, 0.0), gf.Players(1.0, 1.0))
        >>> plane.lift(gf.Players(0.5, 2.0))
        Players(theta=Array(1.5, dtype=float32...), phi=Array(3., dtype=float32...))
    """
    for argument, direction in (("first", first), ("second", second)):
        check_same_structure(direction, origin, argument=argument, source="origin")
    flat, unravel = ravel_pytree(_floats(origin))
    axes = np.stack([np.asarray(ravel_pytree(axis)[0], float) for axis in (first, second)])
    if not np.isfinite(axes).all():
        raise ValueError("first and second must be finite")
    return _plane(flat, unravel, axes, "first and second must span a plane")


def random(origin: Players, key: jax.Array) -> Plane:
    """Return a plane through a point in a random direction, every one as likely as another.

    Args:
        origin: `Players` of parameters, at least two numbers in all.
        key: a typed key.

    Returns:
        A `Plane`.

    Raises:
        ValueError: the parameters are fewer than two numbers.

    Example:
        >>> import jax, jax.numpy as jnp, ganfield as gf
        >>> plane = random(gf.Players(jnp.zeros(3), jnp.zeros(2)), jax.random.key(0))
        >>> plane.first.theta.shape
        (3,)
    """
    flat, unravel = ravel_pytree(_floats(origin))
    axes = np.asarray(jax.random.normal(key, (2, flat.size)), float)
    return _plane(flat, unravel, axes, "origin must have at least two parameters")


def principal(path: Players, origin: Players | None = None) -> Plane:
    """Return the plane in which a run moved most: the first two principal components of its path.

    Args:
        path: parameters with the records of a run along the first axis of every leaf, as
            ``record=lambda state, info: state.params`` gives.
        origin: the point that the plane passes through; by default where the path ends. Deviations
            are from there.

    Returns:
        A `Plane`.

    Raises:
        ValueError: the leaves share no first axis, hold NaN, or do not span a plane.

    Reference:
        Li, Xu, Taylor, Studer, Goldstein, "Visualizing the Loss Landscape of Neural Nets", 2018.

    Example:
        >>> import jax.numpy as jnp, ganfield as gf
        >>> path = gf.Players(jnp.array([[4.0, 0.0], [2.0, 1.0], [0.0, 0.0]]), jnp.zeros(3))
        >>> abs(principal(path).first.theta).round(1)
        Array([1. , 0.1], dtype=float32)
    """
    if not leading_size(path):
        raise ValueError(
            "path must be Players with the records along the first axis of every leaf, got shapes "
            f"{jax.tree.map(jnp.shape, path)}"
        )
    end = jax.tree.map(lambda leaf: leaf[-1], path) if origin is None else origin
    flat, unravel = ravel_pytree(_floats(end))
    moves = np.asarray(_flat(path, end), float) - np.asarray(flat, float)
    if not np.isfinite(moves).all():
        raise ValueError("path must be finite: leave out the records after the run stopped")
    axes = np.linalg.svd(moves, full_matrices=False)[2][:2]
    return _plane(flat, unravel, axes, "path must span a plane", moves @ axes.T)


def eigenvectors(
    field: Field, origin: Players, *, pair: str = "most_rotating", batch: Any = None
) -> Plane:
    """Return the plane of an eigenvalue pair of a field's Jacobian, in which its motion closes.

    Near an equilibrium the flow stays in that plane. It is spanned by the real and the imaginary
    part of a complex eigenvector, or, where the first eigenvalue is real, by the eigenvectors of
    the first two that are.

    Args:
        field: ``field(params, batch=None) -> Players``.
        origin: where the Jacobian (dense, in float64) is taken.
        pair: "most_rotating", the largest abs(Im λ), or "least_stable", the largest Re λ.
        batch: the batch that the field sees.

    Returns:
        A `Plane`.

    Raises:
        ValueError: the pair is unknown; the Jacobian is not finite, or the field has a kink there;
            there is but one parameter; the
            first eigenvalue is real and has no second, or both have one eigenvector.

    Example:
        >>> import jax.numpy as jnp, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear(jnp.diag(jnp.array([1.0, 3.0]))))
        >>> plane = eigenvectors(v, gf.Players(jnp.zeros(2), jnp.zeros(2)))
        >>> abs(plane.first.theta + plane.second.theta).round(3)  # the second of each player's
        Array([0., 1.], dtype=float32)
    """
    order_by = lookup(_PAIRS, pair, argument="pair")
    flat, unravel = ravel_pytree(_floats(origin))
    if flat.size < 2:
        raise ValueError(f"origin must have at least two parameters, got {flat.size}")
    with jax.enable_x64(True):
        point = double(origin, integers=True)
        check_dense(point, copies=7)
        matrix = np.asarray(jacobian(field)(point, double(batch)))
    check_smooth(field, origin, batch, matrix)
    if not np.isfinite(matrix).all():
        raise ValueError("origin must be a point where the field's Jacobian is finite")
    values, vectors = np.linalg.eig(matrix)
    order = np.argsort(-order_by(values), kind="stable")
    real = np.abs(values.imag) <= 1e-12 * np.abs(values).max()
    if real[order[0]]:
        axes = vectors[:, order[real[order]][:2]].T.real
    else:
        axes = np.stack([vectors[:, order[0]].real, vectors[:, order[0]].imag])
    must = f"origin must be a point where the {pair} eigenvectors span a plane"
    return _plane(flat, unravel, axes, must)


def on_plane(field: Field, plane: Plane) -> Field:
    """Return the part of a field that lies in a plane, a field of two numbers.

    (a, b) ↦ (⟨first, field(x)⟩, ⟨second, field(x)⟩) at x = origin + a·first + b·second. What points
    out of the plane is lost; `out_of_plane` says how much that is.

    Args:
        field: ``field(params, batch=None) -> Players``.
        plane: from one of this module's functions.

    Returns:
        ``field(Players(a, b), batch=None) -> Players`` of two numbers.

    Example:
        >>> import jax, jax.numpy as jnp, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear(jnp.eye(2)))
        >>> zero = gf.Players(jnp.zeros(2), jnp.zeros(2))
        >>> plane = gf.planes.eigenvectors(v, zero)
        >>> gf.eigenvalues(on_plane(v, plane))(gf.Players(0.0, 0.0)).imag
        Array([ 1., -1.], dtype=float32)
    """

    def plane_field(coordinates: Players, batch: Any = None) -> Players:
        value = field(plane.lift(coordinates), batch)
        return Players(*(optax.tree.vdot(axis, value) for axis in (plane.first, plane.second)))

    return plane_field


def out_of_plane(field: Field, plane: Plane) -> Callable[..., jax.Array]:
    """Return the share of a field's length that points out of a plane, from 0 to 1.

    Args:
        field: ``field(params, batch=None) -> Players``.
        plane: from one of this module's functions.

    Returns:
        ``share(Players(a, b), batch=None)``, ‖field − its part in the plane‖/‖field‖; NaN where the
        field is zero.

    Example:
        >>> import jax.numpy as jnp, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear(jnp.eye(2)))
        >>> zero = gf.Players(jnp.zeros(2), jnp.zeros(2))
        >>> plane = gf.planes.eigenvectors(v, zero)
        >>> round(float(out_of_plane(v, plane)(gf.Players(0.5, 1.0))), 3)
        0.0
    """

    def share(coordinates: Players, batch: Any = None) -> jax.Array:
        value = field(plane.lift(coordinates), batch)
        inside = Players(*(optax.tree.vdot(axis, value) for axis in (plane.first, plane.second)))
        outside = add_scaled(value, -inside.theta, plane.first)
        outside = add_scaled(outside, -inside.phi, plane.second)
        return optax.tree.norm(outside) / optax.tree.norm(value)

    return share


def _floats(params: Players) -> Players:
    """Return parameters as arrays of floats: integers have no directions."""
    return strong(jax.tree.map(lambda x: jnp.asarray(x, jnp.result_type(x, float)), params))


def _flat(params: Players, like: Players) -> jax.Array:
    """Return parameters whose leaves have axes in front as one array, those axes first."""
    check_same_structure(
        jax.tree.map(lambda leaf: 0, params),
        jax.tree.map(lambda leaf: 0, like),
        argument="params",
        source="origin",
    )

    def flatten(leaf: jax.Array, one: jax.Array) -> jax.Array:
        front = jnp.ndim(leaf) - jnp.ndim(one)
        if front < 0 or jnp.shape(leaf)[front:] != jnp.shape(one):
            raise ValueError(
                "params must have leaves of the shapes of origin's, with or without further axes "
                f"in front, got {jnp.shape(leaf)} for {jnp.shape(one)}"
            )
        return jnp.reshape(leaf, (*jnp.shape(leaf)[:front], -1))

    pairs = zip(jax.tree.leaves(params), jax.tree.leaves(like), strict=True)
    return jnp.concatenate([flatten(leaf, one) for leaf, one in pairs], axis=-1)


def _plane(
    flat: jax.Array,
    unravel: Callable[[jax.Array], Players],
    axes: np.ndarray,
    must: str,
    spread: np.ndarray | None = None,
) -> Plane:
    """Return the plane of two axes, made orthonormal by Gram and Schmidt."""
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    measured = axes / np.where(lengths > 0, lengths, 1) if spread is None else spread
    sizes = np.linalg.svd(measured, compute_uv=False)
    if sizes.size < 2 or sizes[1] <= 1e-6 * sizes[0] or axes.shape[1] < 2:
        raise ValueError(f"{must}, got directions that lie on one line")
    first = axes[0] / np.linalg.norm(axes[0])
    second = axes[1] - (axes[1] @ first) * first
    second /= np.linalg.norm(second)
    return Plane(*(unravel(jnp.asarray(part, flat.dtype)) for part in (flat, first, second)))
