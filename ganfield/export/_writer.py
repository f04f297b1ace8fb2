"""Statements of a JavaScript function, gathered first; `ganfield.export._text` writes them.

Nothing that is gathered is ever changed afterwards: every name stands for one value, except those
that a loop carries. So what is computed twice is kept once.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias


@dataclasses.dataclass(frozen=True, eq=False)
class Name:
    """What a value is called in JavaScript; the letters are chosen when all is written.

    Attributes:
        fixed: its letters, if they are given: those of a parameter, a table or a helper.
    """

    fixed: str | None = None


Atom: TypeAlias = Name | str
"""A name, or a literal such as "0.5"."""
Text: TypeAlias = Callable[[Atom], str]
"""How an atom is written."""


@dataclasses.dataclass(eq=False)
class Let:
    """``const name = …``: an expression of operands without effects."""

    name: Name
    template: str
    operands: tuple[Atom, ...]


@dataclasses.dataclass(eq=False)
class Code:
    """Statements with bodies of their own: a loop or a branch.

    Attributes:
        makes: the names that it declares, all needed if one is.
        operands: what it reads outside its bodies.
        write: ``write(text, bodies) -> JavaScript``, with the texts of the bodies.
        bodies: the statements of each, and the atoms that are read at its end.
        stores: of a loop over elements: array → the element that it keeps, if it is needed.
        kept: of a loop over elements: its expressions.
        index: of a loop over elements: its round.
    """

    makes: list[Name]
    operands: list[Atom]
    write: Callable[[Text, list[str], set[Atom]], str]
    bodies: list[tuple[list[Let | Code], list[Atom]]] = dataclasses.field(default_factory=list)
    stores: dict[Name, Atom] = dataclasses.field(default_factory=dict)
    kept: dict[tuple, Name] = dataclasses.field(default_factory=dict)
    index: Name = dataclasses.field(default_factory=Name)

    def parts(self, needed: set[Atom]) -> Iterator[tuple[list[Let | Code], list[Atom]]]:
        """Return each body, and what is read at its end if so much is needed."""
        stored = [inner for name, inner in self.stores.items() if name in needed]
        return ((body, [*ends, *stored]) for body, ends in self.bodies)


class _Scope:
    """Where statements are gathered: a function's, or those of a body."""

    def __init__(self, nodes: list[Let | Code], kept: dict[tuple, Name]):
        self.nodes, self.kept = nodes, kept
        self.loops: dict[int, Code] = {}


class Writer:
    """Gathers statements, tables and helpers of one function."""

    def __init__(self) -> None:
        self.scopes = [_Scope([], {})]
        self.tables: dict[str, Name] = {}
        self._born: dict[Name, int] = {}
        self._clock = itertools.count()
        self._negatives: dict[Name, Atom] = {}

    @property
    def nodes(self) -> list[Let | Code]:
        """The statements of the scope at hand."""
        return self.scopes[-1].nodes

    def let(self, template: str, *operands: Atom) -> Name:
        """Return the atom of an expression, the same for the same expression."""
        key = (template, operands)
        for scope in self.scopes:
            if key in scope.kept:
                return scope.kept[key]
        name = self.named()
        self.nodes.append(Let(name, template, operands))
        self.scopes[-1].kept[key] = name
        if template == "-{0}":
            self._negatives[name] = operands[0]
        return name

    def negative(self, atom: Atom) -> Atom:
        """Return −x."""
        before = self.negated(atom)
        return self.let("-{0}", atom) if before is None else before

    def negated(self, atom: Atom) -> Atom | None:
        """Return x of an atom that is −x, and None of any other."""
        return self._negatives.get(atom) if isinstance(atom, Name) else None

    def named(self) -> Name:
        """Return a new name."""
        name = Name()
        self._born[name] = next(self._clock)
        return name

    def code(self, code: Code) -> None:
        """Gather a statement with bodies."""
        self.nodes.append(code)

    def table(self, text: str) -> Name:
        """Return the name of a constant that is made once, outside the function."""
        if text not in self.tables:
            self.tables[text] = Name()
        return self.tables[text]

    @contextmanager
    def body(self) -> Iterator[list[Let | Code]]:
        """Gather statements in a body of their own."""
        self.scopes.append(_Scope([], {}))
        try:
            yield self.nodes
        finally:
            self.scopes.pop()

    def elements(self, size: int, before: Iterable[Atom], own: Iterable[Name] = ()) -> Code:
        """Return the loop over so many elements into which one more operation may be put.

        Args:
            size: how many rounds it has.
            before: what the operation reads that must be there before the loop begins.
            own: arrays of which a round reads its own element, which the loop itself may make.
        """
        loops = self.scopes[-1].loops
        loop = loops.get(size)
        if loop is not None:
            start = self._born[loop.index]
            reads = [*before, *(name for name in own if name not in loop.stores)]
            if all(isinstance(x, str) or self._born.get(x, -1) < start for x in reads):
                return loop
        index = self.named()

        def write(text: Text, bodies: list[str], needed: set[Atom]) -> str:
            kept = {name: inner for name, inner in made_loop.stores.items() if name in needed}
            made = "".join(f"const {text(name)}=new Float64Array({size});" for name in kept)
            stored = "".join(f"{text(name)}[{text(index)}]={text(x)};" for name, x in kept.items())
            i = text(index)
            return f"{made}for(let {i}=0;{i}<{size};{i}++){{{bodies[0]}{stored}}}"

        made_loop = Code([], [], write, [([], [])], index=index)
        loops[size] = made_loop
        self.nodes.append(made_loop)
        return made_loop

    @contextmanager
    def within(self, loop: Code) -> Iterator[None]:
        """Gather statements in a loop over elements that is there already."""
        self.scopes.append(_Scope(loop.bodies[0][0], loop.kept))
        try:
            yield
        finally:
            self.scopes.pop()

    def keep(self, loop: Code, inner: Atom) -> Name:
        """Return the name of the array of an element of all rounds of a loop."""
        for name, other in loop.stores.items():
            if other == inner:
                return name
        name = Name()
        self._born[name] = self._born[loop.index]
        loop.makes.append(name)
        loop.stores[name] = inner
        return name
