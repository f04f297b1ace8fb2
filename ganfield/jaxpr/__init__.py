"""One walk over a traced program, into which a meaning of JAX's primitives is plugged."""

from ganfield.jaxpr._refuse import RefusedError as RefusedError
from ganfield.jaxpr._refuse import refuse as refuse
from ganfield.jaxpr._walk import STRUCTURES as STRUCTURES
from ganfield.jaxpr._walk import Meaning as Meaning
from ganfield.jaxpr._walk import walk as walk
