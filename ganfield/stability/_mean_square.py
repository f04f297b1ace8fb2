"""Stability in the mean square: minibatches make the Jacobian itself noisy."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy

from ganfield._types import Field, Players, PyTree
from ganfield.methods import Method
from ganfield.spectra import jacobian_at
from ganfield.stability._equation import drawn, equation_of
from ganfield.stability._settled import pushed_on, settle

_FEW = 1024  # batches
_LARGEST = 24  # numbers that move, of which E[M ⊗ M] is made for many values at once
_DENSE = 12  # numbers that move, of which E[M ⊗ M] is made


def mean_square_radius(
    method: Method,
    field: Field,
    params: Players,
    *,
    sample: Callable[[jax.Array], PyTree],
    num_batches: int | None = None,
    key: jax.Array | None = None,
) -> float:
    """Return by what the mean square distance from an equilibrium is multiplied in a step.

    Under minibatches a step near x* is x ← Mx + q with a random M. Means are multiplied by E[M],
    and E[xxᵀ] by Σ ↦ E[MΣMᵀ], whose spectral radius this is: where it is 1 or more the mean square
    grows, though the mean may still shrink, and single runs too (almost surely, if E[log‖M…M‖] is
    negative). Below 1 mean, mean square and almost every run stay. Noise that is only added (q)
    does not change it: then it is the square of the rate.

    Args:
        method: how to move. Second moments (Adam, RMSProp) are held where they settle.
        field: along what, ``field(params, batch)``.
        params: an equilibrium of the mean of the field over batches.
        sample: ``sample(key) -> batch``.
        num_batches: as in `ganfield.noise_floor`.
        key: as in `ganfield.noise_floor`.

    Returns:
        The factor of one step, in float64.

    Raises:
        ValueError: an argument is not allowed, or second moments settle nowhere.

    Reference:
        Kushner, Yin, "Stochastic Approximation and Recursive Algorithms and Applications", 2003.

    Example:
        >>> import jax, jax.numpy as jnp, optax, ganfield as gf
        >>> def field(params, noise):                    # v = −(1 + 2ξ)x, and ξ is 1 or −1
        ...     return gf.Players(*(-(1 + 2 * noise) * x for x in params))
        >>> radius = gf.mean_square_radius(
        ...     gf.simultaneous(optax.sgd(0.1)),
        ...     field,
        ...     gf.Players(0.0, 0.0),
        ...     sample=lambda key: jax.random.rademacher(key, (), float),
        ... )
        >>> abs(radius - (0.9**2 + 0.1**2 * 2**2)) < 0.01  # (1 − ha)² + h²σ²
        True
    """
    key = jax.random.key(0) if key is None else key
    with jax.enable_x64(True):
        F, batches = drawn(method, field, params, sample, num_batches, key)
        equation, none = equation_of(F, batches), np.zeros(0)
        steps = settle(equation).steps if F.square.any() else equation.steps(none, none)
    return _radius(steps.slopes) ** (1 / F.num_steps)


def _radius(slopes: np.ndarray) -> float:
    """Return the spectral radius of Σ ↦ E[MΣMᵀ], which an eigenvector of it is a covariance of."""
    count, size = slopes.shape[:2]
    if not np.isfinite(slopes).all():
        raise ValueError(
            "params must be a point where the step has a derivative, and it is not finite"
        )
    if size <= _DENSE:
        twice = np.einsum("bij,bkl->ikjl", slopes, slopes, optimize=True) / count
        return float(np.abs(np.linalg.eigvals(twice.reshape(size**2, size**2))).max())

    def product(flat: np.ndarray) -> np.ndarray:
        return pushed_on(slopes, flat.reshape(size, size)).ravel()

    operator = scipy.sparse.linalg.LinearOperator((size**2, size**2), matvec=product)
    values = scipy.sparse.linalg.eigs(
        operator, k=1, which="LM", v0=np.eye(size).ravel(), return_eigenvectors=False
    )
    return float(np.abs(values).max())


def mean_square_radius_of(
    build: Callable[[jax.Array], tuple[Method, Field]],
    some: tuple[Method, Field],
    params: Players,
    sample: Callable[[jax.Array], PyTree],
    key: jax.Array | None = None,
) -> Callable[[jax.Array], jax.Array]:
    """Return ``radius(value)``, the mean square radius at a value of a hyper-parameter; traceable.

    Args:
        build: ``build(value) -> (method, field)``, called with traced values.
        some: what it builds of one value.
        params: the point, in float64.
        sample: ``sample(key) -> batch``.
        key: for the batches.

    Raises:
        ValueError: the optimizer divides by second moments.
    """
    key = jax.random.key(0) if key is None else key
    F, batches = drawn(*some, params, sample, _FEW, key)
    moving = np.flatnonzero(F.moving)
    size = len(moving)
    if F.square.any():
        raise ValueError(
            "build must make a method without second moments where sample is given: under noise "
            "those grow with the spread of the iterates, so that no step is too large. "
            "gf.noise_floor says how far the iterates spread"
        )
    if size > _LARGEST:
        raise ValueError(
            f"params must be few enough for E[M ⊗ M] where sample is given: {size} numbers move, "
            f"and {_LARGEST} are the most. gf.mean_square_radius does without it, value by value"
        )

    def radius(value: jax.Array) -> jax.Array:
        apply = F.under(*build(value))

        def slopes(batch: PyTree) -> jax.Array:
            def move(z: jax.Array) -> jax.Array:
                return apply(F.point.at[moving].set(z), batch)[moving]

            return jacobian_at(move, F.point[moving])

        every = jax.vmap(slopes)(batches)
        twice = jnp.einsum("bij,bkl->ikjl", every, every) / len(every)
        values = jnp.linalg.eigvals(twice.reshape(size**2, size**2))
        return jnp.abs(values).max() ** (1 / F.num_steps)

    return radius
