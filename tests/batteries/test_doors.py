"""What is registered enters by every door, and does the same: Python, settings of `train`, `field`.

A door is right if one step of what it builds is the step of the library's own call. Steps are
compiled by what they compute, so that two doors to the same thing cost one program.
"""

import jax
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield._compiled import compiled
from ganfield.cli._field import Field
from ganfield.configuration import DATA, OPTIMIZERS, keywords
from ganfield.configuration._options import missing
from ganfield.methods import for_each_move
from tests.cases import assert_trees_close
from tests.data.test_cifar import COUNT as RECORDS
from tests.data.test_cifar import write_set as write_cifar
from tests.data.test_idx import COUNT, idx
from tests.data.test_idx import arrays as of_idx
from tests.data.test_image_folder import save as save_image

pytestmark = pytest.mark.long

TINY = [
    *(f"{player}.{text}" for player in ("generator", "discriminator") for text in
      ("architecture=mlp", "width=4", "num_layers=1")),
    "data.name=ring", "batch_size=8", "latent_size=3", "method.optimizer=sgd",
    "method.learning_rate=0.1",
]  # fmt: skip
# What a transform must be told: as a text, and as a number.
MUST = {"gamma": 0.3, "max_norm": 0.5, "step_size": 0.1, "strength": 0.4}
PLANE = ("dirac_gan", gf.Players(0.7, -0.4))


def entered(*texts):
    """Return what `ganfield train --set …` builds of these texts."""
    changes = dict(text.split("=", 1) for text in (*TINY, *texts))
    return gf.configuration.build(gf.configuration.Config().replace(changes))


def sampler(data=None, **options):
    data = gf.data.ring() if data is None else data
    return gf.data.batch_sampler(data, batch_size=8, latent_size=3, **options)


def own_game(*args, **options):
    networks = gf.networks.mlp(3, 2, hidden_sizes=(4,)), gf.networks.mlp(2, 1, hidden_sizes=(4,))
    return gf.games.gan(*networks, *args, **options)


def stepped(game, field, method, sample, num_steps=1):
    """Return where a step leads, and what is real and latent in the batches that it sees."""
    params, key = game.init(jax.random.key(0)), jax.random.key(1)
    batch = for_each_move(method, sample(key))

    def step(params, batch):
        state = method.init(params)
        for _ in range(num_steps):
            state, _info = method.step(field, state, batch)
        return state.params

    return compiled(step, params, batch, name="step")(params, batch), batch[:2]


def assert_the_same(built, game, field=None, method=None, sample=None, num_steps=1):
    own = (
        gf.vector_field(game) if field is None else field,
        gf.simultaneous(optax.sgd(0.1)) if method is None else method,
        sampler() if sample is None else sample,
    )
    door = stepped(built.game, built.field, built.method, built.sampler(), num_steps)
    start = game.init(jax.random.key(0))
    end, _ = door
    assert any(map(np.any, jax.tree.leaves(jax.tree.map(np.subtract, end, start))))
    assert_trees_close(door, stepped(game, *own, num_steps), rtol=1e-6, atol=1e-7)


def needs(transform):
    """Return the options of a transform that have no default."""
    takes = keywords(transform)
    return {name: MUST[name] for name in missing({}, takes)}


@pytest.mark.parametrize("name", gf.OBJECTIVES)
def test_objectives(name):
    assert_the_same(entered(f"game.objective={name}"), own_game(name))
    command = Field(game="dirac_gan", objective=name)
    game = gf.games.dirac_gan(name)
    assert_in_the_plane(command, gf.vector_field(game), gf.simultaneous(optax.sgd(0.1)))


@pytest.mark.parametrize("name", [*gf.PENALTIES, None])
def test_penalties(name):
    weighted = {"penalty": name, "penalty_weight": 0.5} if name else {}
    texts = f"game.penalty={name}", "game.penalty_weight=0.5"
    sample = sampler(keys=name is not None)
    assert_the_same(entered(*texts), own_game(**weighted), sample=sample)
    if name in ("zero_centred", "dragan"):  # which the Dirac-GAN does not have
        return
    command = Field(game="dirac_gan", settings=((f"penalty={name}", "penalty_weight=0.5"),))
    game = gf.games.dirac_gan(**weighted)
    assert_in_the_plane(command, gf.vector_field(game), gf.simultaneous(optax.sgd(0.1)))


@pytest.mark.parametrize("name", gf.METHODS)
def test_methods(name):
    game, method = own_game(), gf.METHODS[name](optax.sgd(0.1))
    assert_the_same(entered(f"method.name={name}"), game, method=method)
    field = gf.vector_field(gf.games.dirac_gan())
    assert_in_the_plane(Field(game="dirac_gan", method=name), field, method)


