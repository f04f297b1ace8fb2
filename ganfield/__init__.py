"""ganfield: GAN training as motion along a vector field.

A game gives two losses; their joint gradient is a field; a field can be transformed into another; a
method moves parameters along a field; a simulation repeats the method; analysis and plots look on.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ganfield import data, errors, evaluation, games, reporting, testing
from ganfield._types import Batch, Field, Players
from ganfield.analysis import (
    KINDS,
    OUTCOMES,
    RUN_OUTCOMES,
    Approach,
    Basins,
    Classification,
    ConvergenceRate,
    Cycle,
    Equilibria,
    ObservedRate,
    SpectralRadius,
    StabilityDiagram,
    UpdateMap,
    approach,
    approximate_consensus_jacobian,
    basins,
    classify,
    convergence_rate,
    eigenvalues,
    find_equilibria,
    grid,
    largest_stable,
    max_step_size,
    mean_jacobian,
    observed_rate,
    planes,
    spectral_radius,
    stability_diagram,
    update_map,
)
from ganfield.field import (
    FIELDS,
    Helmholtz,
    RotationEstimate,
    alternating_drift,
    check_field,
    clipped,
    consensus,
    conservative_relaxation,
    estimate_rotation,
    helmholtz,
    jacobian,
    jare,
    jvp,
    look_ahead,
    scaled,
    simultaneous_drift,
    smoothed,
    symplectic,
    vector_field,
    vjp,
)
from ganfield.games import GAMES, OBJECTIVES, PENALTIES, Game
from ganfield.methods import (
    METHODS,
    WRAPPERS,
    Info,
    Method,
    State,
    adaptive_competitive,
    alternating,
    average_of,
    averaged,
    competitive,
    decoupled_consensus,
    extragradient,
    follow_the_ridge,
    keep_within,
    lead,
    lookahead,
    negative_momentum,
    numerics_rmsprop,
    optimistic,
    past_extragradient,
    proximal_point,
    runge_kutta,
    simultaneous,
)
from ganfield.simulate import (
    Interrupted,
    Run,
    Simulation,
    Sweep,
    data_mesh,
    data_parallel,
    progress_bar,
    replicated,
    simulate,
    simulation,
    spread,
    sweep,
    trajectories,
)

if TYPE_CHECKING:
    from ganfield import networks, training
    from ganfield import plotting as plot
    from ganfield.networks import NETWORKS

__version__ = "0.1.0"

# Loaded when first asked for, so that `import ganfield` loads neither Flax nor Matplotlib:
# name → (module, attribute or None for the module itself, the extra that brings what it needs).
_LAZY = {
    "networks": ("ganfield.networks", None, "networks"),
    "NETWORKS": ("ganfield.networks", "NETWORKS", "networks"),
    "plot": ("ganfield.plotting", None, "plot"),
    "training": ("ganfield.training", None, "images"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'ganfield' has no attribute {name!r}")
    module_name, attribute, extra = _LAZY[name]
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"ganfield.{name} needs {error.name}: pip install 'ganfield[{extra}]'"
        ) from error
    return module if attribute is None else getattr(module, attribute)


__all__ = [
    "FIELDS",
    "GAMES",
    "KINDS",
    "METHODS",
    "NETWORKS",
    "OBJECTIVES",
    "OUTCOMES",
    "PENALTIES",
    "RUN_OUTCOMES",
    "WRAPPERS",
    "Approach",
    "Basins",
    "Batch",
    "Classification",
    "ConvergenceRate",
    "Cycle",
    "Equilibria",
    "Field",
    "Game",
    "Helmholtz",
    "Info",
    "Interrupted",
    "Method",
    "ObservedRate",
    "Players",
    "RotationEstimate",
    "Run",
    "Simulation",
    "SpectralRadius",
    "StabilityDiagram",
    "State",
    "Sweep",
    "UpdateMap",
    "adaptive_competitive",
    "alternating",
    "alternating_drift",
    "approach",
    "approximate_consensus_jacobian",
    "average_of",
    "averaged",
    "basins",
    "check_field",
    "classify",
    "clipped",
    "competitive",
    "consensus",
    "conservative_relaxation",
    "convergence_rate",
    "data",
    "data_mesh",
    "data_parallel",
    "decoupled_consensus",
    "eigenvalues",
    "errors",
    "estimate_rotation",
    "evaluation",
    "extragradient",
    "find_equilibria",
    "follow_the_ridge",
    "games",
    "grid",
    "helmholtz",
    "jacobian",
    "jare",
    "jvp",
    "keep_within",
    "largest_stable",
    "lead",
    "look_ahead",
    "lookahead",
    "max_step_size",
    "mean_jacobian",
    "negative_momentum",
    "networks",
    "numerics_rmsprop",
    "observed_rate",
    "optimistic",
    "past_extragradient",
    "planes",
    "plot",
    "progress_bar",
    "proximal_point",
    "replicated",
    "reporting",
    "runge_kutta",
    "scaled",
    "simulate",
    "simulation",
    "simultaneous",
    "simultaneous_drift",
    "smoothed",
    "spectral_radius",
    "spread",
    "stability_diagram",
    "sweep",
    "symplectic",
    "testing",
    "training",
    "trajectories",
    "update_map",
    "vector_field",
    "vjp",
]
