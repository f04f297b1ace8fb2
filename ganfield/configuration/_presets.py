"""A configuration for every row of the official table, and for digits.

The official code of "The Numerics of GANs" names a run by an experiment and a number or a word.
Here a preset is named after the data, a slash, and what the official name says:

=======================================  =======================================================
preset                                   official run
=======================================  =======================================================
``ring/simultaneous, consensus``         ring, by that method
``celeba/altgd, simgd, conopt, conopt0`` celebA of that name
``cifar10/METHOD_NUMBER``                comparison NUMBER (0: dcgan4; 1: dcgan4_nobn; 2 and 3:
                                         dcgan4_nobn_cf, 3 with the objective JS) by METHOD (altgd,
                                         simgd, conopt, smooth)
``cifar10/divergence_OBJECTIVE``         divergence OBJECTIVE (standard, js, indicator)
``cifar10/conopt_conv3, conopt_conv4``   inception_score conopt conv3, conv4
``cifar10/dcgan_conv3, dcgan_conv4``     inception_score dcgan conv3, conv4
=======================================  =======================================================

altgd: alternating, simgd: simultaneous, conopt: consensus, smooth: the generator's gradient norm
added to the discriminator's loss. All with TensorFlow 1's RMSProp, learning rate 1e-4.
"""

from collections.abc import Iterator
from dataclasses import replace

from ganfield.checks import lookup
from ganfield.configuration._config import (
    Config,
    DataConfig,
    GameConfig,
    MethodConfig,
    NetworkConfig,
)

DCGAN3 = NetworkConfig(architecture="dcgan", num_layers=3)
DCGAN3_NOBN = NetworkConfig(architecture="dcgan", num_layers=3, batch_norm=False)
DCGAN4 = NetworkConfig(architecture="dcgan", num_layers=4)
DCGAN4_NOBN = NetworkConfig(architecture="dcgan", num_layers=4, batch_norm=False)
DCGAN4_NOBN_CF = NetworkConfig(architecture="dcgan", num_layers=4, batch_norm=False, growing=False)

OFFICIAL_METHODS = {
    "altgd": MethodConfig(name="alternating"),
    "simgd": MethodConfig(name="simultaneous"),
    "conopt": MethodConfig(name="simultaneous", transform="consensus", gamma=10.0),
    "smooth": MethodConfig(name="simultaneous", transform="smoothed", gamma=10.0),
}


def _consensus(gamma: float) -> MethodConfig:
    return MethodConfig(name="simultaneous", transform="consensus", gamma=gamma)


def _ring() -> Iterator[tuple[str, Config]]:
    network = NetworkConfig(architecture="mlp", width=16, num_layers=4, batch_norm=False)
    for name, method in (
        ("simultaneous", OFFICIAL_METHODS["simgd"]),
        ("consensus", OFFICIAL_METHODS["conopt"]),
    ):
        yield (
            f"ring/{name}",
            Config(
                data=DataConfig(name="ring"),
                generator=network,
                discriminator=network,
                method=method,
                batch_size=512,
                latent_size=16,
                num_steps=50_000,
                record_every=500,
                evaluate_every=5000,
                checkpoint_every=5000,
                samples=2560,
            ),
        )


def _celeba() -> Iterator[tuple[str, Config]]:
    for name, growing, width, latent_size, num_steps in (
        ("altgd", False, 128, 256, 150_000),
        ("simgd", False, 128, 256, 150_000),
        ("conopt", False, 128, 256, 1_500_000),
        ("conopt0", True, 64, 64, 1_500_000),
    ):
        network = NetworkConfig(
            architecture="resnet", width=width, num_layers=4, growing=growing, batch_norm=False
        )
        yield (
            f"celeba/{name}",
            Config(
                data=DataConfig(name="celeba", size=64),
                generator=network,
                discriminator=network,
                method=OFFICIAL_METHODS[name.removesuffix("0")],
                batch_size=128,
                latent_size=latent_size,
                num_steps=num_steps,
            ),
        )


