"""Checks of arguments, made before anything is compiled, and the words of their errors."""

import difflib
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import Players

T = TypeVar("T")


def lookup(registry: Mapping[str, T], name: str, *, argument: str) -> T:
    """Return ``registry[name]``, or raise an error that suggests what may have been meant.

    Args:
        registry: name → builder.
        name: the name asked for.
        argument: what the name was given for, as the caller calls it ("objective").

    Raises:
        ValueError: the name is not registered.

    Example:
        >>> lookup({"standard": 1, "js": 2}, "standrad", argument="objective")
        Traceback (most recent call last):
        ...
        ValueError: unknown objective 'standrad': did you mean 'standard'? Known: js, standard
    """
    if isinstance(name, str) and name in registry:  # What cannot be hashed is no name.
        return registry[name]
    raise ValueError(unknown(registry, name, argument=argument))


def unknown(registry: Iterable[str], name: str, *, argument: str) -> str:
    """Return what `lookup` says of a name that is not there."""
    close = difflib.get_close_matches(str(name), list(registry), n=3, cutoff=0.5)
    # Letters that only changed places are the likeliest mistake.
    close.sort(key=lambda known: sorted(known) != sorted(str(name)))
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown {argument} {name!r}: {hint}Known: {', '.join(sorted(registry))}"


def concrete(value: Any) -> np.ndarray | None:
    """Return the value as a NumPy array, or None where it is traced and so not known yet."""
    try:
        return np.asarray(value)
    except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError):
        return None


def check_number(
    value: Any,
    *,
    argument: str,
    wanted: str = "a number",
    allows: Callable[[np.ndarray], Any] = np.isfinite,
) -> None:
    """Raise a ``ValueError`` unless the value is one real number, and an allowed one.

    `Players`, a tree or an array of numbers where one belongs would be read as numbers for parts of
    the parameters. Whether it is one number is known of traced values too; which one it is, is not,
    and then it passes.

    Args:
        value: a Python number, or an array of shape ``()``, of NumPy or JAX, traced or not.
        argument: what the caller calls it.
        wanted: what it must be, in words.
        allows: whether a number is allowed.

    Example:
        >>> from ganfield import Players
        >>> check_number(Players(0.0, 1.0), argument="momentum")
        Traceback (most recent call last):
        ...
        ValueError: momentum must be a number, got Players(theta=0.0, phi=1.0)
    """
    if isinstance(value, int | float):
        is_number = not isinstance(value, bool)
    else:
        dtype = getattr(value, "dtype", None)
        is_number = dtype is not None and np.shape(value) == () and _is_real(dtype)
    known = concrete(value) if is_number else None
    if not is_number or (known is not None and not allows(known)):
        raise ValueError(f"{argument} must be {wanted}, got {value!r}")


def check_not_negative(value: Any, *, argument: str) -> None:
    """Raise a ``ValueError`` unless the value is one number ≥ 0, as `check_number` does.

    Example:
        >>> check_not_negative(-1.0, argument="gamma")
        Traceback (most recent call last):
        ...
        ValueError: gamma must be a number ≥ 0, got -1.0
    """
    check_number(value, argument=argument, wanted="a number ≥ 0", allows=lambda known: known >= 0)


def check_above_zero(value: Any, *, argument: str, purpose: str = "") -> None:
    """Raise a ``ValueError`` unless the value is one number > 0, as `check_number` does.

    Where it must be known, so may not be traced, `check_positive` gives it back.

    Example:
        >>> check_above_zero(-1.0, argument="width")
        Traceback (most recent call last):
        ...
        ValueError: width must be a number > 0, got -1.0
    """
    wanted = f"a number > 0{purpose}"
    check_number(value, argument=argument, wanted=wanted, allows=lambda known: known > 0)


def check_array(value: Any, *, argument: str) -> None:
    """Raise a ``ValueError`` for `Players` where an array belongs, which would be read as one.

    Example:
        >>> from ganfield import Players
        >>> check_array(Players(0.0, 1.0), argument="mean")
        Traceback (most recent call last):
        ...
        ValueError: mean must be a number or an array, got Players(theta=0.0, phi=1.0)
    """
    if isinstance(value, Players):
        raise ValueError(f"{argument} must be a number or an array, got {value!r}")


def _is_real(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jnp.floating) or jnp.issubdtype(dtype, jnp.integer)


def as_params(params: Any) -> Players:
    """Return `Players` with whole numbers, such as are typed by hand, as floats.

    Raises:
        ValueError: they are no `Players`, or hold other numbers than real ones.

    Example:
        >>> as_params(Players(1, 0.5))
        Players(theta=Array(1., dtype=float32...), phi=0.5)
        >>> as_params((1.0, 0.5))
        Traceback (most recent call last):
        ...
        ValueError: params must be gf.Players(theta, phi), got tuple
    """
    if not isinstance(params, Players):
        raise ValueError(f"params must be gf.Players(theta, phi), got {type(params).__name__}")
    return as_floats(params)


