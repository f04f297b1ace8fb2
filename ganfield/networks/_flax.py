"""Flax, or what brings it."""

from ganfield._extras import need

need("flax", who="ganfield.networks")
