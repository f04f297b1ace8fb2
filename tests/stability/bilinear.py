"""The bilinear game, and methods on it."""

import optax

import ganfield as gf

ORIGIN = gf.Players(0.0, 0.0)
BILINEAR = gf.vector_field(gf.games.bilinear())


def consensus(step_size, gamma, c=1.0):
    v = gf.vector_field(gf.games.bilinear(c))
    return gf.simultaneous(optax.sgd(step_size)), gf.consensus(v, gamma=gamma)


def every(count):
    return lambda h: optax.chain(optax.apply_every(count), optax.sgd(h))
