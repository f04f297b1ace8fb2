"""How far a field on the plane is from a gradient, and the exact field of a denoiser.

Rotation from Jacobians, circulation around circles and its other side in Stokes' theorem, and the
field of the best autoencoder, the posterior mean.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

import ganfield as gf
from study_rows import Rows

Zeros: TypeAlias = list[gf.dynamics.Classification]

# What the figure shows, and the grid on which curl and share are found.
BOUNDS = gf.Players((-1.75, 2.75), (-1.25, 1.75))
# Circles around the middle of the two moons.
CENTRE = (0.5, 0.25)
RADII = np.linspace(0.15, 1.5, 10)
# A point is off the data where the smoothed density is below this share of its largest value.
OFF_DATA = 0.05


def posterior_mean(points: jax.Array, noise: float) -> Callable[[jax.Array], jax.Array]:
    """Return x ↦ E[point | point + σε = x] for points of equal weight: the best autoencoder."""

    def mean(x: jax.Array) -> jax.Array:
        return jax.nn.softmax(-jnp.sum((points - x) ** 2, axis=1) / (2 * noise**2)) @ points

    return mean


def log_density(points: jax.Array, noise: float) -> Callable[[jax.Array], jax.Array]:
    """Return x ↦ log p_σ(x), of points of equal weight with Gaussian noise added."""

    def log_p(x: jax.Array) -> jax.Array:
        exponents = -jnp.sum((points - x) ** 2, axis=1) / (2 * noise**2)
        constant = np.log(2 * np.pi * noise**2 * len(points))
        return jax.nn.logsumexp(exponents) - constant

    return log_p


def field_of(r: Callable[[jax.Array], jax.Array]) -> gf.Field:
    """Return r(x) − x as a field on the plane."""

    def field(params: gf.Players, batch: Any = None) -> gf.Players:
        del batch
        x = jnp.stack(params)
        return gf.Players(*(r(x) - x))

    return field


def at(field: gf.Field, points: jax.Array) -> jax.Array:
    """Return the field's values at points (n, 2), as an array of the same shape."""
    return jax.vmap(lambda x: jnp.stack(field(gf.Players(*x))))(points)


def jacobians(field: gf.Field, points: jax.Array) -> jax.Array:
    """Return the field's Jacobians at points (n, 2), shape (n, 2, 2)."""
    # In chunks: the exact field holds all data for every point.
    return jax.lax.map(lambda x: gf.jacobian(field)(gf.Players(*x)), points, batch_size=500)


def curl(matrices: jax.Array) -> jax.Array:
    """Return ∂v₂/∂x₁ − ∂v₁/∂x₂ of Jacobians (..., 2, 2)."""
    return matrices[..., 1, 0] - matrices[..., 0, 1]


def rotation_share(matrices: jax.Array) -> jax.Array:
    """Return ‖A‖²/‖J‖², A = (J − Jᵀ)/2, of Jacobians (..., 2, 2): 0 of a gradient, 1 of a curl."""
    return gf.field.helmholtz(matrices).rotation


def circulation(field: gf.Field, radius: jax.Array, num_angles: int = 256) -> jax.Array:
    """Return ∮ v·dx, counter-clockwise around a circle about CENTRE.

    The trapezoidal rule, which converges exponentially on a circle.
    """
    angles = 2 * np.pi * np.arange(num_angles) / num_angles
    outward = jnp.stack([np.cos(angles), np.sin(angles)], axis=1)
    along = jnp.stack([-np.sin(angles), np.cos(angles)], axis=1)
    values = at(field, jnp.asarray(CENTRE) + radius * outward)
    return 2 * np.pi * radius * jnp.mean(jnp.sum(values * along, axis=1))


def curl_integral(
    field: gf.Field, radius: jax.Array, num_angles: int = 160, num_radii: int = 40
) -> jax.Array:
    """Return the integral of the curl over the disc inside that circle, which Stokes equates.

    Gauss–Legendre along the radius, the trapezoidal rule along the angle.
    """
    nodes, weights = np.polynomial.legendre.leggauss(num_radii)
    angles = 2 * np.pi * np.arange(num_angles) / num_angles
    outward = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    shares = (nodes + 1) / 2
    points = jnp.asarray(CENTRE) + radius * (shares[:, None, None] * outward).reshape(-1, 2)
    curls = curl(jacobians(field, points)).reshape(num_radii, num_angles)
    return np.pi * radius**2 * jnp.sum(weights * shares * jnp.mean(curls, axis=1))


def relative_error(values: jax.Array, truth: jax.Array) -> jax.Array:
    """Return √(Σ‖v − v*‖² / Σ‖v*‖²) of vectors (n, 2)."""
    return jnp.sqrt(jnp.sum((values - truth) ** 2) / jnp.sum(truth**2))


def measure(field: gf.Field, near: jax.Array, grid: jax.Array, off: jax.Array) -> dict[str, Any]:
    """Return how far a field is from a gradient: at points near the data, on a grid, on circles.

    Args:
        field: of the plane.
        near: noisy data, shape (n, 2).
        grid: shape (m, 2).
        off: which points of the grid are off the data, shape (m,).
    """
    both = jacobians(field, jnp.concatenate([near, grid]))
    nearby, everywhere = both[: len(near)], both[len(near) :]
    return {
        "share_near": jnp.mean(rotation_share(nearby)),
        "share_off": jnp.mean(rotation_share(everywhere), where=off),
        "curl_near": jnp.sqrt(jnp.mean(curl(nearby) ** 2)),
        "curl_off": jnp.sqrt(jnp.mean(curl(everywhere) ** 2, where=off)),
        "curl_map": curl(everywhere),
        "circulation": jax.vmap(lambda radius: circulation(field, radius))(jnp.asarray(RADII)),
    }


def zeros_of(field: gf.Field) -> Zeros:
    """Return the points of BOUNDS where r(x) = x, and what they are to the flow x′ = r(x) − x."""
    equilibria = gf.find_equilibria(field, bounds=BOUNDS, num_starts=256)
    return [gf.classify(field, point) for point in equilibria.points]


def zero_rows(zeros: dict[str, Zeros]) -> Rows:
    """Return the rows that count zeros.

    The indices of all zeros add up to 1 (Poincaré and Hopf), because r(x) − x points inwards at the
    bounds: another sum shows that some zero was missed.
    """
    lines = []
    for name, each in zeros.items():
        count = Counter(zero.kind for zero in each)
        index = count["stable"] + count["unstable"] - count["saddle"]
        said = f"{count['stable']}, {count['saddle']}, {count['unstable']}; {index}"
        lines.append((f"stable, saddle, unstable zeros, {name}; sum of indices", "…; 1", said))
    return lines
