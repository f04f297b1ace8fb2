"""Whole runs on real data: configuration, presets, run directories, checkpoints, resume."""

from ganfield.training._build import OPTIMIZERS, Built, build
from ganfield.training._classifier import CLASSIFIER_PRESETS, train_classifier
from ganfield.training._config import (
    Config,
    DataConfig,
    GameConfig,
    MethodConfig,
    NetworkConfig,
)
from ganfield.training._data import DATA, load_data
from ganfield.training._loop import train
from ganfield.training._presets import PRESETS, preset
from ganfield.training._result import Interrupted, Progress, Result
from ganfield.training._run_directory import is_run, read_config
from ganfield.training._settings import parse_settings

__all__ = [
    "CLASSIFIER_PRESETS",
    "DATA",
    "OPTIMIZERS",
    "PRESETS",
    "Built",
    "Config",
    "DataConfig",
    "GameConfig",
    "Interrupted",
    "MethodConfig",
    "NetworkConfig",
    "Progress",
    "Result",
    "build",
    "is_run",
    "load_data",
    "parse_settings",
    "preset",
    "read_config",
    "train",
    "train_classifier",
]
