"""A game of a user's own: ``ganfield explore --game docs/pages/own_game.py:one_layer_gan``."""

import jax
import jax.numpy as jnp
import numpy as np

import ganfield as gf

LATENT = jnp.asarray(np.linspace(-1.5, 1.5, 7))


def one_layer_gan(target=1.0, sharpness=1.5):
    """Return a GAN of one number each: G(z) = tanh(θ + z/4), D(x) = sφx − φ²/4, data at tanh 1."""

    def losses(params, batch):
        def discriminator(x):
            return sharpness * params.phi * x - params.phi**2 / 4

        fake = discriminator(jnp.tanh(params.theta + LATENT / 4))
        real = discriminator(jnp.tanh(target + LATENT / 4))
        cross_entropy = jax.nn.softplus(-real).mean() + jax.nn.softplus(fake).mean()
        return gf.Players(jax.nn.softplus(-fake).mean(), cross_entropy)

    return gf.games.joint(losses, init=lambda key: gf.Players(*jax.random.normal(key, (2,))))
