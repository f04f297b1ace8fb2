"""Methods along fields with kinks are not blamed for them, and faults are."""

import jax
import jax.numpy as jnp
import optax
import pytest

import ganfield as gf
from ganfield.testing._looks import LOOKS, Finding, blame
from ganfield.testing._method import Case, check_cases
from tests.testing.test_check_game import SMALL, ring


def test_what_is_a_fault_and_what_a_kink():
    rough, sure = Finding(True, "rough"), Finding(False, "sure")

    def look(*findings):
        return lambda number: findings[min(number, len(findings) - 1)]

    blame(look([]))
    blame(look([rough], [sure], [rough], []))
    blame(look(*[[rough]] * (LOOKS - 1), []))
    for said, findings in (("sure", [[sure], [rough], [rough, sure], []]), ("rough", [[rough]])):
        with pytest.raises(ValueError, match=said):
            blame(look(*findings))


def cases(activation, count):
    game, sample = ring(activation=activation), jax.jit(lambda key: SMALL(key))
    init = jax.jit(game.init)
    keys = [jax.random.key(seed) for seed in range(count)]
    wide = jnp.result_type(float)

    def cast(tree):
        return jax.tree.map(lambda x: x.astype(wide), tree)

    return gf.vector_field(game), [
        Case(str(n), cast(init(key)), (), cast(sample(key))) for n, key in enumerate(keys)
    ]


@pytest.mark.long
@pytest.mark.parametrize("is_double", [False, True])
@pytest.mark.parametrize("activation", [jax.nn.relu, jax.nn.leaky_relu])
def test_methods_on_networks_with_kinks_pass(activation, is_double):
    # Adam divides derivatives of nearly 0 by their size, and so shows their rounding.
    optimizers = {
        "adam": optax.adam(0.01),
        "kept": optax.chain(optax.sgd(0.1), gf.keep_within(0.1)),
    }
    with jax.enable_x64(is_double):
        field, meetings = cases(activation, 40)
        for name, optimizer in optimizers.items():
            method = gf.simultaneous(optimizer)
            if (name, activation, is_double) == ("adam", jax.nn.relu, True):
                # A unit that no example moves has second moments of 0, and Adam takes their root.
                with pytest.raises(ValueError, match="nan by autodiff"):
                    check_cases(method, field, meetings[:1], key=jax.random.key(1))
                continue
            check_cases(method, field, meetings, key=jax.random.key(1))


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_a_stopped_gradient_among_kinks_is_named():
    plain = gf.simultaneous(optax.sgd(1.0))

    def step(field, state, batch):
        def cut(params, batch):
            return jax.tree.map(jax.lax.stop_gradient, field(params, batch))

        return plain.step(cut, state, batch)

    field, meetings = cases(jax.nn.relu, 3)
    for case in meetings:
        with pytest.raises(ValueError, match="derivatives must go through a step"):
            check_cases(plain._replace(step=step), field, [case], key=jax.random.key(1))
