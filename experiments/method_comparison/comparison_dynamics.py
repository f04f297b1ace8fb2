"""What is compared: each method, wrapper and field of the library, by its registered name."""

from collections.abc import Callable
from typing import Any, TypeAlias

import optax

import ganfield as gf
from ganfield.methods import for_each_move

GAMMA = 1.0
"""γ and λ, of every field and method that has one."""

OptimizerOf: TypeAlias = Callable[[Any], optax.GradientTransformation]

Dynamics: TypeAlias = Callable[[gf.Game, OptimizerOf, Any], tuple[gf.Method, gf.Field]]
"""``dynamics(game, optimizer_of, step_size) -> (method, field)``.

``optimizer_of(step_size)`` is the optimizer that everybody gets.
"""

UNPREDICTED = frozenset({"average", "moving average", "competitive, adaptive"})
"""Those whose rate the update map does not say.

The weights of an average change from step to step. Second moments are 0 at an equilibrium, and on
the way there the step grows as they fall.
"""


def dynamics(iterations: int) -> dict[str, Dynamics]:
    """Return name → what is compared; inner solves get so many iterations at most."""
    solver = {"max_iterations": iterations}
    newton = {"max_newton_steps": 3, **solver}
    alternating = _on("alternating")
    return {
        "simultaneous": _on("simultaneous"),
        "alternating": alternating,
        "negative momentum": _on("negative_momentum"),
        "negative momentum, simultaneous": _on("negative_momentum", alternate=False),
        "optimistic": _on("optimistic"),
        "past extragradient": _on("past_extragradient"),
        "extragradient": _on("extragradient"),
        "Runge–Kutta 2": _on("runge_kutta", order=2),
        "Runge–Kutta 4": _on("runge_kutta", order=4),
        "LEAD": _on("lead"),
        "LEAD, preconditioned": _on("lead", preconditioned=True),
        "competitive": _on("competitive", **solver),
        "competitive, adaptive": _adaptive_competitive(**solver),
        "proximal point": _on("proximal_point", **newton),
        "follow the ridge": _on("follow_the_ridge", **solver),
        "lookahead": _wrapped("lookahead", _on("simultaneous"), num_steps=5),
        "average": _averaged(alternating, decay=None),
        "moving average": _averaged(alternating, decay=0.99),
        "consensus": _along("consensus", gamma=GAMMA),
        "consensus, decoupled": _decoupled_consensus,
        "JARE": _along("jare", gamma=GAMMA),
        "smoothed": _along("smoothed", gamma=GAMMA),
        "symplectic": _along("symplectic", strength=GAMMA),
        "linearized competitive": _along("linearized_competitive", step_size=None),
        "−∇L": _along("conservative_relaxation"),
        "scaled": _along("scaled", theta=0.25),
        "clipped": _along("clipped", max_norm=1.0),
        "drift": _along("simultaneous_drift", step_size=None),
        "alternating drift": _along("alternating_drift", step_size=None),
        "unrolled": _unrolled,
    }


def _on(name: str, **options: Any) -> Dynamics:
    """Return a registered method on v itself."""

    def build(game: gf.Game, optimizer_of: OptimizerOf, step_size: Any) -> Any:
        field = gf.TRANSFORMS["identity"](gf.vector_field(game))
        return _same_batch(gf.METHODS[name](optimizer_of(step_size), **options)), field

    return build


def _same_batch(method: gf.Method) -> gf.Method:
    """Return the method with one batch for all moves of a step, so that all see the same data."""

    def step(field: gf.Field, state: gf.State, batch: Any) -> tuple[gf.State, gf.Info]:
        return method.step(field, state, for_each_move(method, batch))

    return method._replace(step=step, num_batches=1)


def _along(name: str, **options: Any) -> Dynamics:
    """Return simultaneous steps on a registered field; an option None is the step size."""

    def build(game: gf.Game, optimizer_of: OptimizerOf, step_size: Any) -> Any:
        given = {key: step_size if value is None else value for key, value in options.items()}
        field = gf.TRANSFORMS[name](gf.vector_field(game), **given)
        return gf.METHODS["simultaneous"](optimizer_of(step_size)), field

    return build


def _wrapped(name: str, inner: Dynamics, **options: Any) -> Dynamics:
    """Return a registered wrapper of a method."""

    def build(game: gf.Game, optimizer_of: OptimizerOf, step_size: Any) -> Any:
        method, field = inner(game, optimizer_of, step_size)
        return gf.WRAPPERS[name](method, **options), field

    return build


def _averaged(inner: Dynamics, decay: float | None) -> Dynamics:
    """Return a method judged by its average: that is what its state shows as parameters."""

    def build(game: gf.Game, optimizer_of: OptimizerOf, step_size: Any) -> Any:
        method, field = _wrapped("averaged", inner, decay=decay)(game, optimizer_of, step_size)

        def shown(state: gf.State) -> gf.State:
            return gf.State(gf.methods.average_of(state), state)

        def step(field: gf.Field, state: gf.State, batch: Any) -> tuple[gf.State, gf.Info]:
            after, info = method.step(field, state.memory, batch)
            return shown(after), info

        return method._replace(init=lambda params: shown(method.init(params)), step=step), field

    return build


def _adaptive_competitive(**options: Any) -> Dynamics:
    """Return ACGD on plain steps: it brings second moments of its own."""

    def build(game: gf.Game, optimizer_of: OptimizerOf, step_size: Any) -> Any:
        del optimizer_of
        return _on("adaptive_competitive", **options)(game, optax.sgd, step_size)

    return build


def _decoupled_consensus(game: gf.Game, optimizer_of: OptimizerOf, step_size: Any) -> Any:
    # With sgd a step of consensus with the same γ.
    return _on("decoupled_consensus", strength=GAMMA * step_size)(game, optimizer_of, step_size)


def _unrolled(game: gf.Game, optimizer_of: OptimizerOf, step_size: Any) -> Any:
    unrolled = gf.games.unrolled(game, num_steps=5, step_size=0.1)
    return _on("simultaneous")(unrolled, optimizer_of, step_size)
