"""``ganfield list``: what there is to choose from."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from rich.table import Table
from tyro.conf import Positional, arg

import ganfield as gf
from ganfield.cli._options import Json
from ganfield.cli._show import show

# What → the option that takes such a name; None where only programs do.
_OPTIONS = {
    "games": "--game",
    "methods": "--method",
    "transforms": "--transform",
    "objectives": "--objective",
    "penalties": "--set penalty=NAME",
    "networks": None,
    "presets": "--preset",
}


# What → the extra and the package without which there is none.
_NEEDS = {"networks": ("networks", "flax"), "presets": ("images", "flax, orbax and Pillow")}


@dataclass(frozen=True, kw_only=True)
class List:
    """List games, methods, transforms, objectives, penalties and networks, and presets to train.

    Parameters of games go to --set, the γ of transforms to --gamma; others are for programs.

    Try:
      ganfield list games
      ganfield list --json
    """

    what: Annotated[
        Positional[str | None],
        arg(
            metavar="WHAT",
            help=f"Which of them: {', '.join(_OPTIONS)}.",
            help_behavior_hint="(default: all)",
        ),
    ] = None
    json: Json = False

    def run(self) -> int:
        """Print names, what they are, and the parameters that a builder takes."""
        if self.what is not None:
            gf.checks.lookup(_OPTIONS, self.what, argument="list")
        names = list(_OPTIONS) if self.what is None else [self.what]
        registries: dict[str, Mapping[str, Any] | None] = {}
        for name in names:
            try:
                registries[name] = _registry(name)
            except ImportError:
                if self.what is not None:
                    raise
                registries[name] = None
        if self.json:
            print(gf.reporting.to_json({n: _record(n, r) for n, r in registries.items()}))
            return 0
        for name, registry in registries.items():
            option = _OPTIONS[name]
            print(f"{name} ({option})" if option else f"{name} (in programs, for gf.games.gan)")
            if registry is None:
                extra, package = _NEEDS[name]
                print(f"  these need {package}: pip install 'ganfield[{extra}]'\n")
                continue
            table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
            table.add_column(no_wrap=True)
            for key, entry in _record(name, registry).items():
                words = [
                    name if parameter["required"] else f"{name}={parameter['default']}"
                    for name, parameter in entry["parameters"].items()
                ]
                table.add_row(f"  {key}", entry["summary"])
                if words:
                    table.add_row("", f"parameters: {', '.join(words)}")
            show(table)
            print()
        return 0


def _registry(name: str) -> Mapping[str, Any]:
    if name == "networks":
        return gf.NETWORKS
    if name == "presets":
        return gf.configuration.PRESETS
    registries: dict[str, Mapping[str, Any]] = {
        "games": gf.GAMES,
        "methods": gf.METHODS,
        "transforms": gf.TRANSFORMS,
        "objectives": gf.OBJECTIVES,
        "penalties": gf.games.PENALTIES,
    }
    return registries[name]


def _record(name: str, registry: Mapping[str, Any] | None) -> Any:
    """Return name → summary and parameters; None where there is no registry."""
    if registry is None:
        return None
    found = {}
    for key, build in registry.items():
        if name == "presets":
            found[key] = {"summary": build.summary(), "parameters": {}}
            continue
        summary = (inspect.getdoc(build) or "").partition("\n")[0].removeprefix("Return ")
        # Objectives and penalties are functions themselves, not builders.
        listed = [] if name in ("objectives", "penalties") else _parameters(build)
        found[key] = {"summary": summary, "parameters": dict(listed)}
    return found


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
