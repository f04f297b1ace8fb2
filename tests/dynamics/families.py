"""Drawn families whose events are known in closed form, mixed into several parameters.

The motion is a normal form in one or two coordinates, coupled to others that follow them; knob and
coordinates are changed by functions that have an inverse. Per shape one program serves all seeds.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

import ganfield as gf


class Drawn(NamedTuple):
    """A family: knob → field, a start, the knob there, and where the event lies."""

    build: object
    start: gf.Players
    value: float
    event: float
    numbers: dict


def _players(size):
    return lambda x: gf.Players(x[: size // 2], x[size // 2 :])


def _drawn(seed, size):
    random = np.random.default_rng(seed)
    mix = random.normal(size=(size, size))
    left, sizes, right = np.linalg.svd(mix)
    mix = left @ np.diag(np.clip(sizes, 0.4, 2.0)) @ right
    numbers = {
        "at": random.uniform(0.3, 0.7),
        "pace": random.choice([-1, 1]) * random.uniform(0.5, 2),
        "mix": mix,
        "back": np.linalg.inv(mix),
        "decay": random.uniform(0.5, 2, size),
        "pull": random.normal(size=size),
    }
    return random, numbers


LINES = {
    "fold": lambda nu, y: nu - y**2,
    "transcritical": lambda nu, y: nu * y - y**2,
    "pitchfork": lambda nu, y: nu * y - y**3,
}


def on_a_line(kind, seed, size=4):
    """A family with a fold, a transcritical point or a pitchfork."""
    _, numbers = _drawn(seed, size)
    at, pace, mix, back, decay, pull = numbers.values()
    far = 1.0 if pace > 0 else 0.0
    level = np.expm1(pace * (far - at))
    first = np.sqrt(level) if kind == "fold" else 0.0

    def build(mu):
        nu = jnp.expm1(pace * (mu - at))

        def field(params, batch=None):
            y = back @ jnp.concatenate(params)
            rest = -decay * y + pull * y[0] ** 2
            motion = rest.at[0].set(LINES[kind](nu, y[0]))
            return _players(size)(mix @ motion)

        return field

    y = pull * first**2 / decay
    y[0] = first
    return Drawn(build, _players(size)(mix @ y), far, at, numbers)


def turning(seed, size=5, *, is_map):
    """A family with a Hopf or a Neimark–Sacker point, and its coefficient by elimination.

    z′ = z(ν + iω + c|z|²) + e z y₂ + f z̄ (y₃ + iy₄), y₂′ = −d y₂ + k|z|², and y₃ + iy₄ follows
    m z²: on the cycle y₂ = k|z|²/d and y₃ + iy₄ = m z²/(d + 2iω), which add to c. Of a map
    z ↦ e^{iω}(…) with the same in it, and rates e^{−d} for −d.
    """
    random, numbers = _drawn(seed, size)
    at, pace, mix, back, _, _ = numbers.values()
    omega, e, f, k, m = random.uniform(0.4, 1.4), *random.normal(size=4)
    c, d = complex(*random.normal(size=2)), random.uniform(0.5, 1.5, 2)
    decay, turn = np.exp(-d), np.exp(1j * omega)
    if is_map:
        slaved = k / (1 - decay[0]), m / (turn**2 - decay[1])
    else:
        slaved = k / d[0], m / (d[1] + 2j * omega)
    whole = c + e * slaved[0] + f * slaved[1]
    cos, sin = np.cos(omega), np.sin(omega)

    def build(mu):
        nu = jnp.expm1(pace * (mu - at))

        def field(params, batch=None):
            y = back @ jnp.concatenate(params)
            a, b, one, two, three = y
            square = a**2 + b**2
            real = nu + c.real * square + e * one
            imaginary = c.imag * square
            # f z̄ (y₃ + iy₄)
            more = f * jnp.stack([a * two + b * three, a * three - b * two])
            if is_map:
                inner = jnp.stack([a + real * a - imaginary * b, b + real * b + imaginary * a])
                inner = inner + more
                z = jnp.stack([cos * inner[0] - sin * inner[1], sin * inner[0] + cos * inner[1]])
                rest = jnp.stack([decay[0] * one, decay[1] * two, decay[1] * three])
                driven = jnp.stack([k * square, m * (a**2 - b**2), 2 * m * a * b])
                motion = jnp.concatenate([z, rest + driven]) - y
            else:
                z = jnp.stack(
                    [real * a - (omega + imaginary) * b, real * b + (omega + imaginary) * a]
                )
                rest = -jnp.stack([d[0] * one, d[1] * two, d[1] * three])
                driven = jnp.stack([k * square, m * (a**2 - b**2), 2 * m * a * b])
                motion = jnp.concatenate([z + more, rest + driven])
            return _players(size)(mix @ motion)

        return field

    # z of an eigenvector of length 1, and the root of the mean square of x on the circle |z| = 1.
    length = np.linalg.norm(mix[:, 0] - 1j * mix[:, 1]) / 2
    circle = np.sqrt((mix[:, 0] @ mix[:, 0] + mix[:, 1] @ mix[:, 1]) / 2)
    numbers |= {"c": whole / length**2, "omega": omega}
    numbers["growth"] = circle * np.sqrt(abs(pace / whole.real))
    numbers["side"] = int(np.sign(-pace / whole.real))
    origin = _players(size)(np.zeros(size))
    return Drawn(build, origin, 0.0, at, numbers)


def flipping(seed, size=3):
    """A family of maps with a flip: y ↦ −(1 + ν)y + by² + ey·y₂ + cy³, of which y₂ follows y²."""
    random, numbers = _drawn(seed, size)
    at, pace, mix, back, _, _ = numbers.values()
    b, c, e, k = random.normal(size=4)
    decay = random.uniform(-0.8, 0.8, 2)
    whole = c + b**2 + e * k / (1 - decay[0])

    def build(mu):
        nu = jnp.expm1(pace * (mu - at))

        def field(params, batch=None):
            x = jnp.concatenate(params)
            y, one, two = back @ x
            after = -(1 + nu) * y + b * y**2 + e * y * one + c * y**3
            return _players(size)(
                mix @ jnp.stack([after, decay[0] * one + k * y**2, decay[1] * two]) - x
            )

        return field

    length = np.linalg.norm(mix[:, 0])
    numbers |= {"c": whole / length**2, "growth": length * np.sqrt(abs(pace / whole))}
    numbers["side"] = int(np.sign(pace / whole))
    return Drawn(build, _players(size)(np.zeros(size)), 0.0, at, numbers)
