"""Programs that are compiled once, by what they compute and not by the function that says it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._memory import check_program
from ganfield._numbers import evaluate, numbers_of

_MOST = 64  # programs that are kept
_programs: OrderedDict[Any, Any] = OrderedDict()


def compiled(function: Callable[..., Any], *args: Any, name: str) -> Callable[..., Any]:
    """Return a function compiled for such arguments, the kept program where it computes the same.

    ``jax.jit`` knows a function by its identity, so that one that reads a global, or the object
    whose method it is, goes on with the value that it read when it was traced. Here the function is
    traced every time, which may be called anything, hashable or not, and the program that comes of
    it decides whether it is compiled. Arrays and floats that it reads from outside are arguments of
    the program (`ganfield._numbers`), so that closures that differ in those share one.

    Args:
        function: a pure function of arrays.
        args: arguments of the shapes, dtypes and placement that it is to be called with.
        name: what the program is called where JAX logs what it compiles.

    Returns:
        The compiled function. Where it is being differentiated, batched or traced already, where
        it reads what is, or where JAX compiles nothing, it is the function itself.

    Raises:
        ValueError: the machine has not the memory that the program takes.

    Example:
        >>> import jax.numpy as jnp
        >>> scale = 2.0
        >>> def scaled(x):
        ...     return scale * x
        >>> float(compiled(scaled, jnp.ones(()), name="scaled")(jnp.ones(())))
        2.0
        >>> scale = 3.0
        >>> float(compiled(scaled, jnp.ones(()), name="scaled")(jnp.ones(())))
        3.0
    """
    config: Any = jax.config  # whose flags are no attributes to a type checker
    if config.jax_disable_jit:  # Somebody looks for a fault, step by step.
        return function
    if is_tracing():  # It is a part of another program.
        return function

    def fresh(*args: Any) -> Any:
        return function(*args)

    fresh.__name__ = name
    if config.jax_debug_nans or config.jax_debug_infs:  # jit says where it comes from
        return jax.jit(fresh)
    leaves = jax.tree.leaves(args)
    if _are_traced(leaves):
        return function
    traced, shapes = jax.make_jaxpr(fresh, return_shape=True)(*args)
    constants = list(traced.consts)
    if _are_traced(constants):
        return function

    literals: list[Any] = numbers_of(traced.jaxpr)  # whose shapes no type checker knows
    kinds = [
        jax.ShapeDtypeStruct((), each.aval.dtype, weak_type=each.aval.weak_type)
        for each in literals
    ]
    numbers = [np.asarray(each.val, each.aval.dtype) for each in literals]

    def run(constants: list[Any], numbers: list[Any], leaves: list[Any]) -> list[Any]:
        in_place = {id(each): number for each, number in zip(literals, numbers, strict=True)}
        return evaluate(traced.jaxpr, constants, leaves, in_place)

    run.__name__ = name
    staged = jax.jit(run).trace(constants, kinds, leaves)
    lowered = staged.lower()
    # An argument that is not used is not in the program, and another one's may be the same: which
    # it is, the jaxpr says. (JAX 0.12 never frees a program that is to keep unused arguments.)
    program = f"{lowered.as_text()}\n{staged.jaxpr}"
    if "callback" in program:  # whose function is not in the text
        whole = lowered.compile()
        check_program(_taken_by(whole), name)
    else:
        arrays = (*constants, *leaves)
        places = tuple(leaf.sharding for leaf in arrays if isinstance(leaf, jax.Array))
        key = (sha256(program.encode()).digest(), places, config.jax_default_device)
        if key not in _programs:
            _programs[key] = lowered.compile()
        _programs.move_to_end(key)
        while len(_programs) > _MOST:
            _programs.popitem(last=False)
        whole = _programs[key]
        check_program(_taken_by(whole), name)
    # What goes in and comes out may differ where the arrays are the same.
    out = jax.tree.structure(shapes)

    def call(*args: Any) -> Any:
        leaves = jax.tree.leaves(args)
        return jax.tree.unflatten(out, whole(constants, numbers, leaves))

    return call


def _taken_by(program: Any) -> int:
    """Return the bytes that a compiled program takes beside its arguments, 0 where unknown."""
    sizes = program.memory_analysis()
    return sizes.temp_size_in_bytes + sizes.output_size_in_bytes if sizes else 0


def is_tracing() -> bool:
    """Return whether a function is being traced, as by ``jax.jit``: what is computed is not known.

    Example:
        >>> is_tracing(), jax.eval_shape(lambda: jnp.zeros(3 if is_tracing() else 2)).shape
        (False, (3,))
    """
    return isinstance(jnp.zeros(()), jax.core.Tracer)


def _are_traced(arrays: list[Any]) -> bool:
    return any(isinstance(array, jax.core.Tracer) for array in arrays)
