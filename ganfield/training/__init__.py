"""Whole runs on real data: configuration, presets, run directories, checkpoints, resume."""
