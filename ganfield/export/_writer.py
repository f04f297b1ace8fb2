"""Statements of a JavaScript function, gathered first and written at the end.

Nothing that is gathered is ever changed afterwards: every name stands for one value, except those
that a loop carries. So what is computed twice is kept once, what nobody needs is left out, and what
is needed once is written where it is needed.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

_MOST_DEPTH = 12  # of expressions within one another
_LETTERS = string.ascii_lowercase + string.ascii_uppercase
# Of as many letters as names may have.
_RESERVED = frozenset(
    ("as", "do", "if", "in", "of", "for", "int", "let", "new", "NaN", "try", "var")
)


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
    write: Callable[[Text, list[str], set[Name]], str]
    bodies: list[tuple[list[Let | Code], list[Atom]]] = dataclasses.field(default_factory=list)
    stores: dict[Name, Atom] = dataclasses.field(default_factory=dict)
    kept: dict[tuple, Name] = dataclasses.field(default_factory=dict)
    index: Name = dataclasses.field(default_factory=Name)


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

        def write(text: Text, bodies: list[str], needed: set[Name]) -> str:
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


def write(
    nodes: list[Let | Code],
    results: list[Atom],
    tables: dict[str, Name],
    parameters: list[Name],
) -> Written:
    """Return the text of statements, and those of the atoms that are read at their end."""
    needed = _needed(nodes, results)
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


def _needed(nodes: list[Let | Code], results: list[Atom]) -> set[Name]:
    """Return all names that lead to the results."""
    needed = {atom for atom in results if isinstance(atom, Name)}
    _need(nodes, needed)
    return needed


def _need(nodes: list[Let | Code], needed: set[Name]) -> None:
    for node in reversed(nodes):
        if isinstance(node, Let):
            if node.name in needed:
                needed.update(atom for atom in node.operands if isinstance(atom, Name))
        elif needed.intersection(node.makes):
            for body, ends in node.bodies:
                needed.update(atom for atom in ends if isinstance(atom, Name))
                stored = [inner for name, inner in node.stores.items() if name in needed]
                needed.update(atom for atom in stored if isinstance(atom, Name))
                _need(body, needed)
            needed.update(atom for atom in node.operands if isinstance(atom, Name))


def _count(
    nodes: list[Let | Code], results: list[Atom], needed: set[Name], uses: Counter[Atom]
) -> None:
    """Count how often each name is read; what another body reads counts as often."""
    uses.update(results)
    for node in nodes:
        if isinstance(node, Let):
            if node.name in needed:
                uses.update(node.operands)
        elif needed.intersection(node.makes):
            uses.update(dict.fromkeys(node.operands, 2))
            for body, ends in node.bodies:
                stored = [inner for name, inner in node.stores.items() if name in needed]
                _count(body, [*ends, *stored], needed, uses)
                # What comes from outside is computed before the body, and not in it.
                for atom in _read(body, [*ends, *stored], needed):
                    uses[atom] += 2


def _read(nodes: list[Let | Code], ends: list[Atom], needed: set[Name]) -> set[Atom]:
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
            for body, last in node.bodies:
                stored = [inner for name, inner in node.stores.items() if name in needed]
                read |= _read(body, [*last, *stored], needed)
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
        needed: set[Name],
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
