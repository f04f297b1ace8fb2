"""``ganfield list``: what there is to choose from."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

from rich.table import Table
from tyro.conf import Positional

import ganfield as gf
from ganfield.cli._help import options, shown
from ganfield.cli._options import Json
from ganfield.cli._registries import REGISTRIES
from ganfield.cli._show import show, tell

# What → the option that takes such a name; None where only programs do.
_OPTIONS = {
    "games": "--game",
    "gans": "ganfield train --set game.name=NAME",
    "methods": "--method",
    "wrappers": "--wrapper",
    "transforms": "--transform",
    "objectives": "--objective",
    "penalties": "--set penalty=NAME",
    "optimizers": "--optimizer",
    "networks": None,
    "presets": "--preset",
}
# What → the extra and the package without which there is none.
_NEEDS = {"networks": ("networks", "flax"), "presets": ("images", "flax, orbax and Pillow")}


@options
class List:
    """List games, methods, transforms, objectives and the like, and presets to train.

    Parameters of games go to --set, the γ of transforms to --gamma; others are for programs.

    Try:
      ganfield list games
      ganfield list --json
    """

    what: Annotated[Positional[str | None], shown("WHAT")] = None
    """Which of them: games, gans, methods, wrappers, transforms, objectives, penalties, optimizers,
    networks or presets; all for every one. (default: all)"""
    json: Json = False

    def run(self) -> int:
        """Print names, what they are, and the parameters that a builder takes."""
        lists = self.find()
        tell(self, lists)
        return 0

    def find(self) -> dict[str, dict[str, Any] | None]:
        """Return what → name → summary and parameters.

        None stands for what needs a package that is not there, unless it alone was asked for.
        """
        if self.what not in (None, "all"):
            gf.checks.lookup(_OPTIONS, self.what, argument="list")
            return {self.what: _entries(self.what)}
        lists: dict[str, dict[str, Any] | None] = {}
        for what in _OPTIONS:
            try:
                lists[what] = _entries(what)
            except ImportError:
                lists[what] = None
        return lists

    def record(self, lists: dict[str, dict[str, Any] | None]) -> dict[str, dict[str, Any] | None]:
        """Return the lists for JSON, as they are."""
        return lists

    def say(self, lists: Mapping[str, dict[str, Any] | None]) -> None:
        """Print a table for each list."""
        for what, entries in lists.items():
            option = _OPTIONS[what]
            print(f"{what} ({option})" if option else f"{what} (in programs, for gf.games.gan)")
            if entries is None:
                extra, package = _NEEDS[what]
                print(f"  these need {package}: pip install 'ganfield[{extra}]'\n")
                continue
            table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
            table.add_column(no_wrap=True)
            for name, entry in entries.items():
                words = [
                    key if parameter["required"] else f"{key}={parameter['default']}"
                    for key, parameter in entry["parameters"].items()
                ]
                table.add_row(f"  {name}", entry["summary"])
                if words:
                    table.add_row("", f"parameters: {', '.join(words)}")
            show(table)
            print()


def _entries(what: str) -> dict[str, Any]:
    """Return name → summary and parameters."""
    if what == "presets":
        presets = gf.configuration.PRESETS.items()
        return {name: {"summary": each.summary(), "parameters": {}} for name, each in presets}
    entries = {}
    for name, build in (gf.NETWORKS if what == "networks" else REGISTRIES[what]).items():
        summary = (inspect.getdoc(build) or "").partition("\n")[0].removeprefix("Return ")
        # Objectives and penalties are functions themselves, not builders.
        listed = () if what in ("objectives", "penalties") else _parameters(build)
        entries[name] = {"summary": summary, "parameters": dict(listed)}
    return entries


def _parameters(build: Callable[..., Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what can be chosen: not the field, optimizer or sizes that come first."""
    for parameter in inspect.signature(build).parameters.values():
        required = parameter.default is parameter.empty
        if required and parameter.kind is not parameter.KEYWORD_ONLY:
            continue
        default = None if required else parameter.default
        # Functions are named: JSON has none.
        default = default.__name__ if callable(default) else default
        yield parameter.name, {"required": required, "default": default}
