"""Networks for either player, written in Flax; the only place that imports it."""

from collections.abc import Callable

from ganfield.networks._mlp import MLP, mlp
from ganfield.networks._network import Network, from_linen, from_nnx

NETWORKS: dict[str, Callable[..., Network]] = {"mlp": mlp}
"""Name → builder; each takes the size of one input and of one output first."""

__all__ = ["MLP", "NETWORKS", "Network", "from_linen", "from_nnx", "mlp"]
