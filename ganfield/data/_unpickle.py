"""The few instructions of pickles of which CIFAR-10's Python layout consists, and nothing else.

A pickle is a program. Here no unpickler runs it: its instructions are read one by one, those that
CIFAR-10 has no use for are refused, and so is whatever would be nested deeper than its arrays are.
"""

import math
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np

from ganfield._files import reason_of
from ganfield.data._files import StrPath, describe, wrong

_EXPECTED = "a pickle of a dict of unsigned bytes, labels and names"
_MOST_PER_RECORD = 32  # instructions; a label and a name take ten
_MOST_BESIDE = 1000


class _RefusedError(Exception):
    """What CIFAR-10 does not hold."""


class _Made:
    """What a call makes: a dtype, or an array whose bytes are yet to come."""

    def __init__(self, kind: str, arguments: tuple[Any, ...]) -> None:
        self.kind = kind
        self.name = arguments[0] if arguments else None
        self.value: np.ndarray | None = None


class _Function:
    """Stands for what a pickle may call."""

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.name, self.call = name, call


def _encode(arguments: tuple[Any, ...]) -> bytes:
    """Return bytes as Python 3 writes them in protocol 2: a text and its encoding."""
    text, encoding = arguments
    if encoding not in ("latin1", b"latin1"):
        raise _RefusedError(f"the encoding {encoding!r:.40}")
    return str(text).encode("latin1")


