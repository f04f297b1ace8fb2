"""Scores of what a generator makes."""

from ganfield.evaluation._modes import ModeCoverage, mode_coverage

__all__ = ["ModeCoverage", "mode_coverage"]
