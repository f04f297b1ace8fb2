"""Orbax, or what brings it."""

from ganfield._extras import need

need("orbax.checkpoint", who="ganfield.training")
