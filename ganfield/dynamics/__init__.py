"""Where motion leads: equilibria and their classes, basins, cycles, planes."""

from ganfield.dynamics import planes as planes
from ganfield.dynamics._basins import Basins as Basins
from ganfield.dynamics._basins import basins as basins
from ganfield.dynamics._classify import KINDS as KINDS
from ganfield.dynamics._classify import Classification as Classification
from ganfield.dynamics._classify import classify as classify
from ganfield.dynamics._cycles import Cycle as Cycle
from ganfield.dynamics._equilibria import Equilibria as Equilibria
from ganfield.dynamics._equilibria import find_equilibria as find_equilibria
from ganfield.dynamics._grid import grid as grid
from ganfield.dynamics._limit_cycle import limit_cycle as limit_cycle
from ganfield.dynamics._limit_cycle_result import LimitCycle as LimitCycle
