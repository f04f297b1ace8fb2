"""Loops over the steps of a method; no mathematics."""

from ganfield.simulate._progress import progress_bar
from ganfield.simulate._scan import Run, simulate
from ganfield.simulate._simulation import Carry, Record, Simulation, simulation
from ganfield.simulate._sweep import Interrupted, Sweep, sweep
from ganfield.simulate._trajectories import trajectories

__all__ = [
    "Carry",
    "Interrupted",
    "Record",
    "Run",
    "Simulation",
    "Sweep",
    "progress_bar",
    "simulate",
    "simulation",
    "sweep",
    "trajectories",
]
