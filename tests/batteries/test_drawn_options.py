"""Right options, drawn: no command refuses them, and all end where the library's calls end.

``GANFIELD_DRAWS`` is how many sets are drawn of each command of the plane (a tenth of it of
`train`), ``GANFIELD_SEED`` which. A long run is one command:

    GANFIELD_DRAWS=300 GANFIELD_SEED=7 pytest tests/batteries/test_drawn_options.py
"""

import inspect
import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf
from ganfield.cli import main
from ganfield.configuration import DATA, OPTIMIZERS, keywords
from ganfield.configuration._options import missing
from ganfield.configuration._settings import flat

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("x64")]  # as the commands of the plane

DRAWS, SEED = (int(os.environ.get(f"GANFIELD_{n}", d)) for n, d in (("DRAWS", 12), ("SEED", 0)))
# Options of games and transforms that are no numbers, and numbers with a range of their own.
NAMES = {"objective": [*gf.OBJECTIVES], "penalty": ["r1", "r2", "wgan_gp", "none"]}
LEAST = {"epsilon": 0.05, "max_norm": 0.1, "step_size": 0.01}


def of(rng, options):
    return options[int(rng.integers(len(options)))]


def number(rng, least=0.0, most=1.0):
    return round(float(rng.uniform(least, most)), 3)


def drawn(rng, parameters):
    """Return option → value, of those that may be given and all that must be."""
    values = {}
    for name, parameter in parameters.items():
        must = parameter.default is inspect.Parameter.empty
        if name in ("gamma", "groups") or not (must or rng.random() < 0.5):
            continue
        if name in NAMES:
            values[name] = of(rng, NAMES[name])
        elif isinstance(parameter.default, bool):
            values[name] = bool(rng.random() < 0.5)
        elif isinstance(parameter.default, int) and not isinstance(parameter.default, bool):
            values[name] = int(rng.integers(1, 4))
        elif must or isinstance(parameter.default, float):
            values[name] = number(rng, LEAST.get(name, 0.0), 1.0)
    if "penalty_weight" in values and values.get("penalty", "none") == "none":
        del values["penalty_weight"]
    return values


def texts(values):
    said = [f"{name}={str(value).lower()}" for name, value in values.items()]
    return ["--set", *said] if said else []


def owned(rng, owner, values, shared):
    """Return the values by the names of a command line: a shared one says whose it is."""
    return {
        f"{owner}.{name}" if name in shared or rng.random() < 0.1 else name: value
        for name, value in values.items()
    }


def dynamics(rng):
    """Return options of a command, the game, v, and what the transform makes of it."""
    name, transform = of(rng, [*gf.games.closed_forms()]), of(rng, [*gf.TRANSFORMS])
    builder, takes = gf.GAMES[name], keywords(gf.TRANSFORMS[transform])
    of_game, of_transform = drawn(rng, keywords(builder, skip=0)), drawn(rng, takes)
    shared = {*takes} & {*keywords(builder, skip=0)}
    args = ["--game", name, "--transform", transform]
    game = builder(**{o: None if v == "none" else v for o, v in of_game.items()})
    gamma = {"gamma": number(rng)} if "gamma" in takes else {}
    if gamma:
        args += ["--gamma", str(gamma["gamma"])]
    v = gf.vector_field(game)
    left = [o for o in missing(of_transform, takes) if o != "gamma"]
    assert not left
    w = gf.TRANSFORMS[transform](v, **gamma, **of_transform)
    told = owned(rng, "game", of_game, shared) | owned(rng, "transform", of_transform, shared)
    return [*args, *texts(told)], game, w


def run(capsys, *args, codes=(0,)):
    code = main([str(arg) for arg in (*args, "--json")])
    out, err = capsys.readouterr()
    assert code in codes, f"ganfield {' '.join(map(str, args))}: {err}"
    assert err == "", err
    return json.loads(out)


def seeds(count):
    return range(1000 * SEED, 1000 * SEED + count)


