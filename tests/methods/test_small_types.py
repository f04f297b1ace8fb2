"""Methods with an inner solve, in bfloat16 and float16."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import SOLVERS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("phi_type", ["same", "float32"])
@pytest.mark.parametrize(("dtype", "close"), [(jnp.bfloat16, 0.02), (jnp.float16, 0.003)])
def test_small_types_are_solved(name, dtype, close, phi_type):
    method = gf.METHODS[name](optax.sgd(0.1))
    v = gf.vector_field(gf.games.quadratic(1.0, 0.5, 2.0))

    def end(theta, phi):
        return gf.simulate(method, v, gf.Players(theta, phi), num_steps=3)

    exact = end(jnp.float32(1.0), jnp.float32(0.7))
    other = jnp.float32 if phi_type == "float32" else dtype
    run = end(jnp.asarray(1.0, dtype), jnp.asarray(0.7, other))
    assert int(run.unsolved_at) == int(run.stopped_at) == -1
    assert run.params.theta.dtype == dtype
    assert run.params.phi.dtype == other
    np.testing.assert_allclose(
        [float(x) for x in run.params], [float(x) for x in exact.params], atol=close
    )
