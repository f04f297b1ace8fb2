"""What holds near an equilibrium: rates predicted and measured, largest stable steps."""

from ganfield.stability._duality_gap import Copies as Copies
from ganfield.stability._duality_gap import DualityGap as DualityGap
from ganfield.stability._duality_gap import alone as alone
from ganfield.stability._duality_gap import copies_of as copies_of
from ganfield.stability._duality_gap import duality_gap as duality_gap
from ganfield.stability._duality_gap import gains_of as gains_of
from ganfield.stability._floor import NoiseFloor as NoiseFloor
from ganfield.stability._largest_stable import largest_stable as largest_stable
from ganfield.stability._mean_square import mean_square_radius as mean_square_radius
from ganfield.stability._motion import Motion as Motion
from ganfield.stability._noise_floor import noise_floor as noise_floor
from ganfield.stability._observed import Approach as Approach
from ganfield.stability._observed import ObservedRate as ObservedRate
from ganfield.stability._observed import approach as approach
from ganfield.stability._observed import observed_rate as observed_rate
from ganfield.stability._outcomes import CONVERGED as CONVERGED
from ganfield.stability._outcomes import CYCLING as CYCLING
from ganfield.stability._outcomes import DIVERGED as DIVERGED
from ganfield.stability._outcomes import OUTCOMES as OUTCOMES
from ganfield.stability._outcomes import UNDECIDED as UNDECIDED
from ganfield.stability._outcomes import Judged as Judged
from ganfield.stability._stability_diagram import StabilityDiagram as StabilityDiagram
from ganfield.stability._stability_diagram import stability_diagram as stability_diagram
from ganfield.stability._verdict import VERDICTS as VERDICTS
from ganfield.stability._verdict import Verdict as Verdict
from ganfield.stability._verdict import verdict as verdict
