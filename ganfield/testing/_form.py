"""What a method's functions return, and what a step may not change."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ganfield._types import Players, PyTree


def guard(rule: str, where: str, function: Callable, *args: Any) -> Any:
    try:
        return function(*args)
    except Exception as error:  # A user's method may fail in any way.
        hint = (
            " Python's if, while, float() and NumPy cannot see traced values: use jnp.where, "
            "jax.lax.cond or jax.lax.while_loop"
            if isinstance(error, jax.errors.JAXTypeError | jax.errors.JAXIndexError)
            else ""
        )
        said = str(error).split("\n", 1)[0]
        raise ValueError(f"{rule}, {where}: it raised {type(error).__name__}: {said}.{hint}") from (
            error
        )


def check_state(state: Any, params: Players, source: str) -> None:
    if not (hasattr(state, "params") and hasattr(state, "_replace")):
        raise ValueError(
            f"{source} must give a state, gf.State(params, memory) or a NamedTuple of your own "
            f"with a field params, got {type(state).__name__}"
        )
    _check_like(state.params, params, f"{source}.params")


def check_result(result: Any, params: Players) -> None:
    if not (isinstance(result, tuple) and len(result) == 2):
        raise ValueError(
            "step(field, state, batch) must return a pair, gf.State(...) and gf.Info(direction), "
            f"got {type(result).__name__}"
        )
    after, info = result
    check_state(after, params, "step(field, state, batch)[0]")
    if not {"direction", "converged"} <= set(getattr(info, "_fields", ())):
        raise ValueError(
            "step(field, state, batch)[1] must be gf.Info(direction), or a NamedTuple of your own "
            f"with fields direction and converged, got {type(info).__name__}"
        )
    _check_like(info.direction, params, "the direction of step's Info")
    if _kind(info.converged) != "bool[]":
        raise ValueError(f"converged of step's Info must be one boolean, got {info.converged!r}")


def _check_like(tree: Any, params: Players, name: str) -> None:
    leaves, wanted = _describe(tree), _describe(params)
    structure: Any = jax.tree.structure(tree)
    expected: Any = jax.tree.structure(params)
    if structure != expected:
        raise ValueError(
            f"{name} must have the structure of params, {expected}, got {structure}. Map over both "
            "with jax.tree.map"
        )
    for path, (kind, _) in wanted.items():
        if leaves[path][0] != kind:
            raise ValueError(
                f"{name}{path} must have the shape and dtype of params, {kind}, got "
                f"{leaves[path][0]}. Make constants of jnp.result_type(leaf): Python's numbers "
                "adapt, arrays of another dtype do not"
            )


def _describe(tree: PyTree) -> dict[str, tuple[str, bool]]:
    """Return, for every leaf, what it is and whether that is a weak type."""
    shapes = jax.eval_shape(lambda: tree)
    return {
        jax.tree_util.keystr(path): (_kind(leaf), bool(leaf.weak_type))
        for path, leaf in jax.tree_util.tree_leaves_with_path(shapes)
    }


def _kind(leaf: Any) -> str:
    return f"{jnp.result_type(leaf)}[{','.join(map(str, jnp.shape(leaf)))}]"


def check_kept(before: Any, after: Any) -> None:
    """Raise a ``ValueError`` if a second step would compile again, or a scan refuse the state."""
    was: Any = jax.tree.structure(before)
    structure: Any = jax.tree.structure(after)
    if structure != was:
        raise ValueError(
            f"a step must keep the state's structure: it was {was} before the step and "
            f"{structure} after it. Let init make all that step fills, with zeros"
        )
    known, now = _describe(before), _describe(after)
    for path, (kind, weak) in known.items():
        new_kind, new_weak = now[path]
        if new_kind != kind:
            raise ValueError(
                f"a step must keep shapes and dtypes: the state's leaf {path} was {kind} before "
                f"the step and {new_kind} after it, so a scan would refuse it. Make it in init "
                "what step makes of it, or cast it back; if it is below .memory, it may be the "
                "state of an optax transformation"
            )
        if weak != new_weak:
            names = {True: "weak", False: "strong"}
            raise ValueError(
                f"a step must keep types, weak ones too, or the second step compiles again: the "
                f"state's leaf {path} of {kind} was {names[weak]} before the step and "
                f"{names[new_weak]} after it. Give it a dtype of its own in init and in step, "
                "such as jnp.zeros((), x.dtype); a Python number has none"
            )