_FUNCTIONS = {
    "numpy ndarray": _Function("numpy.ndarray", lambda arguments: _Made("array", ())),
    "numpy dtype": _Function("numpy.dtype", lambda arguments: _Made("dtype", arguments)),
    "_codecs encode": _Function("_codecs.encode", _encode),
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _FUNCTIONS[f"{_module} _reconstruct"] = _FUNCTIONS["numpy ndarray"]

_MARK = object()
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_INTEGERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4")
_TEXTS = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8")
_OLD_TEXTS = ("STRING", "BINSTRING", "SHORT_BINSTRING")  # Python 2's, which are bytes
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def unpickle(data: bytes, path: StrPath, *, records: int) -> dict[bytes, Any]:
    """Return the dict in a pickle, its string keys as bytes.

    Args:
        data: the pickle.
        path: where it comes from, for the error.
        records: of how many there may be labels and names.

    Raises:
        ValueError: the pickle is damaged, is no dict, or holds anything but what CIFAR-10 holds.
    """
    try:
        loaded = _run(data, _MOST_PER_RECORD * records + _MOST_BESIDE)
    except Exception as error:  # a damaged pickle may raise anything
        said = f"a pickle: {reason_of(error)}"
        found = describe(data) if data[:1] not in (b"\x80", b"(", b"}") else said
        raise wrong(path, found=found, expected=_EXPECTED) from error
    if not isinstance(loaded, dict):
        raise wrong(path, found=f"a pickle of {type(loaded).__name__}", expected=_EXPECTED)
    return {
        key.encode() if isinstance(key, str) else key: (
            value.value if isinstance(value, _Made) else value
        )
        for key, value in loaded.items()
    }


def _run(data: bytes, limit: int) -> Any:
    """Return what a pickle makes, by at most so many instructions."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for count, (opcode, given, _) in enumerate(pickletools.genops(data)):
        name = opcode.name
        argument: Any = given
        if count > limit:
            raise _RefusedError(f"more than {limit} instructions")
        if name in _INTEGERS:
            if not -(2**63) <= argument < 2**63:
                raise _RefusedError("an integer beyond 64 bits")
            stack.append(argument)
        elif name in _TEXTS or name in _BYTES:
            stack.append(argument)
        elif name in _OLD_TEXTS:
            stack.append(argument.encode("latin1"))
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name in _TUPLES:
            size = _TUPLES[name]
            stack.append(_tuple([stack.pop() for _ in range(size)][::-1]))
        elif name == "TUPLE":
            stack.append(_tuple(_marked(stack)))
        elif name == "LIST":
            stack.append(_extended([], _marked(stack)))
        elif name == "DICT":
            stack.append(_updated({}, _marked(stack)))
        elif name in ("APPEND", "APPENDS"):
            items = [stack.pop()] if name == "APPEND" else _marked(stack)
            _extended(stack[-1], items)
        elif name in ("SETITEM", "SETITEMS"):
            items = [stack.pop(), stack.pop()][::-1] if name == "SETITEM" else _marked(stack)
            _updated(stack[-1], items)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            if name == "STACK_GLOBAL":
                argument = " ".join([stack.pop(), stack.pop()][::-1])
            if argument not in _FUNCTIONS:
                raise _RefusedError(f"a call of {argument.replace(' ', '.'):.80}, which is refused")
            stack.append(_FUNCTIONS[argument])
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            if not (isinstance(function, _Function) and isinstance(arguments, tuple)):
                raise _RefusedError(f"a call of {type(function).__name__}")
            stack.append(function.call(arguments))
        elif name == "BUILD":
            state = stack.pop()
            _build(stack[-1], state)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            # No pickler leaves out a place of the memo.
            place = len(memo) if name == "MEMOIZE" else argument
            if not (isinstance(place, int) and 0 <= place <= count):
                raise _RefusedError(f"place {place} of the memo after {count} instructions")
            memo[place] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            if isinstance(memo[argument], list | dict):
                raise _RefusedError(f"the same {type(memo[argument]).__name__} in two places")
            stack.append(memo[argument])
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            raise _RefusedError(f"the instruction {name}, which is refused")
    raise _RefusedError("no end")


def _marked(stack: list[Any]) -> list[Any]:
    """Take what lies above the last mark from the stack, and the mark."""
    items: list[Any] = []
    while (item := stack.pop()) is not _MARK:
        items.append(item)
    return items[::-1]


def _tuple(items: list[Any]) -> tuple[Any, ...]:
    """Return a tuple of plain values, and of tuples of these: such is an array's state."""
    for item in items:
        inner = item if isinstance(item, tuple) else (item,)
        if not all(_is_plain(part) or isinstance(part, _Made | _Function) for part in inner):
            raise _RefusedError("tuples nested deeper than an array's")
    return tuple(items)


def _extended(values: Any, items: list[Any]) -> list[Any]:
    if not (isinstance(values, list) and all(map(_is_plain, items))):
        raise _RefusedError("a list of other things than labels or names")
    values.extend(items)
    return values


def _updated(values: Any, items: list[Any]) -> dict[Any, Any]:
    if not isinstance(values, dict) or len(items) % 2:
        raise _RefusedError("items of what is no dict")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str | bytes):
            raise _RefusedError(f"a key of {type(key).__name__}")
        if not (_is_plain(value) or isinstance(value, list | _Made)):
            raise _RefusedError(f"a dict of {type(value).__name__}")
        values[key] = value
    return values


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | bytes | int)


def _build(made: Any, state: Any) -> None:
    """Give an array its bytes; a dtype of bytes has nothing more to be told."""
    if not isinstance(made, _Made):
        raise _RefusedError(f"a state for {type(made).__name__}")
    if made.kind == "dtype":
        return
    _, shape, dtype, by_columns, data = state
    if not (isinstance(dtype, _Made) and dtype.name in ("u1", b"u1", "uint8", b"uint8")):
        raise _RefusedError(f"an array of {getattr(dtype, 'name', dtype)!r:.40}")
    sizes = [int(size) for size in shape]
    if isinstance(data, str):  # Python 2's bytes as Python 3 reads them with encoding latin1
        data = data.encode("latin1")
    if min(sizes, default=0) < 0 or math.prod(sizes) != len(data):
        raise _RefusedError(f"{len(data)} bytes for an array of shape {shape!r:.80}")
    made.value = np.frombuffer(data, np.uint8).reshape(sizes, order="F" if by_columns else "C")
