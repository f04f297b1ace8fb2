"""One run over many devices, of one host or of several: every batch is spread, all else is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from ganfield._types import PyTree, Sampler
from ganfield.checks import leading_size

AXIS = "data"


def data_mesh(devices: Any = None) -> Mesh:
    """Return a mesh with one axis, "data", over devices.

    Args:
        devices: those to use; all that JAX sees if None, which after ``jax.distributed.initialize``
            are those of every host.

    Returns:
        A mesh, for `data_parallel`, `replicated` and `spread`.

    Raises:
        ValueError: there are no devices.

    Example:
        >>> import jax
        >>> data_mesh(jax.devices()[:1]).axis_names
        ('data',)
    """
    chosen = jax.devices() if devices is None else list(devices)
    if not chosen:
        raise ValueError("devices must hold at least one device, got none")
    return jax.make_mesh((len(chosen),), (AXIS,), (AxisType.Auto,), devices=chosen)


def data_parallel(sample: Sampler, mesh: Mesh) -> Sampler:
    """Return a sampler of the same batches, each spread over the devices of a mesh.

    XLA partitions what is computed from such a batch and inserts the sums over devices. A field is
    a function of the whole batch, and stays it: the mean losses, batch statistics, ‖v‖² and Jᵀv of
    a consensus field are those of the global batch, not means of what each device has. So a run on
    one device and on many is the same run, but for the rounding of sums.

    Args:
        sample: ``sample(key) -> batch``, examples along the first axis of every leaf.
        mesh: the devices, such as ``gf.sharding.data_mesh()``.

    Returns:
        ``sample(key) -> batch``, to be called in compiled code, as `ganfield.simulate` does.

    Raises:
        ValueError: the devices do not divide the size of a batch.

    Example:
        >>> import jax, ganfield as gf
        >>> sample = gf.data.batch_sampler(gf.data.ring(), batch_size=64, latent_size=16)
        >>> spread_sample = data_parallel(sample, gf.sharding.data_mesh())
        >>> jax.jit(spread_sample)(jax.random.key(0)).real.shape
        (64, 2)
    """
    # A function of its own: JAX keeps the shapes of one that it knows, which may have changed.
    _check_divides(jax.eval_shape(lambda key: sample(key), jax.random.key(0)), mesh)
    placement = NamedSharding(mesh, PartitionSpec(AXIS))

    def spread_sample(key: jax.Array) -> PyTree:
        return jax.lax.with_sharding_constraint(sample(key), placement)

    return spread_sample


def replicated(tree: PyTree, mesh: Mesh) -> PyTree:
    """Return a pytree of which every device of a mesh holds a copy.

    For what all devices need: parameters, a data set that is drawn from inside the scan. With
    several hosts each must hand over the same values.

    Args:
        tree: a pytree of arrays, of JAX or NumPy.
        mesh: the devices.

    Returns:
        The pytree, of JAX arrays.

    Example:
        >>> import numpy as np, ganfield as gf
        >>> replicated(np.ones(3), gf.sharding.data_mesh()).is_fully_replicated
        True
    """
    placement = NamedSharding(mesh, PartitionSpec())
    if jax.process_count() == 1:
        return jax.device_put(tree, placement)

    def put(leaf: Any) -> jax.Array:
        # From the host's memory, for an array of one process's device cannot go to another's.
        return jax.device_put(np.asarray(leaf), placement)

    return jax.tree.map(lambda leaf: _as_numbers(put, leaf), tree)


def spread(batch: PyTree, mesh: Mesh, *, axis: int = 0) -> PyTree:
    """Return a batch that lies on the host, spread over the devices of a mesh.

    For batches of a loader. With several hosts each must hand over the same whole batch, of which
    only the share of its own devices is copied to them.

    Args:
        batch: a pytree of arrays of the host.
        mesh: the devices.
        axis: which axis of every leaf runs over the examples; 1 where several batches are stacked.

    Returns:
        The batch, of JAX arrays.

    Raises:
        ValueError: the devices do not divide the number of examples.

    Example:
        >>> import jax, numpy as np, ganfield as gf
        >>> mesh = gf.sharding.data_mesh()
        >>> spread(np.zeros((8 * jax.device_count(), 2)), mesh).sharding.spec[0]
        'data'
    """
    _check_divides(batch, mesh, axis)
    placement = NamedSharding(mesh, PartitionSpec(*[None] * axis, AXIS))

    def put(leaf: Any) -> jax.Array:
        value = np.asarray(leaf)
        return jax.make_array_from_callback(value.shape, placement, lambda index: value[index])

    return jax.tree.map(lambda leaf: _as_numbers(put, leaf), batch)


def _as_numbers(put: Callable[[Any], jax.Array], leaf: Any) -> jax.Array:
    """Return what ``put`` makes of an array, or of the numbers behind typed keys."""
    if jax.dtypes.issubdtype(jnp.result_type(leaf), jax.dtypes.prng_key):
        bits = put(jax.random.key_data(leaf))
        return jax.random.wrap_key_data(bits, impl=jax.random.key_impl(leaf))
    return put(leaf)


def _check_divides(batch: PyTree, mesh: Mesh, axis: int = 0) -> None:
    first = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(np.shape(leaf)[axis:], jnp.result_type(leaf)), batch
    )
    size, count = leading_size(first), math.prod(mesh.devices.shape)
    if size is None or size % count:
        raise ValueError(
            f"the {count} devices of mesh must divide the number of examples of a batch, got a "
            f"batch of {size}: choose a multiple of {count}, or a mesh of fewer devices"
        )
