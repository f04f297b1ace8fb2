"""ganfield: GAN training as motion along a vector field.

A game gives two losses; their joint gradient is a field; a field can be transformed into another; a
method moves parameters along a field; a simulation repeats the method; analysis and plots look on.

At the top are the words that all share, the registries, the fields and methods that papers name,
and what one does with them. Games, data, results and what is rarely used are in their modules.
"""

from ganfield import program as program  # First, for it guards the imports that follow.

# isort: split
import importlib as _importlib
import typing as _typing

from ganfield import checks as checks
from ganfield import configuration as configuration
from ganfield import data as data
from ganfield import dynamics as dynamics
from ganfield import evaluation as evaluation
from ganfield import field as field
from ganfield import games as games
from ganfield import methods as methods
from ganfield import reporting as reporting
from ganfield import spectra as spectra
from ganfield import stability as stability
from ganfield import sweeps as sweeps
from ganfield import testing as testing
from ganfield._types import Batch as Batch
from ganfield._types import Field as Field
from ganfield._types import Players as Players
from ganfield.dynamics import basins as basins
from ganfield.dynamics import branches as branches
from ganfield.dynamics import classify as classify
from ganfield.dynamics import find_equilibria as find_equilibria
from ganfield.dynamics import grid as grid
from ganfield.dynamics import limit_cycle as limit_cycle
from ganfield.dynamics import planes as planes
from ganfield.dynamics import stable_windows as stable_windows
from ganfield.field import TRANSFORMS as TRANSFORMS
from ganfield.field import clipped as clipped
from ganfield.field import consensus as consensus
from ganfield.field import conservative_relaxation as conservative_relaxation
from ganfield.field import jacobian as jacobian
from ganfield.field import jare as jare
from ganfield.field import jvp as jvp
from ganfield.field import linearized_competitive as linearized_competitive
from ganfield.field import scaled as scaled
from ganfield.field import smoothed as smoothed
from ganfield.field import symplectic as symplectic
from ganfield.field import vector_field as vector_field
from ganfield.field import vjp as vjp
from ganfield.games import GAMES as GAMES
from ganfield.games import OBJECTIVES as OBJECTIVES
from ganfield.games import PENALTIES as PENALTIES
from ganfield.games import Game as Game
from ganfield.methods import METHODS as METHODS
from ganfield.methods import WRAPPERS as WRAPPERS
from ganfield.methods import Info as Info
from ganfield.methods import Method as Method
from ganfield.methods import State as State
from ganfield.methods import alternating as alternating
from ganfield.methods import averaged as averaged
from ganfield.methods import competitive as competitive
from ganfield.methods import extragradient as extragradient
from ganfield.methods import follow_the_ridge as follow_the_ridge
from ganfield.methods import keep_within as keep_within
from ganfield.methods import lazy as lazy
from ganfield.methods import lead as lead
from ganfield.methods import lookahead as lookahead
from ganfield.methods import negative_momentum as negative_momentum
from ganfield.methods import numerics_rmsprop as numerics_rmsprop
from ganfield.methods import optimistic as optimistic
from ganfield.methods import past_extragradient as past_extragradient
from ganfield.methods import periodic as periodic
from ganfield.methods import proximal_point as proximal_point
from ganfield.methods import runge_kutta as runge_kutta
from ganfield.methods import simultaneous as simultaneous
from ganfield.simulate import Run as Run
from ganfield.simulate import Simulation as Simulation
from ganfield.simulate import progress_bar as progress_bar
from ganfield.simulate import sharding as sharding
from ganfield.simulate import simulate as simulate
from ganfield.simulate import simulation as simulation
from ganfield.simulate import trajectories as trajectories
from ganfield.spectra import convergence_rate as convergence_rate
from ganfield.spectra import eigenvalues as eigenvalues
from ganfield.spectra import jacobian_blocks as jacobian_blocks
from ganfield.spectra import krylov_eigenvalues as krylov_eigenvalues
from ganfield.spectra import max_step_size as max_step_size
from ganfield.spectra import path_diagnostics as path_diagnostics
from ganfield.spectra import spectral_density as spectral_density
from ganfield.spectra import spectral_radius as spectral_radius
from ganfield.spectra import update_map as update_map
from ganfield.stability import duality_gap as duality_gap
from ganfield.stability import largest_stable as largest_stable
from ganfield.stability import mean_square_radius as mean_square_radius
from ganfield.stability import noise_floor as noise_floor
from ganfield.stability import stability_diagram as stability_diagram
from ganfield.stability import verdict as verdict
from ganfield.sweeps import Sweep as Sweep
from ganfield.sweeps import SweepInterrupted as SweepInterrupted
from ganfield.sweeps import sweep as sweep

if _typing.TYPE_CHECKING:
    import ganfield.plotting
    from ganfield import export as export
    from ganfield import networks as networks
    from ganfield import runs as runs
    from ganfield import training as training
    from ganfield.export import explore as explore
    from ganfield.networks import NETWORKS as NETWORKS

    plot = ganfield.plotting

__version__ = "0.1.0"

# Loaded when first asked for, so that `import ganfield` loads neither Flax nor Matplotlib:
# name → (module, attribute or None for the module itself, the extra that brings what it needs).
_LAZY = {
    "export": ("ganfield.export", None, "cli"),
    "networks": ("ganfield.networks", None, "networks"),
    "NETWORKS": ("ganfield.networks", "NETWORKS", "networks"),
    "plot": ("ganfield.plotting", None, "plot"),
    "runs": ("ganfield.runs", None, "images"),
    "training": ("ganfield.training", None, "images"),
    "explore": ("ganfield.export", "explore", "cli"),
}


def __getattr__(name: str) -> _typing.Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'ganfield' has no attribute {name!r}")
    module_name, attribute, extra = _LAZY[name]
    try:
        module = _importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"ganfield.{name} needs {error.name}: pip install 'ganfield[{extra}]'"
        ) from error
    return module if attribute is None else getattr(module, attribute)


def __dir__() -> list[str]:
    return sorted({name for name in globals() if not name.startswith("_")} | set(_LAZY))
