"""Whole runs on real data: run directories, feeds, resume, several hosts."""

from ganfield.training import _orbax as _orbax  # First, for it says what brings Orbax.

# isort: split
from ganfield.training._processes import ProcessLostError as ProcessLostError
from ganfield.training._result import Progress as Progress
from ganfield.training._result import Record as Record
from ganfield.training._result import Result as Result
from ganfield.training._result import TrainingInterrupted as TrainingInterrupted
from ganfield.training._train import train as train
