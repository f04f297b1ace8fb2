"""Write the tables of these pages that follow from the registries: ``python docs/tables.py``.

A table stands between ``<!-- METHODS -->`` and ``<!-- end -->``. Each builder's row is made of its
signature and of its docstring: the first line, the sentence "It costs …", the first reference.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import ganfield as gf

PAGES = tuple(Path(__file__).with_name(name) for name in ("methods.md", "games.md", "data.md"))
TABLE = re.compile(r"(?<=<!-- )([A-Z]+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
COLUMNS = {"METHODS": 5, "WRAPPERS": 5, "TRANSFORMS": 5, "GAMES": 4}


def written(page: str) -> str:
    """Return a page with its tables as the registries have them."""
    return TABLE.sub(lambda match: "".join((*match.groups(), table(match.group(1)))), page)


def table(registry: str) -> str:
    """Return the table of a registry."""
    if registry == "DATA":
        return lines_of(["`data.name`", "what it is", "`data.options`", "parts"], data_rows())
    kind = registry.lower().removesuffix("s")
    head = [kind, "what it is", "options", "reference", "it costs"][: COLUMNS[registry]]
    builders = gf.games.closed_forms() if registry == "GAMES" else getattr(gf, registry)
    rows = [row(name, build)[: len(head)] for name, build in builders.items()]
    return lines_of(head, rows)


def lines_of(head: list[str], rows: Iterable[list[str]]) -> str:
    """Return a table of these cells."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def data_rows() -> Iterator[list[str]]:
    """Yield what the signatures and docstrings of loaders say of the sets that have a name."""
    for name, source in gf.configuration.DATA.items():
        _, summary, *_ = row(name, getattr(gf.data, source.loader))
        takes = gf.configuration.keywords(
            getattr(gf.data, source.loader), skip=int(source.in_folder)
        )
        options = [
            f"`{option}={source.options.get(option, parameter.default)!r}`"
            for option, parameter in takes.items()
            if option not in ("split", "size")
        ]
        parts = "train, test" if source.has_parts else "train"
        yield [f"`{name}`", summary, ", ".join(options) or "–", parts]


def row(name: str, build: Callable[..., Any]) -> list[str]:
    """Return what the signature and the docstring of a builder say of it."""
    text = inspect.getdoc(build) or ""
    summary = text.partition("\n")[0].removeprefix("Return ").removesuffix(".")
    flat = " ".join(text.replace("``", "`").split())
    cost = re.search(r"It costs ([^.;]+)", flat)
    reference = re.search(r"Reference: (.+?)(?:,| et al\.).*?(\d{4})", flat)
    cells = (
        summary.replace("``", "`"),
        ", ".join(f"`{option}`" for option in options(build)),
        " ".join(reference.groups()) if reference else "",
        cost.group(1) if cost else "",
    )
    return [f"`{name}`", *(cell.replace("|", "\\|") or "–" for cell in cells)]


def options(build: Callable[..., Any]) -> list[str]:
    """Return the parameters that are options: all with a default, and those given by name."""
    return [
        parameter.name
        if parameter.default is parameter.empty
        else f"{parameter.name}={parameter.default!r}"
        for parameter in inspect.signature(build).parameters.values()
        if parameter.default is not parameter.empty or parameter.kind is parameter.KEYWORD_ONLY
    ]


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(written(path.read_text("utf-8")), "utf-8")
