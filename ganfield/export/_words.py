"""What a page says of a game, a transform or a method: words of its documentation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

_SYMBOLS = {
    "gamma": "γ",
    "step_size": "step size h",
    "coupling": "coupling c",
    "momentum": "momentum β",
    "alignment": "alignment α",
    "epsilon": "ε",
    "sigma": "σ",
    "mean": "mean μ",
    "max_norm": "largest norm c",
    "theta": "scale of θ",
    "phi": "scale of φ",
    "instance_noise": "instance noise σ",
    "penalty_weight": "penalty weight γ",
    "b1": "β₁",
    "b2": "β₂",
}


def label(name: str) -> str:
    """Return a name as people read it.

    Example:
        >>> label("negative_momentum"), label("gamma")
        ('negative momentum', 'γ')
    """
    return _SYMBOLS.get(name, name.replace("_", " "))


# Where in a sentence its formula begins, the first that fits.
_FORMULAS = (
    r"\bw = .*",
    r"\bloss_θ = .*",
    r"v_φ − γJ_θφᵀv_θ",
    r"\bv [−+] [^\s:;,]+",
    r"[^\s,:]+ ← .*",
    r"−∇L(?= )",
    r"\(\S+·v_θ, \S+·v_φ\)",
    r"v_θ·min\S+ [^,]*",
)


def summary(builder: Callable[..., Any]) -> tuple[str, str]:
    """Return what a builder's documentation says first: a formula, if there is one, and a sentence.

    Example:
        >>> import ganfield as gf
        >>> summary(gf.games.lattice)[0]
        'loss_θ = cos θ + cθ sin φ, loss_φ = cos φ − cφ sin θ'
        >>> summary(gf.methods.simultaneous)[1]
        'Simultaneous steps (SimGD, GDA) x ← x + U(v), with U(v) = h·v for sgd(h).'
    """
    first = " ".join((inspect.getdoc(builder) or "").split("\n\n")[0].split()).replace("``", "")
    sentence = first.removeprefix("Return ")
    if sentence[1:2].isalpha():  # A symbol stays as it is.
        sentence = sentence[:1].upper() + sentence[1:]
    matches = (re.search(pattern, first) for pattern in _FORMULAS)
    formula = next((match.group() for match in matches if match), "")
    return formula.rstrip("."), sentence


def story(builder: Callable[..., Any]) -> str:
    """Return a sentence on a game: what its file is about, or what its documentation says first."""
    about = (inspect.getdoc(inspect.getmodule(builder)) or "").split("\n")[0]
    return about or summary(builder)[1]


def argument(builder: Callable[..., Any], name: str) -> str:
    """Return the sentence of a builder's documentation on an argument.

    Example:
        >>> import ganfield as gf
        >>> argument(gf.consensus, "gamma")
        "γ ≥ 0; 10 in the paper's experiments"
    """
    text = inspect.getdoc(builder) or ""
    said = re.search(rf"^    {name}: (.*?)(?=^    \w|^\S|^$|\Z)", text, re.MULTILINE | re.DOTALL)
    if said is None:
        return ""
    words = " ".join(said.group(1).split()).replace("``", "").replace("`", "")
    sentence = re.split(r"\. |\.$", words)[0]
    return sentence if len(sentence) > 3 else ""
