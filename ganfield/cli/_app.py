"""The commands, and how they are chosen."""

import functools
import inspect
import operator
from collections.abc import Sequence
from typing import Annotated, Any, Protocol

import jax
import tyro

from ganfield.checks import lookup
from ganfield.cli._compare import Compare
from ganfield.cli._equilibria import Equilibria
from ganfield.cli._explore import Explore
from ganfield.cli._field import Field
from ganfield.cli._list import List
from ganfield.cli._probe import Probe
from ganfield.cli._report import Report
from ganfield.cli._sample import Sample
from ganfield.cli._spectrum import Spectrum
from ganfield.cli._sweep import Sweep
from ganfield.cli._train import Train
from ganfield.cli._train_classifier import TrainClassifier

DESCRIPTION = """GAN training as motion along a vector field: look at small games, train on images.

A game of two players θ and φ gives the field v, the direction in which both move; a transform makes
another field w of it. `ganfield COMMAND --help` explains a command.

exit codes:
  0    success
  1    nothing was found, a run met a NaN, a package is missing, a file cannot be written, or
       another process of the run was lost
  2    an argument is not allowed
  130  interrupted by Ctrl-C (143: by SIGTERM)"""


class _Command(Protocol):
    def run(self) -> int: ...


COMMANDS: dict[str, type[_Command]] = {
    "field": Field,
    "spectrum": Spectrum,
    "equilibria": Equilibria,
    "explore": Explore,
    "list": List,
    "train": Train,
    "sweep": Sweep,
    "compare": Compare,
    "sample": Sample,
    "report": Report,
    "probe": Probe,
    "train-classifier": TrainClassifier,
}


def run(args: Sequence[str]) -> int:
    """Parse the arguments and run the command that they name, in float64.

    Raises:
        ValueError: the command is unknown, or an argument of it is not allowed.
        SystemExit: help was asked for, or tyro cannot read the arguments and has said why.
    """
    if args and not args[0].startswith("-"):
        lookup(COMMANDS, args[0], argument="command")
    if args and args[0] == "train" and "--output" in (text.partition("=")[0] for text in args):
        # All other commands that write have it, and tyro would only miss a folder.
        raise ValueError("train has no --output, its folder comes first: ganfield train RUN")
    choices: list[Any] = [
        Annotated[command, tyro.conf.subcommand(name, description=_describe(command, name, args))]
        for name, command in COMMANDS.items()
    ]
    any_command: Any = functools.reduce(operator.or_, choices)
    command = tyro.cli(
        any_command,
        prog="ganfield",
        description=DESCRIPTION,
        args=list(args),
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.DisallowNone),
    )
    with jax.enable_x64(True):
        return command.run()


def _describe(command: type[_Command], name: str, args: Sequence[str]) -> str:
    """Return the whole description of the command that is run, and one line of the others."""
    whole = inspect.getdoc(command) or ""
    return whole if args and args[0] == name else whole.partition("\n")[0]
