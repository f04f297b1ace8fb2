"""The methods of a page, "alternating" or in a wrapper, "lookahead.alternating"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ganfield.checks import lookup
from ganfield.export._settings import INNER_SOLVES, METHOD_NAMES, numbers_of
from ganfield.export._words import argument, label, summary
from ganfield.methods import METHODS, WRAPPERS, Method


class Move(NamedTuple):
    """A method of the page.

    Attributes:
        label: its name as people read it.
        doc: a sentence on it.
        settings: name → default.
        docs: name → what it does.
        build: ``build(optimizer, settings)``.
        program: ``program(settings)`` is how a program calls it, with its optimizer to be filled
            in; the settings are texts.
    """

    label: str
    doc: str
    settings: dict[str, float]
    docs: dict[str, str]
    build: Callable[[Any, dict[str, Any]], Method]
    program: Callable[[dict[str, str]], str]


def move(name: str) -> Move:
    """Return a method of the page.

    Args:
        name: in `ganfield.METHODS`, or after one in `ganfield.WRAPPERS` and a dot.

    Raises:
        ValueError: there is none of the name, or it solves an equation in a step.

    Example:
        >>> made = move("lookahead.alternating")
        >>> made.settings, made.program({"share": "0.5"})
        ({'share': 0.5}, 'gf.methods.lookahead(gf.methods.alternating({optimizer}), share=0.5)')
    """
    outer, _, inner = name.rpartition(".")
    method = lookup(METHODS, inner, argument="method")
    if inner in INNER_SOLVES:
        raise ValueError(
            f"method {inner!r} cannot be exported: it solves an equation at every step, by "
            "GMRES and least squares, and JavaScript has no such solver. Allowed: "
            f"{', '.join(METHOD_NAMES)}"
        )
    wrapper = lookup(WRAPPERS, outer, argument="wrapper") if outer else None
    own = numbers_of(method)
    of_wrapper = {} if wrapper is None else numbers_of(wrapper)

    def build(rule: Any, settings: dict[str, Any]) -> Method:
        made = method(rule, **{key: settings[key] for key in own})
        return made if wrapper is None else wrapper(made, **{k: settings[k] for k in of_wrapper})

    def program(settings: dict[str, str]) -> str:
        call = f"gf.methods.{inner}({{optimizer}}{_said(own, settings)})"
        return f"gf.methods.{outer}({call}{_said(of_wrapper, settings)})" if outer else call

    docs = {key: argument(method, key) for key in own}
    docs |= {key: argument(wrapper, key) for key in of_wrapper if wrapper is not None}
    return Move(
        " ".join(label(each) for each in (outer, inner) if each),
        summary(wrapper or method)[1],
        own | of_wrapper,
        docs,
        build,
        program,
    )


def _said(names: dict[str, float], settings: dict[str, str]) -> str:
    return "".join(f", {name}={settings[name]}" for name in names)
