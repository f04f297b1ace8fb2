"""What there is no room for is refused before it is taken, and what fits is not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield import _compiled, _memory

V = gf.vector_field(gf.games.bilinear())
METHOD = gf.simultaneous(optax.sgd(0.1))
POINT = gf.Players(1.0, 0.5)
KEY = jax.random.key(0)
MANY = gf.Players(np.zeros(200_000, np.float32), np.zeros(200_000, np.float32))
CONFIG = gf.configuration.Config()


def batches(data, **sizes):
    return gf.data.batch_sampler(data, **({"batch_size": 64, "latent_size": 4} | sizes))


def run(point):
    return gf.simulation(METHOD, V, point, record=lambda state, info: state.params)


def points(record):
    return {"record": lambda state, info: state.params, "record_every": record}


# Each would take terabytes, or compile for hours.
REFUSED = {
    "params": (
        lambda: gf.jacobian(V)(MANY),
        lambda: gf.eigenvalues(V)(MANY),
        lambda: gf.classify(V, MANY),
        lambda: gf.spectra.mean_jacobian(V)(MANY, jnp.ones(3)),
        lambda: gf.planes.eigenvectors(V, MANY),
    ),
    "template": (lambda: gf.find_equilibria(lambda p, b: p, bounds=(-1, 1), template=MANY),),
    "num_starts": (lambda: gf.find_equilibria(V, bounds=(-1, 1), num_starts=10**12),),
    "resolution": (lambda: gf.grid((-1, 1), 10**7),),
    "num_steps": (
        lambda: gf.simulate(METHOD, V, POINT, num_steps=10**12),
        lambda: gf.trajectories(
            METHOD, V, gf.Players(jnp.ones(10**5), jnp.ones(10**5)), num_steps=10**9
        ),
        lambda: gf.sweep(lambda a: run(gf.Players(a, a)), {"a": jnp.ones(1000)}, num_steps=10**9),
    ),
    "axes": (
        lambda: gf.sweep(
            lambda **values: run(gf.Players(values["a"], values["b"])),
            {name: jnp.ones(10**4) for name in "abc"},
            num_steps=2,
        ),
    ),
    "batch_size": (
        lambda: batches(gf.data.ring(), batch_size=10**13),
        lambda: batches(gf.data.digits(size=32), batch_size=10**11, latent_size=1),
        lambda: gf.data.HostLoader(gf.data.digits(), batch_size=10**13, latent_size=2, seed=0),
    ),
    "size": (
        lambda: gf.data.ring().sample(KEY, 10**13),
        lambda: gf.data.two_moons().sample(KEY, 10**13),
        lambda: gf.data.checkerboard().sample(KEY, 10**13),
        lambda: gf.data.pinwheel().sample(KEY, 10**13),
        lambda: gf.data.digits().sample(KEY, 10**13),
        lambda: gf.data.points(np.ones((3, 2))).sample(KEY, 10**13),
    ),
    "num_modes": (lambda: gf.data.ring(10**13), lambda: gf.data.line(10**13)),
    "num_per_side": (lambda: gf.data.grid(10**7), lambda: gf.data.checkerboard(10**7)),
    "num_arms": (lambda: gf.data.spiral(10**7), lambda: gf.data.pinwheel(10**9)),
    "num_rings": (lambda: gf.data.nested_rings(10**7),),
    "hidden_sizes": (lambda: gf.networks.mlp(2, 1, hidden_sizes=(4,) * 10**5),),
    "the network": (
        lambda: gf.networks.mlp(2, 1, hidden_sizes=(10**7, 10**7)),
        lambda: gf.networks.dcgan_generator(4, (64, 64, 3), width=10**7),
    ),
    "num_layers": (
        lambda: gf.networks.dcgan_generator(4, (64, 64, 3), num_layers=10**5),
        lambda: CONFIG.replace({"generator.num_layers": 10**10}),
    ),
    "subset_size": (
        lambda: gf.evaluation.kernel_distance(
            np.broadcast_to(np.ones(1), (10**6, 1)),
            np.broadcast_to(np.ones(1), (10**6, 1)),
            subset_size=10**6,
        ),
    ),
    "samples": (
        lambda: gf.evaluation.mode_coverage(jnp.ones((10**6, 1)), np.ones((10**6, 1)), radius=1.0),
    ),
}


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        pytest.param(argument, call, id=f"{argument}-{number}")
        for argument, calls in REFUSED.items()
        for number, call in enumerate(calls)
    ],
)
def test_absurd_sizes_are_refused_by_the_name_of_the_argument(argument, call):
    with pytest.raises(ValueError, match=argument):
        call()


@pytest.mark.parametrize("drawn", range(200))
def test_what_would_fit_is_the_largest_that_does(drawn, monkeypatch):
    rng = np.random.default_rng(drawn)
    free, each, power = 10 ** rng.uniform(8, 14), 10 ** rng.uniform(0, 6), rng.integers(1, 4)

    def cost(count):
        return each * count**power

    monkeypatch.setattr(_memory, "free_memory", lambda: free)
    largest = int((free / each) ** (1 / power))
    largest += int(cost(largest + 1) <= free) - int(cost(largest) > free)
    words = {"argument": "size must be", "what": "it"}
    _memory.check_memory(largest, cost, **words)
    with pytest.raises(ValueError, match=rf"size must be at most {largest} here, got "):
        _memory.check_memory(3 * largest + 10, cost, **words)


def test_a_program_that_takes_too_much_is_refused_before_it_runs(monkeypatch):
    def wide(x):
        return jnp.sort(jnp.outer(x, x).ravel())

    x = jnp.ones(4096)
    monkeypatch.setattr(_memory, "free_memory", lambda: 2.0**25)
    with pytest.raises(ValueError, match=r"'wide' would take 0.1 GiB, more than the 0.0 GiB"):
        _compiled.compiled(wide, x, name="wide")
    monkeypatch.setattr(_memory, "free_memory", lambda: 2.0**30)
    assert _compiled.compiled(wide, x, name="wide")(x).shape == (4096**2,)


def test_shapes_alone_take_nothing():
    assert jax.eval_shape(gf.jacobian(lambda p, batch=None: p), MANY).shape == (400_000, 400_000)


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_has_what_its_limit_leaves(version, tmp_path, monkeypatch):
    kind, names = (
        ("memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"))
        if version == 1
        else ("", ("memory.max", "memory.current", "inactive_file"))
    )
    group = tmp_path / kind / "some" / "where"
    group.mkdir(parents=True)
    for folder, limit, taken in ((group, "max", 10), (group.parent, 1000, 400)):
        (folder / names[0]).write_text(f"{limit}\n")
        (folder / names[1]).write_text(f"{taken}\n")
        (folder / "memory.stat").write_text(f"cache 7\n{names[2]} 50\n")
    monkeypatch.setattr(_memory, "_CGROUPS", tmp_path)
    text = f"5:cpu:/\n4:{kind}:/some/where\n"
    read_text = Path.read_text
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda path, *args: text if path.name == "cgroup" else read_text(path, *args),
    )
    assert _memory.free_memory() == 1000 - 400 + 50


def test_an_accelerator_has_what_it_says(monkeypatch):
    class Device:
        platform = "gpu"

        def __init__(self, stats):
            self.memory_stats = lambda: stats

    assert _memory.memory_of(Device({"bytes_limit": 10, "bytes_in_use": 4})) == 6
    assert _memory.memory_of(Device(None)) == float("inf")


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells what a call took at most")
def test_what_is_said_is_what_is_taken():
    run = subprocess.run(
        [sys.executable, "-m", "tests.memory_taken"],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"JAX_NUM_CPU_DEVICES": "1", "MALLOC_TRIM_THRESHOLD_": "0"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(rows) == 22
    for name, count, said, took in rows:
        assert 0.8 * said < took < 1.3 * said, (name, count, said, took)
