"""What a training run is, as one value: frozen, typed, and the same in Python, JSON and --set."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganfield._files import parse_json
from ganfield.checks import check_count, check_not_negative, check_seed, lookup
from ganfield.configuration._settings import Options, check_numbers, flat, from_tree, replaced
from ganfield.configuration._stop import stop_rule

_MOST_LAYERS = 1000  # each is compiled


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which images.

    Attributes:
        name: a name in `ganfield.configuration.DATA`, "digits" for example.
        folder: where they are, for sets that are no part of a package.
        split: which part of the set, "train" or "test".
        size: height and width that they are brought to, where the set can be; None for its own.
        flip: whether half of the images, drawn anew each time, are mirrored.
        labels_per_class: how many examples of each class keep their label; None for all.
        labelled_share: which part of a batch with labels has one, where few are kept.
        pairs: what the images are to be made from, "quarter" or "edges" (`ganfield.data.PAIRS`);
            None where there are no pairs.
        storage: "device" keeps all images on the device and draws them inside the compiled loop;
            "host" streams batches to it; "auto" chooses "device" where they fit.
        options: further arguments of the loader.
    """

    name: str = "digits"
    folder: str | None = None
    split: str = "train"
    size: int | None = None
    flip: bool = False
    labels_per_class: int | None = None
    labelled_share: float = 0.25
    pairs: str | None = None
    storage: str = "auto"
    options: Options = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the numbers, and the name of the storage."""
        if self.labels_per_class is not None:
            check_count(self.labels_per_class, argument="data.labels_per_class")
        if not 0 < self.labelled_share <= 1:
            raise ValueError(f"data.labelled_share must be in (0, 1], got {self.labelled_share!r}")
        lookup(dict.fromkeys(("auto", "device", "host")), self.storage, argument="data.storage")


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """How one player is built.

    Attributes:
        architecture: "dcgan", "resnet" or "mlp"; "unet" or "mlp" of a generator that translates.
        width: f, the number of feature maps of the layer that has fewest; of a perceptron's every
            hidden layer.
        num_layers: how many times the image's size is halved or doubled; of a perceptron, how many
            hidden layers there are, at most 1000.
        growing: whether a layer has twice the feature maps of its larger neighbour; otherwise every
            layer has f.
        batch_norm: whether layers are normalised by the statistics of their batch; None for what
            the architecture has if nothing is said: false for "mlp", which knows none, true for the
            others. It is true or false once the configuration is made.
        spectral_norm: whether kernels are divided by their largest singular value.
        dtype: what is computed in, "float32" or "bfloat16"; None for that of the parameters.
        options: further arguments of the builder.
    """

    architecture: str = "dcgan"
    width: int = 64
    num_layers: int = 4
    growing: bool = True
    batch_norm: bool | None = None
    spectral_norm: bool = False
    dtype: str | None = None
    options: Options = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Decide what was left open."""
        if self.batch_norm is None:
            object.__setattr__(self, "batch_norm", self.architecture != "mlp")


@dataclass(frozen=True, kw_only=True)
class GameConfig:
    """What is played.

    Attributes:
        name: a name in `ganfield.games.gans`.
        objective: a name in `ganfield.OBJECTIVES`.
        penalty: a name in `ganfield.PENALTIES`, or None.
        penalty_weight: its weight.
        instance_noise: standard deviation of the noise added to real and fake images.
        options: further arguments of the game, such as ``num_categories``.
    """

    name: str = "gan"
    objective: str = "standard"
    penalty: str | None = None
    penalty_weight: float = 10.0
    instance_noise: float = 0.0
    options: Options = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_numbers(self, prefix="game.")


@dataclass(frozen=True, kw_only=True)
class MethodConfig:
    """How the players move.

    Attributes:
        name: a name in `ganfield.METHODS`.
        transform: what makes of v the field that the players move along, a name in
            `ganfield.TRANSFORMS`.
        gamma: γ of that transform; None where it has none.
        optimizer: a name in `OPTIMIZERS`: "numerics_rmsprop" (the official code's), or that of an
            optimizer in optax, such as "adam".
        learning_rate: of both players.
        phi_learning_rate: the discriminator's own, if it has one.
        theta_steps: moves of the generator in a step; only alternating steps can have more than 1.
        phi_steps: moves of the discriminator in a step.
        transform_options: further arguments of the transform.
        optimizer_options: further arguments of the optimizer, such as ``b1``.
        options: further arguments of the method.
        wrapper: what is made of the method, a name in `ganfield.WRAPPERS`, or None.
        wrapper_options: further arguments of the wrapper, such as ``decay``.
    """

    name: str = "simultaneous"
    transform: str = "identity"
    gamma: float | None = None
    optimizer: str = "numerics_rmsprop"
    learning_rate: float = 1e-4
    phi_learning_rate: float | None = None
    theta_steps: int = 1
    phi_steps: int = 1
    transform_options: Options = dataclasses.field(default_factory=dict)
    optimizer_options: Options = dataclasses.field(default_factory=dict)
    options: Options = dataclasses.field(default_factory=dict)
    wrapper: str | None = None
    wrapper_options: Options = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_numbers(self, prefix="method.")
        for name in ("theta_steps", "phi_steps"):
            check_count(getattr(self, name), argument=f"method.{name}")
        for name in ("eps", "eps_root"):
            if name in self.optimizer_options:
                argument = f"method.optimizer_options.{name}"
                check_not_negative(self.optimizer_options[name], argument=argument)


