"""Distributions to imitate."""

from ganfield.data._mixture import Mixture, batch_sampler, ring

__all__ = ["Mixture", "batch_sampler", "ring"]
