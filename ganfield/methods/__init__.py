"""How parameters move along a field."""

# isort: off
# Each of these registers itself; lists show them in this order, the simplest first.
from ganfield.methods._simultaneous import simultaneous as simultaneous
from ganfield.methods._alternating import alternating as alternating
from ganfield.methods._negative_momentum import negative_momentum as negative_momentum
from ganfield.methods._extragradient import extragradient as extragradient
from ganfield.methods._past_extragradient import past_extragradient as past_extragradient
from ganfield.methods._optimistic import optimistic as optimistic
from ganfield.methods._runge_kutta import runge_kutta as runge_kutta
from ganfield.methods._lead import lead as lead
from ganfield.methods._competitive import competitive as competitive
from ganfield.methods._adaptive_competitive import adaptive_competitive as adaptive_competitive
from ganfield.methods._proximal_point import proximal_point as proximal_point
from ganfield.methods._follow_the_ridge import follow_the_ridge as follow_the_ridge
from ganfield.methods._decoupled_consensus import decoupled_consensus as decoupled_consensus
from ganfield.methods._lookahead import lookahead as lookahead
from ganfield.methods._averaging import averaged as averaged

# isort: on
from ganfield.methods._averaging import average_of as average_of
from ganfield.methods._base import METHODS as METHODS
from ganfield.methods._base import WRAPPERS as WRAPPERS
from ganfield.methods._base import Info as Info
from ganfield.methods._base import Method as Method
from ganfield.methods._base import Optimizer as Optimizer
from ganfield.methods._base import State as State
from ganfield.methods._base import check_is_method as check_is_method
from ganfield.methods._base import for_each_move as for_each_move
from ganfield.methods._keep_within import keep_within as keep_within
from ganfield.methods._periodic import PeriodicMemory as PeriodicMemory
from ganfield.methods._periodic import lazy as lazy
from ganfield.methods._periodic import periodic as periodic
from ganfield.methods._presets import numerics_rmsprop as numerics_rmsprop