def as_floats(params: Any) -> Any:
    """Return a pytree of parameters with whole numbers as floats.

    JAX's gradient of a real loss in a complex number is the conjugate of the way up, and J is not
    complex-linear: steps along v would run away.

    Raises:
        ValueError: there are other numbers than real ones.

    Example:
        >>> as_floats({"weight": 1 + 2j})
        Traceback (most recent call last):
        ...
        ValueError: params['weight'] must hold real floating-point numbers, got complex64: give the
        real and the imaginary part as two arrays, and make the complex number of them in the loss
    """

    def as_float(path: Any, leaf: Any) -> Any:
        dtype = jnp.result_type(leaf)
        if jnp.issubdtype(dtype, jnp.floating):
            return leaf
        if jnp.issubdtype(dtype, jnp.integer):
            if isinstance(leaf, jax.ShapeDtypeStruct):
                return jax.ShapeDtypeStruct(leaf.shape, jnp.result_type(float))
            return jnp.asarray(leaf, float)
        hint = ""
        if jnp.issubdtype(dtype, jnp.complexfloating):
            hint = (
                ": give the real and the imaginary part as two arrays, and make the complex number "
                "of them in the loss"
            )
        raise ValueError(
            f"params{jax.tree_util.keystr(path)} must hold real floating-point numbers, got "
            f"{dtype}{hint}"
        )

    return jax.tree_util.tree_map_with_path(as_float, params)


