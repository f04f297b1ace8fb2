"""A field, and the same without derivatives of one kind or another."""

import jax
import jax.numpy as jnp
import numpy as np

import ganfield as gf

START = gf.Players(1.0, 0.4)


def smooth(params, batch=None):
    """θ and φ coupled by 1, each with a curvature of its own."""
    theta, phi = params
    return gf.Players(-theta / 4 - phi, theta - phi / 2)


@jax.custom_vjp
def _backwards(params):
    return smooth(params)


_backwards.defvjp(lambda params: (smooth(params), None), lambda _, u: (gf.vjp(smooth)(START, u),))


def backwards_only(params, batch=None):
    """It has derivatives of its own, and those only backwards."""
    return _backwards(params)


def forwards_only(params, batch=None):
    """A loop whose length is a value has no derivatives backwards."""
    return jax.lax.while_loop(lambda p: p.theta > 1e3, smooth, smooth(params))


def callback(params, batch=None):
    """Computed by the host, it has no derivatives at all."""
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(jnp.shape(x), jnp.result_type(x)), params)
    return jax.pure_callback(
        lambda p: jax.tree.map(np.asarray, smooth(p)), shapes, params, vmap_method="sequential"
    )