@pytest.mark.parametrize("seed", seeds(DRAWS))
def test_field(capsys, tmp_path, seed):
    rng = np.random.default_rng(seed)
    args, _, w = dynamics(rng)
    h, steps = number(rng, 0.001, 0.1), int(rng.integers(0, 40))
    low, high = (number(rng, -4, -1), number(rng, 1, 4))
    starts = [[number(rng, low, high) for _ in range(2)] for _ in range(rng.integers(1, 4))]
    method, optimizer = of(rng, [*gf.METHODS]), of(rng, [*OPTIMIZERS])
    record = run(
        capsys, "field", *args, "--method", method, "--optimizer", optimizer, "--step-size", h,
        "--num-steps", steps, "--start", *("{},{}".format(*start) for start in starts),
        f"--bounds={low},{high}", "--kind", of(rng, ["stream", "quiver"]),
        *of(rng, [["--dark"], []]), *of(rng, [["--equilibria"], ["--no-equilibria"]]),
        "--output", tmp_path / of(rng, ["a.png", "deep/b.pdf", "c.svg"]),
    )  # fmt: skip
    if not steps:
        assert record["paths"] == []
        return
    built = gf.METHODS[method](OPTIMIZERS[optimizer](h))
    starting = gf.Players(*jnp.array(starts).T)
    ends = jax.vmap(lambda p: gf.simulate(built, w, p, num_steps=steps).params)(starting)
    for path, theta, phi in zip(record["paths"], *ends, strict=True):
        if path["stopped_at"] is None:
            given = path["end"]["theta"], path["end"]["phi"]
            np.testing.assert_allclose(given, (theta, phi), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", seeds(DRAWS))
def test_spectrum(capsys, tmp_path, seed):
    rng = np.random.default_rng(seed)
    args, game, w = dynamics(rng)
    point = gf.Players(number(rng, -2, 2), number(rng, -2, 2))
    known = bool(game.equilibria) and rng.random() < 0.5
    args += [] if known else [f"--at={point.theta},{point.phi}"]
    args += of(rng, [[], ["--step-size", number(rng, 0.01, 1)]])
    args += of(rng, [[], [], ["--output", tmp_path / "a.png"]])
    record = run(capsys, "spectrum", *args)
    place = game.equilibria[0] if known else point
    place = jax.tree.map(lambda x: jnp.asarray(x, float), place)
    values = np.linalg.eigvals(np.asarray(gf.jacobian(w)(place)))
    told = [complex(each["re"], each["im"]) for each in record.get("w", record["v"])["eigenvalues"]]
    np.testing.assert_allclose(np.poly(told), np.poly(values), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("seed", seeds(DRAWS))
def test_equilibria(capsys, seed):
    rng = np.random.default_rng(seed)
    args, game, w = dynamics(rng)
    bounds = number(rng, -5, -1), number(rng, 1, 5)
    num_starts, seed = int(rng.integers(8, 200)), int(rng.integers(0, 2**40))
    record = run(
        capsys, "equilibria", *args, f"--bounds={bounds[0]},{bounds[1]}", "--num-starts",
        num_starts, "--seed", seed, "--max-points", rng.integers(1, 30),
        codes=(0, 1),
    )  # fmt: skip
    calls = {"num_starts": num_starts, "key": jax.random.key(seed), "known": game.equilibria}
    points = np.reshape(gf.find_equilibria(w, bounds=bounds, **calls).points, (-1, 2))
    assert record["num_found"] == len(points)
    for each in record["equilibria"]:
        near = np.abs(points - [each["theta"], each["phi"]]).max(axis=1)
        assert near.min() < 1e-9


@pytest.mark.parametrize("seed", seeds(-(-DRAWS // 10)))
def test_train(capsys, tmp_path, seed):
    rng = np.random.default_rng(seed)
    transform = of(rng, [*gf.TRANSFORMS])
    of_transform = drawn(rng, keywords(gf.TRANSFORMS[transform]))
    objective, penalty = of(rng, [*gf.OBJECTIVES]), of(rng, [*gf.PENALTIES, "none"])
    method = {
        "name": of(rng, [*gf.METHODS]), "optimizer": of(rng, [*OPTIMIZERS]),
        "learning_rate": number(rng, 1e-4, 1e-2), "transform": transform,
    }  # fmt: skip
    if "gamma" in keywords(gf.TRANSFORMS[transform]):
        method["gamma"] = number(rng)
    data = of(rng, [name for name, source in DATA.items() if not source.in_folder])
    small = {"architecture": "mlp", "width": 4, "num_layers": int(rng.integers(1, 3))}
    whole = {
        "data": {"name": data} | ({"size": 8} if data == "digits" else {}),
        "generator": small, "discriminator": small, "method": method,
        "game": {"objective": objective, "penalty": penalty, "penalty_weight": number(rng)},
        "batch_size": int(rng.integers(2, 9)), "latent_size": int(rng.integers(1, 5)),
        "seed": int(rng.integers(0, 2**31)), "record_every": 1, "evaluate_every": 2,
        "checkpoint_every": 2, "samples": 4, "reference_size": 4,
    }  # fmt: skip
    told = dict(flat(whole)) | {f"method.transform_options.{o}": v for o, v in of_transform.items()}
    args = ["--set", *(f"{name}={str(value).lower()}" for name, value in told.items())]
    record = run(capsys, "train", tmp_path / "run", "--num-steps", 2, *args, codes=(0, 1))
    whole["game"]["penalty"] = None if penalty == "none" else penalty
    config = gf.configuration.Config.from_dict(
        {**whole, "num_steps": 2, "method": {**method, "transform_options": of_transform}}
    )
    with jax.enable_x64(False):
        own = gf.training.train(config, tmp_path / "own")
        again = gf.training.train(config, tmp_path / "run")  # reads what the command wrote
    assert (record["outcome"], record["step"]) == (own.outcome, own.step)
    for one, other in zip(*map(jax.tree.leaves, (again.params, own.params)), strict=True):
        np.testing.assert_array_equal(one, other)
