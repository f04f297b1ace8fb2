"""Matplotlib, or what brings it."""

from ganfield._extras import need

need("matplotlib", who="ganfield.plot")
