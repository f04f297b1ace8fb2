"""A restricted unpickler: what the Python layout of CIFAR-10 holds, and nothing else.

A pickle is a program. This one admits dicts, lists, tuples, bytes, strings, integers and arrays of
unsigned bytes; of NumPy's own functions it runs none.
"""

import io
import math
import pickle
import pickletools
from typing import Any

import numpy as np

from ganfield.data._files import StrPath, describe, wrong

_EXPECTED = "a pickle of a dict of unsigned bytes, labels and names"


class _DType:
    """Stands for ``numpy.dtype``."""

    def __init__(self, *arguments: Any) -> None:
        self.name = arguments[0] if arguments else None

    def __setstate__(self, state: Any) -> None:
        """Byte order and alignment: a byte has neither."""


class _Array:
    """Stands for ``numpy.ndarray`` and for the function that makes one, ``_reconstruct``."""

    def __init__(self, *arguments: Any) -> None:
        del arguments
        self.value: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, by_columns, data = state
        if not (isinstance(dtype, _DType) and dtype.name in ("u1", b"u1", "uint8", b"uint8")):
            raise pickle.UnpicklingError(f"an array of {getattr(dtype, 'name', dtype)!r}")
        sizes = [int(size) for size in shape]
        if isinstance(data, str):  # Python 2's bytes as Python 3 reads them with encoding latin1
            data = data.encode("latin1")
        if min(sizes, default=0) < 0 or math.prod(sizes) != len(data):
            raise pickle.UnpicklingError(f"{len(data)} bytes for an array of shape {shape}")
        self.value = np.frombuffer(data, np.uint8).reshape(sizes, order="F" if by_columns else "C")


class _Encoded:
    """Stands for ``_codecs.encode``, by which Python 3 writes bytes in protocol 2."""

    # A class and no function: a pickle can set the attributes of a function.
    def __new__(cls, text: str, encoding: str) -> Any:
        if encoding != "latin1":
            raise pickle.UnpicklingError(f"the encoding {encoding!r}")
        return text.encode("latin1")

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a state for bytes")


_ADMITTED = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("_codecs", "encode"): _Encoded,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"a call of {module}.{name}, which is refused")
        return _ADMITTED[module, name]


def unpickle(data: bytes, path: StrPath) -> dict[bytes, Any]:
    """Return the dict in a pickle, its string keys as bytes.

    Args:
        data: the pickle.
        path: where it comes from, for the error.

    Raises:
        ValueError: the pickle is damaged, is no dict, or holds anything but what CIFAR-10 holds.
    """
    try:
        _check_memo(data)
        loaded = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except Exception as error:  # a damaged pickle may raise anything
        reason = f"{error}" or type(error).__name__
        found = describe(data) if data[:1] not in (b"\x80", b"(", b"}") else f"a pickle: {reason}"
        raise wrong(path, found=found, expected=_EXPECTED) from error
    if not isinstance(loaded, dict):
        raise wrong(path, found=f"a pickle of {type(loaded).__name__}", expected=_EXPECTED)
    return {
        key.encode() if isinstance(key, str) else key: (
            value.value if isinstance(value, _Array) else value
        )
        for key, value in loaded.items()
    }


def _check_memo(data: bytes) -> None:
    """Refuse places in the memo that no pickler gives: the memory up to them would be filled."""
    for count, (opcode, place, _) in enumerate(pickletools.genops(data)):
        if opcode.name.endswith("PUT") and not (isinstance(place, int) and 0 <= place <= count):
            raise pickle.UnpicklingError(f"place {place} of the memo after {count} instructions")
