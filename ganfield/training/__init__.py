"""Whole runs on real data: configuration, presets, run directories, checkpoints, resume."""

from ganfield.training._build import OPTIMIZERS as OPTIMIZERS
from ganfield.training._build import Built as Built
from ganfield.training._build import build as build
from ganfield.training._config import Config as Config
from ganfield.training._config import DataConfig as DataConfig
from ganfield.training._config import GameConfig as GameConfig
from ganfield.training._config import MethodConfig as MethodConfig
from ganfield.training._config import NetworkConfig as NetworkConfig
from ganfield.training._data import DATA as DATA
from ganfield.training._data import load_data as load_data
from ganfield.training._loop import train as train
from ganfield.training._presets import PRESETS as PRESETS
from ganfield.training._presets import preset as preset
from ganfield.training._result import Progress as Progress
from ganfield.training._result import Result as Result
from ganfield.training._result import TrainingInterrupted as TrainingInterrupted
from ganfield.training._run_directory import is_run as is_run
from ganfield.training._run_directory import read_config as read_config
from ganfield.training._settings import parse_settings as parse_settings
