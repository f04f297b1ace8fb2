"""Where motion leads: equilibria and their classes, basins, cycles, planes."""

from ganfield.dynamics import planes as planes
from ganfield.dynamics._basins import Basins as Basins
from ganfield.dynamics._basins import basins as basins
from ganfield.dynamics._branches import branches as branches
from ganfield.dynamics._branches_results import Branch as Branch
from ganfield.dynamics._branches_results import Branches as Branches
from ganfield.dynamics._branches_windows import Window as Window
from ganfield.dynamics._branches_windows import stable_windows as stable_windows
from ganfield.dynamics._classify import KINDS as KINDS
from ganfield.dynamics._classify import Classification as Classification
from ganfield.dynamics._classify import classify as classify
from ganfield.dynamics._cycles import Cycle as Cycle
from ganfield.dynamics._equilibria import Equilibria as Equilibria
from ganfield.dynamics._equilibria import find_equilibria as find_equilibria
from ganfield.dynamics._events import EVENTS as EVENTS
from ganfield.dynamics._events import Event as Event
from ganfield.dynamics._grid import grid as grid
from ganfield.dynamics._limit_cycle import limit_cycle as limit_cycle
from ganfield.dynamics._limit_cycle_result import LimitCycle as LimitCycle
from ganfield.dynamics._normal_forms import NormalForm as NormalForm
