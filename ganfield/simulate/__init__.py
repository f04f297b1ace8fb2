"""Loops over the steps of a method; no mathematics."""

from ganfield.simulate._progress import progress_bar as progress_bar
from ganfield.simulate._scan import Run as Run
from ganfield.simulate._scan import failures as failures
from ganfield.simulate._scan import record_steps as record_steps
from ganfield.simulate._scan import simulate as simulate
from ganfield.simulate._simulation import Carry as Carry
from ganfield.simulate._simulation import Record as Record
from ganfield.simulate._simulation import Simulation as Simulation
from ganfield.simulate._simulation import simulation as simulation
from ganfield.simulate._simulation import step_batch as step_batch
from ganfield.simulate._standing import Standing as Standing
from ganfield.simulate._standing import stand as stand
from ganfield.simulate._standing import take_step as take_step
from ganfield.simulate._trajectories import paths as paths
from ganfield.simulate._trajectories import trajectories as trajectories
