"""Loops over the steps of a method; no mathematics."""

from ganfield.simulate._progress import progress_bar
from ganfield.simulate._scan import Run, simulate
from ganfield.simulate._sharding import data_mesh, data_parallel, replicated, spread
from ganfield.simulate._simulation import Carry, Record, Simulation, simulation, step_batch
from ganfield.simulate._sweep import Interrupted, Sweep, sweep
from ganfield.simulate._trajectories import trajectories

__all__ = [
    "Carry",
    "Interrupted",
    "Record",
    "Run",
    "Simulation",
    "Sweep",
    "data_mesh",
    "data_parallel",
    "progress_bar",
    "replicated",
    "simulate",
    "simulation",
    "spread",
    "step_batch",
    "sweep",
    "trajectories",
]
