"""Many runs: axes with names, pieces, the folder of a sweep, and pieces on other machines."""

from ganfield.sweeps._result import Sweep as Sweep
from ganfield.sweeps._result import SweepInterrupted as SweepInterrupted
from ganfield.sweeps._sweep import sweep as sweep