def check_real(tree: Any, *, argument: str) -> None:
    """Raise a ``ValueError`` if a pytree holds complex numbers, whose imaginary parts were lost.

    Example:
        >>> check_real({"real": np.ones(2) * 1j}, argument="batch")
        Traceback (most recent call last):
        ...
        ValueError: batch['real'] must hold no complex numbers, got complex128: give the real and
        the imaginary part as two arrays
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        dtype = getattr(leaf, "dtype", None) or jnp.result_type(leaf)
        if jnp.issubdtype(dtype, jnp.complexfloating):
            raise ValueError(
                f"{argument}{jax.tree_util.keystr(path)} must hold no complex numbers, got "
                f"{dtype}: give the real and the imaginary part as two arrays"
            )


def check_scalar(loss: Any, *, what: str) -> Any:
    """Return a loss or a part of one, or raise a ``ValueError`` unless it is one real number.

    A loss for each example would be summed, and v be as many times as long.

    Example:
        >>> check_scalar(jnp.ones(16), what="the loss of theta")
        Traceback (most recent call last):
        ...
        ValueError: the loss of theta must be a scalar, got float32 of shape (16,): take its mean
    """
    if not jax.tree_util.all_leaves([loss]):
        raise ValueError(f"{what} must be a scalar, got {type(loss).__name__}")
    dtype, shape = jnp.result_type(loss), np.shape(loss)
    if shape != () or not jnp.issubdtype(dtype, jnp.floating):
        hint = ": take its mean" if shape else ", which is no floating-point number"
        raise ValueError(f"{what} must be a scalar, got {dtype} of shape {shape}{hint}")
    return loss


def check_examples(
    examples: Any, shape: tuple[int, ...], *, argument: str, taker: str = "the network"
) -> None:
    """Raise a ``ValueError`` unless examples of one shape lie along the first axis of an array.

    Example:
        >>> check_examples(jnp.ones(16), (16,), argument="x")
        Traceback (most recent call last):
        ...
        ValueError: x must have the shape (batch, 16), examples that the network takes along the
        first axis, got (16,): give one example as a batch of one, x[None]
    """
    given = np.shape(examples)
    if len(given) != len(shape) + 1 or given[1:] != tuple(shape):
        alone = f": give one example as a batch of one, {argument}[None]" if given == shape else ""
        raise ValueError(
            f"{argument} must have the shape ({', '.join(map(str, ('batch', *shape)))}), examples "
            f"that {taker} takes along the first axis, got {given}{alone}"
        )


def check_positive(value: Any, *, argument: str) -> float:
    """Return the value as a ``float``, or raise a ``ValueError`` if it is no finite number > 0.

    Example:
        >>> check_positive(0, argument="fps")
        Traceback (most recent call last):
        ...
        ValueError: fps must be a finite number > 0, got 0
    """
    known = np.asarray(value)
    if known.ndim or known.dtype.kind not in "fiu" or not 0 < known < np.inf:
        raise ValueError(f"{argument} must be a finite number > 0, got {value!r}")
    return float(known)


def check_count(value: Any, *, argument: str, minimum: int = 1, maximum: int | None = None) -> int:
    """Return the value as an ``int``, or raise a ``ValueError`` if it is no integer ≥ minimum.

    Where a maximum is given it is no more than that.

    Example:
        >>> check_count(0, argument="num_steps")
        Traceback (most recent call last):
        ...
        ValueError: num_steps must be an integer ≥ 1, got 0
    """
    try:
        count = operator.index(value)
    except TypeError:
        count = minimum - 1
    if isinstance(value, bool) or count < minimum:
        raise ValueError(f"{argument} must be an integer ≥ {minimum}, got {value!r}")
    if maximum is not None and count > maximum:
        raise ValueError(
            f"{argument} must be an integer from {minimum} to {maximum}, got {value!r}"
        )
    return count


def check_seed(value: Any, *, argument: str) -> int:
    """Return the value as an ``int``, or raise a ``ValueError``: a seed is from 0 to 2³² − 1.

    In float32 mode JAX's keys keep 32 bits of a seed, and two larger ones would be the same.

    Example:
        >>> check_seed(2**32, argument="seed")
        Traceback (most recent call last):
        ...
        ValueError: seed must be an integer from 0 to 2³² − 1, got 4294967296
    """
    try:
        seed = operator.index(value)
    except TypeError:
        seed = -1
    if isinstance(value, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"{argument} must be an integer from 0 to 2³² − 1, got {value!r}")
    return seed


def check_not_empty(params: Any, *, argument: str) -> None:
    """Raise a ``ValueError`` where a pytree holds no number: there is nothing to analyse.

    Example:
        >>> check_not_empty(Players(theta=(), phi=()), argument="params")
        Traceback (most recent call last):
        ...
        ValueError: params must hold at least one number, got none
    """
    if not any(math.prod(jnp.shape(leaf)) for leaf in jax.tree.leaves(params)):
        raise ValueError(f"{argument} must hold at least one number, got none")


def check_same_structure(given: Any, expected: Any, *, argument: str, source: str) -> None:
    """Raise a ``ValueError`` unless two pytrees agree in structure and in the shapes of leaves.

    Args:
        given: the pytree under suspicion.
        expected: the pytree that it must resemble.
        argument: what ``given`` is called in the message.
        source: what ``expected`` is called in the message.
    """
    given_structure: Any = jax.tree.structure(given)
    expected_structure: Any = jax.tree.structure(expected)
    if given_structure != expected_structure:
        raise ValueError(
            f"{argument} must have the structure of {source}, {expected_structure}, "
            f"got {given_structure}"
        )
    for (path, leaf), other in zip(
        jax.tree_util.tree_leaves_with_path(given), jax.tree.leaves(expected), strict=True
    ):
        if np.shape(leaf) != np.shape(other):
            raise ValueError(
                f"{argument}{jax.tree_util.keystr(path)} must have the shape of {source}, "
                f"{np.shape(other)}, got {np.shape(leaf)}"
            )


def leading_size(batch: Any) -> int | None:
    """Return the length of the first axis that all leaves share, or None if they share none."""
    sizes = {np.shape(leaf)[0] if np.ndim(leaf) else None for leaf in jax.tree.leaves(batch)}
    return sizes.pop() if len(sizes) == 1 else None


def check_bounds(bounds: Any, *, argument: str = "bounds") -> Players:
    """Return ``Players((low, high), (low, high))``, from those or from one pair for both.

    Args:
        bounds: ``(low, high)`` for every coordinate, or `Players` of two such pairs.
        argument: what the caller calls them.

    Returns:
        `Players` of two pairs of floats.

    Raises:
        ValueError: a pair is not two finite numbers, the first below the second.

    Example:
        >>> check_bounds((-2, 2))
        Players(theta=(-2.0, 2.0), phi=(-2.0, 2.0))
        >>> check_bounds((2, -2))
        Traceback (most recent call last):
        ...
        ValueError: bounds must be (low, high), two finite numbers with low < high, or Players of
        two such pairs, got (2, -2)
    """
    pairs = bounds if isinstance(bounds, Players) else Players(bounds, bounds)
    try:
        checked = Players(*((float(low), float(high)) for low, high in pairs))
    except (TypeError, ValueError):
        checked = Players((1.0, 0.0), (1.0, 0.0))
    if not all(math.isfinite(high - low) and low < high for low, high in checked):
        raise ValueError(
            f"{argument} must be (low, high), two finite numbers with low < high, or Players of "
            f"two such pairs, got {bounds!r}"
        )
    return checked
