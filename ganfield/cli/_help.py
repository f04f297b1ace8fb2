"""How the fields of a dataclass become options, and what help says of them."""

import ast
import dataclasses
import inspect
import itertools
import textwrap
from types import MappingProxyType
from typing import Any, TypeVar, dataclass_transform

from tyro.conf import arg

from ganfield.cli._registries import REGISTRIES

C = TypeVar("C")

_NOTHING = ("", "''", "None")  # defaults that are none


@dataclass_transform(kw_only_default=True, frozen_default=True)
def options(command: type[C]) -> type[C]:
    """Make a frozen dataclass whose fields are options, with the docstrings below them as help.

    In a docstring ``{games}``, ``{methods}`` and the like stand for the names of a registry.
    """
    made: Any = dataclasses.dataclass(frozen=True, kw_only=True)(command)
    names = {what: ", ".join(sorted(registry)) for what, registry in REGISTRIES.items()}
    fields = {field.name: field for field in dataclasses.fields(made)}
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(command))).body
    for option, below in itertools.pairwise(getattr(definition, "body", ())):
        match option, below:
            case ast.AnnAssign(ast.Name(name)), ast.Expr(ast.Constant(str(words))):
                # tyro would keep the line breaks of the source.
                text = " ".join(words.split()).format_map(names)
                fields[name].metadata = MappingProxyType({"help": text})
    return made


def shown(metavar: str | None = None, **changes: Any) -> Any:
    """Return how help calls an option's value; it says the default, but None, that it has.

    What no value means is said in the option's docstring.
    """
    return arg(
        metavar=metavar,
        help_behavior_hint=lambda default: f"(default: {default})" * (default not in _NOTHING),
        **changes,
    )
