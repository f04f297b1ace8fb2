"""Drawn families whose events are known in closed form, mixed into several parameters.

The motion is a normal form in one or two coordinates, coupled to others that follow them; knob and
coordinates are changed by functions that have an inverse. Per shape one program serves all seeds.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

import ganfield as gf


class Drawn(NamedTuple):
    """A family: knob → field, a start, the knob there, and where the event lies, or the events."""

    build: object
    start: gf.Players
    value: float
    event: object
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


def _blocks(seed, count, size):
    """Several families side by side, mixed into one motion: where, how fast, and by what matrix."""
    random = np.random.default_rng(seed)
    left, sizes, right = np.linalg.svd(random.normal(size=(count * size, count * size)))
    mix = left @ np.diag(np.clip(sizes, 0.4, 2.0)) @ right
    at = np.sort(random.uniform(0.1, 0.9, count))
    pace = random.choice([-1, 1], count) * random.uniform(0.5, 2, count)
    return random, mix, np.linalg.inv(mix), at, pace


def turning(seed, count=8, *, is_map):
    """Families with a Hopf or a Neimark–Sacker point each, and their coefficients by elimination.

    z′ = z(ν + iω + c|z|²) + e z y₂ + f z̄ (y₃ + iy₄), y₂′ = −d y₂ + k|z|², and y₃ + iy₄ follows
    m z²: on the cycle y₂ = k|z|²/d and y₃ + iy₄ = m z²/(d + 2iω), which add to c. Of a map
    z ↦ e^{iω}(…) with the same in it, and rates e^{−d} for −d.
    """
    size = 5 * count
    random, mix, back, at, pace = _blocks(seed, count, 5)
    omega = random.uniform(0.4, 1.4, count)
    e, f, k, m = random.normal(size=(4, count))
    c, d = random.normal(size=(count, 2)) @ [1, 1j], random.uniform(0.5, 1.5, (2, count))
    decay, turn = np.exp(-d), np.exp(1j * omega)
    if is_map:
        slaved = k / (1 - decay[0]), m / (turn**2 - decay[1])
    else:
        slaved = k / d[0], m / (d[1] + 2j * omega)
    whole = c + e * slaved[0] + f * slaved[1]

    def build(mu):
        nu = jnp.expm1(pace * (mu - at))

        def field(params, batch=None):
            y = back @ jnp.concatenate(params)
            a, b, one, *two = y.reshape(count, 5).T
            z, two = a + 1j * b, two[0] + 1j * two[1]
            square = a**2 + b**2  # of an absolute value there is no second derivative at 0
            linear = nu + c * square + e * one
            more = f * jnp.conj(z) * two
            if is_map:
                z = turn * (z + linear * z + more)
                one, two = decay[0] * one + k * square, decay[1] * two + m * (a + 1j * b) ** 2
            else:
                z, one, two = (
                    (linear + 1j * omega) * z + more,
                    -d[0] * one + k * square,
                    -d[1] * two + m * z**2,
                )
            motion = jnp.stack([z.real, z.imag, one, two.real, two.imag], axis=1).ravel()
            return _players(size)(mix @ (motion - y if is_map else motion))

        return field

    # z of an eigenvector of length 1, and the root of the mean square of x on the circle |z| = 1.
    real, imaginary = mix[:, ::5], mix[:, 1::5]
    length = np.linalg.norm(real - 1j * imaginary, axis=0) / 2
    circle = np.sqrt(np.sum(real**2 + imaginary**2, axis=0) / 2)
    numbers = {
        "c": whole / length**2,
        "omega": omega,
        "pace": pace,
        "growth": circle * np.sqrt(np.abs(pace / whole.real)),
        "side": np.sign(-pace / whole.real),
    }
    return Drawn(build, _players(size)(np.zeros(size)), 0.0, at, numbers)


def flipping(seed, count=8):
    """Maps with a flip each: y ↦ −(1 + ν)y + by² + ey·y₂ + cy³, of which y₂ follows y²."""
    size = 2 * count
    random, mix, back, at, pace = _blocks(seed, count, 2)
    b, c, e, k = random.normal(size=(4, count))
    decay = random.uniform(-0.8, 0.8, count)
    whole = c + b**2 + e * k / (1 - decay)

    def build(mu):
        nu = jnp.expm1(pace * (mu - at))

        def field(params, batch=None):
            x = jnp.concatenate(params)
            y, one = (back @ x).reshape(count, 2).T
            after = -(1 + nu) * y + b * y**2 + e * y * one + c * y**3
            motion = jnp.stack([after, decay * one + k * y**2], axis=1).ravel()
            return _players(size)(mix @ motion - x)

        return field

    length = np.linalg.norm(mix[:, ::2], axis=0)
    numbers = {
        "c": whole / length**2,
        "growth": length * np.sqrt(np.abs(pace / whole)),
        "side": np.sign(pace / whole),
    }
    return Drawn(build, _players(size)(np.zeros(size)), 0.0, at, numbers)
