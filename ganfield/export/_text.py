"""The text of gathered statements: what is needed, in as few letters as may be.

What nobody needs is left out, and what is needed once is written where it is needed.
"""

from __future__ import annotations

import dataclasses
import itertools
import string
from collections import Counter
from collections.abc import Iterator

from ganfield.export._helpers import HELPERS
from ganfield.export._operators import fill
from ganfield.export._writer import Atom, Code, Let, Name

_MOST_DEPTH = 12  # of expressions within one another
_LETTERS = string.ascii_lowercase + string.ascii_uppercase
# JavaScript's of as many letters as names may have, and what expressions call.
_RESERVED = {
    "as",
    "do",
    "if",
    "in",
    "of",
    "for",
    "int",
    "let",
    "new",
    "NaN",
    "try",
    "var",
    *HELPERS,
}


def write(
    nodes: list[Let | Code],
    results: list[Atom],
    tables: dict[str, Name],
    parameters: list[Name],
) -> Written:
    """Return the text of statements, and those of the atoms that are read at their end."""
    needed = {*results}
    _need(nodes, needed)
    uses: Counter[Atom] = Counter()
    _count(nodes, results, needed, uses)
    fixed = {name.fixed for name in parameters}
    letters = (word for word in _letters() if word not in fixed)
    called = {name: next(letters) for name in tables.values() if name in needed}
    written = _Written(needed, uses, called, letters)
    own = [written.name(name) for name in parameters]
    text = written.statements(nodes)
    kept = {called[name]: value for value, name in tables.items() if name in needed}
    ends = [written.text(atom) for atom in results]
    return Written(text, ends, kept, own)


@dataclasses.dataclass(frozen=True)
class Written:
    """The texts of a function's body and its results, and what its tables and parameters are."""

    text: str
    results: list[str]
    tables: dict[str, str]
    parameters: list[str]


def _need(nodes: list[Let | Code], needed: set[Atom]) -> None:
    """Add all names that lead to those that are needed."""
    for node in reversed(nodes):
        if isinstance(node, Let):
            if node.name in needed:
                needed.update(node.operands)
        elif needed.intersection(node.makes):
            for body, ends in node.parts(needed):
                needed.update(ends)
                _need(body, needed)
            needed.update(node.operands)


def _count(
    nodes: list[Let | Code], results: list[Atom], needed: set[Atom], uses: Counter[Atom]
) -> None:
    """Count how often each name is read; what another body reads counts as often."""
    uses.update(results)
    for node in nodes:
        if isinstance(node, Let):
            if node.name in needed:
                uses.update(node.operands)
        elif needed.intersection(node.makes):
            uses.update(dict.fromkeys(node.operands, 2))
            for body, ends in node.parts(needed):
                _count(body, ends, needed, uses)
                # What comes from outside is computed before the body, and not in it.
                for atom in _read(body, ends, needed):
                    uses[atom] += 2


def _read(nodes: list[Let | Code], ends: list[Atom], needed: set[Atom]) -> set[Atom]:
    """Return what a body reads from outside of it."""
    read: set[Atom] = set(ends)
    made: set[Atom] = set()
    for node in nodes:
        if isinstance(node, Let):
            made.add(node.name)
            read.update(node.operands if node.name in needed else ())
        elif needed.intersection(node.makes):
            made.update(node.makes)
            read.update(node.operands)
            for body, last in node.parts(needed):
                read |= _read(body, last, needed)
    return read - made


def _letters() -> Iterator[str]:
    for length in itertools.count(1):
        for letters in itertools.product(_LETTERS, repeat=length):
            word = "".join(letters)
            if word not in _RESERVED:
                yield word


class _Written:
    """One writing of statements: which names are needed, how often, and their letters."""

    def __init__(
        self,
        needed: set[Atom],
        uses: Counter[Atom],
        called: dict[Name, str],
        letters: Iterator[str],
    ):
        self.needed, self.uses, self.called, self.letters = needed, uses, called, letters
        self.inlined: dict[Name, tuple[str, int]] = {}

    def text(self, atom: Atom) -> str:
        if isinstance(atom, str):
            return atom
        return self.inlined[atom][0] if atom in self.inlined else self.name(atom)

    def name(self, name: Name) -> str:
        if name.fixed is not None:
            return name.fixed
        if name not in self.called:
            self.called[name] = next(self.letters)
        return self.called[name]

    def statements(self, nodes: list[Let | Code]) -> str:
        text, constants = "", False  # Those that follow one another are one statement.
        for node in nodes:
            if isinstance(node, Let):
                if node.name not in self.needed:
                    continue
                own = fill(node.template, *map(self.text, node.operands))
                depth = 1 + max(
                    (self.inlined[x][1] for x in node.operands if x in self.inlined), default=0
                )
                if self.uses[node.name] == 1 and depth < _MOST_DEPTH:
                    self.inlined[node.name] = (own, depth)
                else:
                    begin = f"{text[:-1]}," if constants else f"{text}const "
                    text, constants = f"{begin}{self.name(node.name)}={own};", True
            elif self.needed.intersection(node.makes):
                bodies = [self.statements(body) for body, _ in node.bodies]
                text, constants = text + node.write(self.text, bodies, self.needed), False
        return text
