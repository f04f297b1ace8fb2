"""Expressions within expressions: which operators bind tighter, and where parentheses must be."""

from __future__ import annotations

import functools
import re


def fill(template: str, *operands: str) -> str:
    """Return a template with its operands, in parentheses where its operators ask for them.

    Example:
        >>> fill("{0}*{1}", "a+b", "f(c+d)")
        '(a+b)*f(c+d)'
    """
    *parts, last = re.split(r"\{(\d+)\}", template)
    befores, indices = parts[::2], parts[1::2]
    out = ""
    for before, index, after in zip(befores, indices, [*befores[1:], last], strict=True):
        out += before
        own = operands[int(index)]
        left, right = _LAST.search(before), _FIRST.match(after)
        tie = max(
            _RANK[left.group()] + 0.5 if left else 0,
            _RANK[right.group()] if right else 0,
            # A sign is one where nothing comes before it.
            _SIGN + 0.5 if left and left.group() == "-" and not out[:-1] else 0,
        )
        tight = rank(own) < tie or (own.startswith("-") and out.endswith(("-", "+", "*")))
        out += f"({own})" if tight else own
    return out + last


_OPERATORS: tuple[tuple[str, ...], ...] = (
    ("?", ":"),
    ("||",),
    ("&&",),
    ("|",),
    ("^",),
    ("&",),
    ("===", "!=="),
    ("<", ">", "<=", ">="),
    ("<<", ">>", ">>>"),
    ("+", "-"),
    ("*", "/", "%"),
)
_SIGN, _POWER, _WHOLE = len(_OPERATORS) + 1, len(_OPERATORS) + 2, len(_OPERATORS) + 3
_RANK = {symbol: rank for rank, symbols in enumerate(_OPERATORS, start=1) for symbol in symbols}
_RANK |= {"!": _SIGN, "!!": _SIGN, "~": _SIGN, "**": _POWER}
_SYMBOLS = "|".join(re.escape(symbol) for symbol in sorted(_RANK, key=len, reverse=True))
_LAST, _FIRST = re.compile(f"(?:{_SYMBOLS})$"), re.compile(f"(?:{_SYMBOLS})")
_TOKEN = re.compile(
    rf"(?P<open>[(\[])|(?P<close>[)\]])|(?P<word>\d[\d.]*e-\d+|[\w.]+)|(?P<symbol>{_SYMBOLS})|."
)


@functools.cache
def rank(text: str) -> int:
    """Return how tightly the loosest operator of an expression binds.

    Example:
        >>> rank("a+b*c") < rank("a*(b+c)") < rank("-a") < rank("f(a+b)[2]")
        True
        >>> rank("-e-1e-8") == rank("a-b")
        True
    """
    depth, loosest, before = 0, _WHOLE, ""
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        depth += (kind == "open") - (kind == "close")
        if kind == "symbol" and depth == 0:
            symbol = token.group()
            loosest = min(loosest, _SIGN if not before and symbol == "-" else _RANK[symbol])
        before = "" if kind == "symbol" else "x"
    return loosest