@dataclass(frozen=True, kw_only=True)
class Config:
    """All that decides a training run.

    Attributes:
        data: which images.
        generator: how θ's network is built.
        discriminator: how φ's network is built.
        game: objective and penalties.
        method: field, method and optimizer.
        batch_size: real images, and latent variables, of one batch.
        latent_size: features of one latent variable.
        seed: of everything that is random.
        num_steps: train to this step.
        record_every: steps between rows of the metrics.
        evaluate_every: steps between sample grids and scores.
        checkpoint_every: steps between checkpoints.
        samples: images in a grid.
        reference_size: latent variables of the fixed batch that batch norm takes its statistics
            from in grids and scores.
        keep: how many of the last checkpoints stay.
        stop: the rule by which the run stops before ``num_steps``, in the words that
            `ganfield.configuration.stop_rule` explains; None for no rule.

    Raises:
        ValueError: a number is out of its range, or ``stop`` is no rule. Names are checked by
            `ganfield.configuration.build`.

    Example:
        >>> config = Config(batch_size=32).replace({"method.gamma": "0.1"})
        >>> config.method.gamma
        0.1
    """

    data: DataConfig = DataConfig()
    generator: NetworkConfig = NetworkConfig()
    discriminator: NetworkConfig = NetworkConfig()
    game: GameConfig = GameConfig()
    method: MethodConfig = MethodConfig()
    batch_size: int = 64
    latent_size: int = 256
    seed: int = 0
    num_steps: int = 150_000
    record_every: int = 100
    evaluate_every: int = 1000
    checkpoint_every: int = 1000
    samples: int = 64
    reference_size: int = 512
    keep: int = 3
    stop: str | None = None

    def __post_init__(self) -> None:
        """Check the numbers, so that no wrong configuration exists."""
        for name in ("batch_size", "latent_size", "record_every", "evaluate_every"):
            check_count(getattr(self, name), argument=name)
        for name in ("checkpoint_every", "samples", "reference_size", "keep"):
            check_count(getattr(self, name), argument=name)
        for player in ("generator", "discriminator"):
            for name in ("width", "num_layers"):
                most = _MOST_LAYERS if name == "num_layers" else None
                value = getattr(getattr(self, player), name)
                check_count(value, argument=f"{player}.{name}", maximum=most)
        check_count(self.num_steps, argument="num_steps", minimum=0)
        check_seed(self.seed, argument="seed")
        if self.stop is not None:
            # In one spelling, so that another one is no other configuration.
            object.__setattr__(self, "stop", str(stop_rule(self.stop)))

    def replace(self, changes: Mapping[str, Any]) -> "Config":
        """Return the configuration with other values, by dotted names.

        Where another data set, architecture, transform, method or optimizer is chosen, what the one
        before was told and this one does not take goes, unless the changes say it: whoever chose
        did not ask for it. So a preset's γ goes with its transform.

        Args:
            changes: dotted name → value, or the text of one as ``--set`` gives it.

        Raises:
            ValueError: a name is unknown, or a value is not of the kind that the name wants.

        Example:
            >>> Config().replace({"generator.widht": 32})
            Traceback (most recent call last):
            ...
            ValueError: unknown setting 'generator.widht': did you mean 'generator.width'? ...
        """
        # Which knows the registries, and they know what a configuration is.
        from ganfield.configuration._choices import CHOICES, left_behind

        config = self
        left = left_behind(self, changes)
        # Last comes what is said of the options of what was chosen.
        choices = {name: value for name, value in changes.items() if name in CHOICES}
        changes = {**choices, **left, **changes}
        for name, value in changes.items():
            config = replaced(config, name, value)
        return config

    def summary(self) -> str:
        """Return the configuration in a line.

        Example:
            >>> Config().summary()
            'digits: dcgan (4 layers, f = 64), simultaneous, standard, 150000 steps.'
        """
        network, method = self.generator, self.method
        size = "f" if network.growing else "constant f"
        words = [f"{network.num_layers} layers, {size} = {network.width}"]
        if network.architecture == "dcgan" and not network.batch_norm:
            words.append("no batch norm")
        moves = method.name
        if method.transform != "identity":
            moves += f" on {method.transform}"
            moves += "" if method.gamma is None else f" γ = {method.gamma:g}"
        played = self.game.objective
        if self.game.name != "gan":
            played = f"{self.game.name} {played}"
        return (
            f"{self.data.name}: {network.architecture} ({', '.join(words)}), {moves}, "
            f"{played}, {self.num_steps} steps."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as nested dicts of plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> "Config":
        """Return the configuration of nested dicts; what they leave out has its default.

        Raises:
            ValueError: a name is unknown, or a value is not of the kind that the name wants.
        """
        return from_tree(cls, tree)

    def to_json(self) -> str:
        """Return the configuration as JSON text; `from_json` reads it back, equal."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Return the configuration that a text holds.

        Raises:
            ValueError: it is no JSON, or no configuration.
        """
        tree = parse_json(text)
        if not isinstance(tree, dict):
            raise ValueError(f"a configuration must be a JSON object, got {text[:40]!r}")
        return cls.from_dict(tree)

    def differences(self, other: "Config") -> dict[str, tuple[Any, Any]]:
        """Return dotted name → (value here, value there), where the two differ.

        Example:
            >>> Config().differences(Config(seed=3))
            {'seed': (0, 3)}
        """
        here, there = dict(flat(self)), dict(flat(other))
        return {
            name: (here.get(name, "(not given)"), there.get(name, "(not given)"))
            for name in dict.fromkeys([*here, *there])
            if name not in here or name not in there or here[name] != there[name]
        }