def _cifar10() -> Iterator[tuple[str, Config]]:
    comparison = (
        (DCGAN4, "standard"),
        (DCGAN4_NOBN, "standard"),
        (DCGAN4_NOBN_CF, "standard"),
        (DCGAN4_NOBN_CF, "js"),
    )
    runs = [
        (f"{name}_{number}", network, method, objective)
        for number, (network, objective) in enumerate(comparison)
        for name, method in OFFICIAL_METHODS.items()
    ]
    runs += [
        (f"divergence_{objective}", DCGAN4_NOBN_CF, _consensus(10.0), objective)
        for objective in ("standard", "js", "indicator")
    ]
    runs += [
        ("conopt_conv3", DCGAN3_NOBN, _consensus(0.1), "standard"),
        ("conopt_conv4", DCGAN4_NOBN, _consensus(10.0), "standard"),
        ("dcgan_conv3", DCGAN3, OFFICIAL_METHODS["altgd"], "standard"),
        ("dcgan_conv4", DCGAN4, OFFICIAL_METHODS["altgd"], "standard"),
    ]
    for name, network, method, objective in runs:
        yield (
            f"cifar10/{name}",
            Config(
                data=DataConfig(name="cifar10"),
                generator=network,
                discriminator=network,
                game=GameConfig(objective=objective),
                method=method,
                batch_size=64,
                latent_size=256,
                num_steps=150_000,
            ),
        )


def _digits() -> Iterator[tuple[str, Config]]:
    """Yield what a laptop can do: the images that come with scikit-learn, 16×16.

    Ten times the official learning rate, so that thousands of steps show what is to be seen. The
    perceptron, which is there to try things out, keeps the official one.
    """
    hard = NetworkConfig(width=16, num_layers=3, batch_norm=False, growing=False)
    small = NetworkConfig(architecture="mlp", width=64, num_layers=2, batch_norm=False)
    for name, network, method in (
        ("mlp", small, OFFICIAL_METHODS["altgd"]),
        ("dcgan", NetworkConfig(width=16, num_layers=3), OFFICIAL_METHODS["altgd"]),
        ("alternating", hard, OFFICIAL_METHODS["altgd"]),
        ("simultaneous", hard, OFFICIAL_METHODS["simgd"]),
        ("consensus", hard, _consensus(10.0)),
    ):
        yield (
            f"digits/{name}",
            Config(
                data=DataConfig(name="digits", size=16),
                generator=network,
                discriminator=network,
                method=method if name == "mlp" else replace(method, learning_rate=1e-3),
                batch_size=64,
                latent_size=32,
                num_steps=5000,
            ),
        )


def _other_games() -> Iterator[tuple[str, Config]]:
    """Yield the other games of two networks on digits, as experiments/label_games plays them."""
    digits = DataConfig(name="digits", size=16)
    network = NetworkConfig(width=16, num_layers=3)
    plain = replace(network, batch_norm=False)
    translator = replace(plain, architecture="unet")
    for name, data, generator, discriminator, options in (
        ("conditional_gan", digits, network, network, {}),
        ("auxiliary_classifier_gan", digits, network, network, {}),
        ("info_gan", digits, network, network, {"num_categories": 10}),
        (
            "semi_supervised_gan",
            replace(digits, labels_per_class=10),
            network,
            plain,
            {"generator_loss": "feature_matching"},
        ),
        ("bigan", digits, network, plain, {}),
        ("image_to_image", replace(digits, pairs="quarter"), translator, plain, {}),
        ("edges", replace(digits, pairs="edges"), translator, plain, {}),
    ):
        played = "image_to_image" if name == "edges" else name
        yield (
            f"digits/{name}",
            Config(
                data=data,
                generator=generator,
                discriminator=discriminator,
                game=GameConfig(name=played, options=options),
                method=replace(OFFICIAL_METHODS["altgd"], learning_rate=1e-3),
                batch_size=64,
                latent_size=8 if name == "bigan" else 32,
                num_steps=3000,
            ),
        )


PRESETS: dict[str, Config] = dict([*_digits(), *_other_games(), *_ring(), *_cifar10(), *_celeba()])
"""Name → `Config`."""


def preset(name: str) -> Config:
    """Return a preset.

    Args:
        name: a name in `PRESETS`.

    Raises:
        ValueError: there is none of that name.

    Example:
        >>> preset("cifar10/conopt_conv4").method.gamma
        10.0
        >>> preset("digits/consnesus")
        Traceback (most recent call last):
        ...
        ValueError: unknown preset 'digits/consnesus': did you mean 'digits/consensus'? Known: ...
    """
    return lookup(PRESETS, name, argument="preset")
