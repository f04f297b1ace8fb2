"""From text to settings, at the door; and from settings to objects, in one place.

A setting is checked where it enters and goes down once; what comes up is a game, a field, a method,
networks and data. The command line, training and experiments share it.
"""

from ganfield.configuration._build import Built as Built
from ganfield.configuration._build import batch_sizes as batch_sizes
from ganfield.configuration._build import build as build
from ganfield.configuration._build import looks_at_data as looks_at_data
from ganfield.configuration._config import Config as Config
from ganfield.configuration._config import DataConfig as DataConfig
from ganfield.configuration._config import GameConfig as GameConfig
from ganfield.configuration._config import MethodConfig as MethodConfig
from ganfield.configuration._config import NetworkConfig as NetworkConfig
from ganfield.configuration._data import DATA as DATA
from ganfield.configuration._data import fingerprint as fingerprint
from ganfield.configuration._data import load_data as load_data
from ganfield.configuration._keys import keys_of as keys_of
from ganfield.configuration._keys import random_keys as random_keys
from ganfield.configuration._objects import OPTIMIZERS as OPTIMIZERS
from ganfield.configuration._objects import make_method as make_method
from ganfield.configuration._objects import make_optimizers as make_optimizers
from ganfield.configuration._objects import make_transform as make_transform
from ganfield.configuration._options import arguments as arguments
from ganfield.configuration._options import keywords as keywords
from ganfield.configuration._presets import PRESETS as PRESETS
from ganfield.configuration._presets import preset as preset
from ganfield.configuration._stop import StopRule as StopRule
from ganfield.configuration._stop import stop_rule as stop_rule
from ganfield.configuration._text import guess as guess
from ganfield.configuration._text import parse_settings as parse_settings
