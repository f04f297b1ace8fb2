"""The joint field of a game. The sign of v is decided here, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._registry import Registry, named
from ganfield._tree import negate
from ganfield._types import Field, Players
from ganfield.checks import as_params, check_real, check_same_structure
from ganfield.games import Game

_MOST_LEAVES = 20  # that a message lists


def check_is_field(field: Any) -> None:
    """Raise a ``ValueError`` unless it may be a field: a function, and no game."""
    if isinstance(field, Game):
        field()  # It says what to give in its place.
    if not callable(field):
        raise ValueError(
            "field must be a function field(params, batch) -> Players, such as "
            f"gf.vector_field(game), got {type(field).__name__}"
        )


TRANSFORMS: Registry[Callable[..., Field]] = Registry("transform", check_first=check_is_field)
"""Name → builder of the transforms; each takes a field first."""


@named
def vector_field(game: Game) -> Field:
    """Return the field in which both players climb their payoffs.

    v(θ, φ) = (∇θ f, ∇φ g) = −(∇θ loss_θ, ∇φ loss_φ). Steps x ← x + h·v(x) are simultaneous
    gradient ascent, and an equilibrium is stable for the flow x′ = v(x) when every eigenvalue of
    v′ has a negative real part.

    Args:
        game: a `ganfield.games.Game`.

    Returns:
        ``field(params, batch=None) -> Players``, the structure and dtypes of the parameters; whole
        numbers are floats. It raises a ``ValueError`` where they are no `Players`, or not real.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, section 2.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> v(gf.Players(theta=1.0, phi=2.0))
        Players(theta=Array(-2., dtype=float32...), phi=Array(1., dtype=float32...))
    """

    def field(params: Players, batch: Any = None) -> Players:
        return negate(game.gradients(as_params(params), batch))

    return field


def check_field(field: Field, params: Players, batch: Any = None) -> None:
    """Raise a ``ValueError`` unless the field's values have the structure of the parameters.

    The field is only traced, never computed. `ganfield.simulate` calls this before it compiles, so
    that parameters and a batch that do not fit the field are named with their shapes.

    Args:
        field: any function ``field(params, batch) -> Players``.
        params: parameters, or their shapes.
        batch: a batch, or its shapes.

    Raises:
        ValueError: the value's structure or a leaf's shape differs from the parameters'; the
            parameters are no `Players` of real numbers; the field cannot be evaluated on such
            parameters and such a batch; it is a game, or no function.

    Example:
        >>> import ganfield as gf
        >>> gf.field.check_field(lambda params, batch: params.theta, gf.Players(1.0, 2.0))
        Traceback (most recent call last):
        ...
        ValueError: field(params, batch) must have the structure of params, ...
    """
    check_is_field(field)
    params = as_params(params)
    check_real(batch, argument="batch")
    try:
        # A function of its own: JAX keeps the shapes of one that it knows, which may have changed.
        value = jax.eval_shape(lambda *given: field(*given), params, batch)
    except jax.errors.JAXTypeError:
        raise
    except (AttributeError, TypeError, ValueError) as error:
        if isinstance(error, ValueError) and not str(error).startswith("Incompatible shapes"):
            raise  # What is raised by hand says itself what does not fit.
        raise ValueError(_misfit(params, batch, error)) from error
    check_same_structure(value, params, argument="field(params, batch)", source="params")
    check_real(value, argument="field(params, batch)")


def _misfit(params: Players, batch: Any, error: Exception) -> str:
    """Say that a field cannot be evaluated, and on what."""
    said = str(error).split("\n", 1)[0]
    seen = "no batch (batch=None)" if batch is None else f"the batch {_shapes(batch)}"
    return (
        f"field cannot be evaluated on {seen} and the params {_shapes(params)}: "
        f"{type(error).__name__}: {said}"
    )


def _shapes(tree: Any) -> str:
    """Return what each leaf is called, and its shape."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    said = [
        f"{jax.tree_util.keystr(path)} {tuple(np.shape(leaf))}".strip()
        for path, leaf in leaves[:_MOST_LEAVES]
    ]
    more = len(leaves) - len(said)
    return ", ".join(said) + (f" and {more} more" if more > 0 else "")


def check_plane_field(field: Field, batch: Any = None, *, purpose: str) -> None:
    """Raise a ``ValueError`` unless the field is one of two numbers; it is traced, not computed.

    Args:
        field: any function ``field(params, batch) -> Players``.
        batch: a batch, or its shapes.
        purpose: what needs such a field.

    Raises:
        ValueError: on `Players` of two scalars the field raises, or returns anything else. The
            message says how to take a plane of a larger game.

    Example:
        >>> import jax.numpy as jnp, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear(jnp.eye(2)))
        >>> check_plane_field(v, purpose="a 2-D plot")
        Traceback (most recent call last):
        ...
        ValueError: a 2-D plot needs a field of two numbers; for a game of more parameters take a
        plane through a point, gf.planes.on_plane(field, plane) with a plane from gf.planes. ...
    """
    check_is_field(field)
    scalar = jax.ShapeDtypeStruct((), jnp.result_type(float))
    cause = None
    try:
        # As in `check_field`: JAX keeps the shapes of a function that it knows.
        value = jax.eval_shape(lambda *given: field(*given), Players(scalar, scalar), batch)
        shapes = jax.tree.map(lambda leaf: leaf.shape, value)
        # Equality alone does not tell Players from a pair.
        if isinstance(value, Players) and shapes == Players((), ()):
            check_real(value, argument="field(params, batch)")
            return
        outcome = f"returned {shapes!r} as shapes"
    except Exception as error:  # A field may fail in any way on what it was not made for.
        cause, outcome = error, f"raised {type(error).__name__}: {error}"
    raise ValueError(
        f"{purpose} needs a field of two numbers; for a game of more parameters take a plane "
        "through a point, gf.planes.on_plane(field, plane) with a plane from gf.planes. On Players "
        f"of two scalars this field {outcome}"
    ) from cause
