"""What a run says of its own convergence: whether minibatches agree, and where parameters are."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganfield._types import Batch, Field, Players, PyTree
from ganfield.runs._tables import SKETCH


def agreement(field: Field, params: Players, batch: Batch) -> dict[str, jax.Array]:
    """Return the cosine between v of one half of a batch and v of the other, for each player.

    It is near 1 where all examples pull one way, and near 0 where only noise is left. It has no
    unit, so neither larger weights nor batch norm change it, as they do ‖v‖.

    Args:
        field: the game's own field v.
        params: where.
        batch: with two examples at least; of one, nothing agrees: NaN.
    """
    half = len(batch.real) // 2
    if half == 0:
        return {f"agreement_{name}": jnp.full((), jnp.nan) for name in Players._fields}
    halves = jax.tree.map(lambda x: x[: 2 * half].reshape(2, half, *x.shape[1:]), batch)
    both = jax.vmap(lambda part: field(params, part))(halves)

    def cosine(tree: PyTree) -> jax.Array:
        one, other = (jax.tree.map(lambda x, i=i: x[i], tree) for i in (0, 1))
        return optax.tree.vdot(one, other) / (optax.tree.norm(one) * optax.tree.norm(other))

    return {f"agreement_{name}": cosine(own) for name, own in both._asdict().items()}


def place(params: Players) -> dict[str, float]:
    """Return a row of ``path.csv``: each player's norm, and a sketch of its parameters.

    Args:
        params: on the host or not; they are fetched.
    """
    row: dict[str, float] = {}
    for name, own in params._asdict().items():
        leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(own)]
        row[f"norm_{name}"] = float(np.sqrt(sum(np.vdot(leaf, leaf) for leaf in leaves)))
        row |= {f"{name}_{i}": float(value) for i, value in enumerate(sketch(leaves), start=1)}
    return row


def sketch(leaves: list[np.ndarray]) -> np.ndarray:
    """Return a few numbers that stand for many: sums with random signs, the same every time.

    It is linear, and the squared length of a difference is on average that of the difference of
    the arrays, with a standard deviation of √(2/k) of it or less. So what happens to distances
    along a path (coming back, growing, standing still) is seen in it, and no place that the run was
    at before must be kept.

    Args:
        leaves: arrays, in one order.

    Returns:
        k = `SKETCH` numbers.

    Reference:
        Charikar, Chen, Farach-Colton, "Finding Frequent Items in Data Streams", 2002 (the count
        sketch).
    """
    total = np.zeros(SKETCH)
    for index, leaf in enumerate(leaves):
        signs = np.random.default_rng(index).integers(2, size=leaf.size, dtype=np.int8) * 2.0 - 1
        padded = np.pad(signs * leaf.reshape(-1), (0, -leaf.size % SKETCH))
        total += padded.reshape(-1, SKETCH).sum(0)
    return total
