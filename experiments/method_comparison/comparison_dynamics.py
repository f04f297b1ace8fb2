"""What is compared: each method with its field, and what a step costs."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax

import ganfield as gf

GAMMA = 1.0


class Dynamics(NamedTuple):
    """A way of playing.

    Attributes:
        build: ``build(v, optimizer_of, step_size) -> (method, field)``, where
            ``optimizer_of(step_size)`` is the optimizer that everybody gets.
        cost: evaluations of both players' gradients in a step, a product with J or Jᵀ counted as
            one, without inner solves and their residual checks.
        solve_cost: the same for one iteration of an inner solve.
        solves: how many inner solves a step has.
    """

    build: Callable[[gf.Field, Callable[[Any], Any], jax.Array], tuple[gf.Method, gf.Field]]
    cost: int
    solve_cost: int = 0
    solves: int = 0

    def cost_with(self, iterations: int) -> int:
        """Return what a step costs with so many iterations of an inner solve."""
        return self.cost + self.solves * self.solve_cost * iterations


def _method(name: str, **options: Any) -> Callable[..., tuple[gf.Method, gf.Field]]:
    """Return the builder of a registered method on v itself."""

    def build(v: gf.Field, optimizer_of: Any, step_size: Any) -> tuple[gf.Method, gf.Field]:
        return gf.METHODS[name](optimizer_of(step_size), **options), v

    return build


def _field(name: str, **options: Any) -> Callable[..., tuple[gf.Method, gf.Field]]:
    """Return the builder of simultaneous steps on a field made from v."""

    def build(v: gf.Field, optimizer_of: Any, step_size: Any) -> tuple[gf.Method, gf.Field]:
        return gf.simultaneous(optimizer_of(step_size)), gf.FIELDS[name](v, **options)

    return build


def _negative_momentum(
    v: gf.Field, optimizer_of: Any, step_size: Any
) -> tuple[gf.Method, gf.Field]:
    # On top of the optimizer, so that it means the same for sgd and for RMSProp.
    return gf.alternating(optax.chain(optimizer_of(step_size), optax.trace(decay=-0.5))), v


def _lookahead(v: gf.Field, optimizer_of: Any, step_size: Any) -> tuple[gf.Method, gf.Field]:
    return gf.lookahead(gf.simultaneous(optimizer_of(step_size)), num_steps=5), v


def _look_ahead(v: gf.Field, optimizer_of: Any, step_size: Any) -> tuple[gf.Method, gf.Field]:
    return gf.simultaneous(optimizer_of(step_size)), gf.look_ahead(v, step_size=step_size)


def dynamics(iterations: int) -> dict[str, Dynamics]:
    """Return name → what is compared; inner solves get so many iterations at most."""
    solver = {"max_iterations": iterations}
    return {
        "simultaneous": Dynamics(_method("simultaneous"), 1),
        "alternating": Dynamics(_method("alternating", fresh_batches=False), 1),
        "negative momentum": Dynamics(_negative_momentum, 1),
        "optimistic": Dynamics(_method("optimistic"), 1),
        "past extragradient": Dynamics(_method("past_extragradient"), 1),
        "lookahead": Dynamics(_lookahead, 1),
        "extragradient": Dynamics(_method("extragradient"), 2),
        "Runge–Kutta 2": Dynamics(_method("runge_kutta", order=2), 2),
        "Runge–Kutta 4": Dynamics(_method("runge_kutta", order=4), 4),
        "LEAD": Dynamics(_method("lead"), 3),
        "competitive": Dynamics(_method("competitive", **solver), 2, 1, 1),
        "proximal point": Dynamics(
            _method("proximal_point", max_newton_steps=3, **solver), 3, 1, 3
        ),
        "follow the ridge": Dynamics(_method("follow_the_ridge", **solver), 3, 1, 1),
        "consensus": Dynamics(_field("consensus", gamma=GAMMA), 2),
        "JARE": Dynamics(_field("jare", gamma=GAMMA), 3),
        "symplectic": Dynamics(_field("symplectic", strength=GAMMA), 3),
        "look-ahead": Dynamics(_look_ahead, 2),
        "−∇L": Dynamics(_field("conservative_relaxation"), 2),
    }