@pytest.mark.parametrize("name", gf.WRAPPERS)
def test_wrappers(name):
    options = {"lookahead": {"num_steps": 2}, "averaged": {"decay": 0.5}}[name]
    method = gf.WRAPPERS[name](gf.alternating(optax.sgd(0.1)), **options)
    texts = [f"method.wrapper_options.{option}={value}" for option, value in options.items()]
    texts += [f"method.wrapper={name}", "method.name=alternating"]
    assert_the_same(entered(*texts), own_game(), method=method)
    field = gf.vector_field(gf.games.dirac_gan())
    method = gf.WRAPPERS[name](gf.simultaneous(optax.sgd(0.1)))
    assert_in_the_plane(Field(game="dirac_gan", wrapper=name), field, method)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    method = gf.simultaneous(OPTIMIZERS[name](0.1))
    # rprop's first step goes nowhere: it has no gradient to compare with.
    built, num_steps = entered(f"method.optimizer={name}"), 2 if name == "rprop" else 1
    assert_the_same(built, own_game(), method=method, num_steps=num_steps)
    field = gf.vector_field(gf.games.dirac_gan())
    assert_in_the_plane(Field(game="dirac_gan", optimizer=name), field, method)


@pytest.mark.parametrize("name", gf.TRANSFORMS)
def test_transforms(name):
    options = needs(gf.TRANSFORMS[name])
    texts = [
        "method.gamma=0.3" if option == "gamma" else f"method.transform_options.{option}={value}"
        for option, value in options.items()
    ]
    game = own_game()
    field = gf.TRANSFORMS[name](gf.vector_field(game), **options)
    assert_the_same(entered(f"method.transform={name}", *texts), game, field)

    gamma = options.get("gamma")
    texts = tuple(f"{option}={value}" for option, value in options.items() if option != "gamma")
    command = Field(game="dirac_gan", transform=name, gamma=gamma, settings=(texts,))
    field = gf.TRANSFORMS[name](gf.vector_field(gf.games.dirac_gan()), **options)
    assert_in_the_plane(command, field, gf.simultaneous(optax.sgd(0.1)))


@pytest.mark.parametrize("name", gf.games.closed_forms())
def test_games_of_the_plane(name):
    field = gf.vector_field(gf.GAMES[name]())
    assert_in_the_plane(Field(game=name), field, gf.simultaneous(optax.sgd(0.1)))


def assert_in_the_plane(command, field, method):
    """Compare what `ganfield field` draws, of one step, with the library's call."""
    start = PLANE[1]
    for name, value in {"num_steps": 3, "equilibria": False, "start": (("0.7,-0.4",),)}.items():
        object.__setattr__(command, name, value)
    with jax.enable_x64(True):
        drawn = command.find().paths.params
        own = gf.simulate(method, field, start, num_steps=3).params
    np.testing.assert_allclose([end[0] for end in drawn], [*own], rtol=1e-12, atol=1e-12)


@pytest.fixture
def files(tmp_path):
    """Name → the file or folder of a set, of a few images of its form."""
    images = gf.data.digits().pixels[:12]
    gf.data.save_npz(tmp_path / "some.npz", gf.data.Images(images))
    np.save(tmp_path / "some.npy", images)
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(12, 2)))
    write_cifar(tmp_path)
    for split, prefix in (("train", "train"), ("test", "t10k")):
        pixels, labels = of_idx(split)
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(pixels))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))
    (tmp_path / "images").mkdir()
    for number, image in enumerate(images):
        save_image(tmp_path / "images" / f"{number}.png", image[..., 0])
    place = {"npz": "some.npz", "memory_mapped": "some.npy", "points": "points.npy"}
    place |= dict.fromkeys(("image_folder", "celeba"), "images")
    return {name: tmp_path / place.get(name, "") for name in OF_FILES}


# Name → the loader, and options for the small set of `files`.
OF_FILES = {
    "npz": (gf.data.load_npz, {}),
    "memory_mapped": (gf.data.memory_mapped, {}),
    "points": (gf.data.load_points, {}),
    "cifar10": (gf.data.cifar10, {"records_per_file": RECORDS}),
    "mnist": (gf.data.mnist, {"num_images": COUNT}),
    "fashion_mnist": (gf.data.fashion_mnist, {"num_images": COUNT}),
    "image_folder": (gf.data.image_folder, {"num_test": 2}),
    "celeba": (gf.data.image_folder, {"num_test": 2, "crop": 6, "size": 4}),
}
WITHOUT = [name for name, source in DATA.items() if not source.in_folder]


@pytest.mark.parametrize("name", [*WITHOUT, *OF_FILES])
def test_data_sets(name, files):
    if name in files:
        load, options = OF_FILES[name]
        data = load(files[name], **options)
        texts = [f"data.folder={files[name]}"]
        texts += [
            f"data.size={value}" if option == "size" else f"data.options.{option}={value}"
            for option, value in options.items()
        ]
    else:
        data, texts = getattr(gf.data, name)(), []
    built = entered(f"data.name={name}", *texts)
    key = jax.random.key(2)
    batches = [sample(key) for sample in (built.sampler(), sampler(data))]
    assert_trees_close(*batches, rtol=0, atol=0)
    step, _ = stepped(built.game, built.field, built.method, built.sampler())
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(step))
