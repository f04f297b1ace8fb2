"""How many examples of a batch each of a few groups gets."""

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import ArrayLike

# Not the number of a key that `jax.random.split` makes of the same key.
_NUMBER = 0x616C6C6F


def allot(key: jax.Array, size: int, groups: int) -> ArrayLike:
    """Return the group of each example, in the order of the groups: ``size`` numbers below groups.

    Every group gets ⌊size/groups⌋ examples. What is left over goes to as many groups, one to each,
    that the key draws: all of them equally often. Where nothing is left over the key is not used.

    Args:
        key: a typed key, of which only a key of its own is used.
        size: how many examples.
        groups: how many groups.

    Returns:
        Integers in ascending order, shape ``(size,)``: NumPy's where they are known beforehand.

    Raises:
        ValueError: there is no group.

    Example:
        >>> allot(jax.random.key(0), 6, 3)
        array([0, 0, 1, 1, 2, 2])
    """
    if not groups:
        raise ValueError("a distribution must have at least one mode or arc, got none")
    each, left = divmod(size, groups)
    if not left:
        return np.repeat(np.arange(groups), each)
    drawn = jax.random.uniform(jax.random.fold_in(key, _NUMBER), (groups,))
    extra = jnp.zeros(groups, int).at[jnp.argsort(drawn)[:left]].set(1)
    return jnp.repeat(jnp.arange(groups), each + extra, total_repeat_length=size)
