"""How many bytes of an array lie behind its description in a file of joblib."""

import re
from collections.abc import Callable, Mapping
from typing import Any

ARRAY_WRAPPER = frozenset({"joblib.numpy_pickle.NumpyArrayWrapper"})
_ELEMENT = re.compile(r"[<>|=]?([a-zA-Z])(\d{1,6})")
_BYTES_OF = {"U": 4}
_OBJECTS = "O"


class UnknownArray(ValueError):
    """The description of an array cannot be understood, so that its end is not known."""


def array_bytes(state: Any, read: Callable[[int], bytes]) -> int | None:
    """The bytes of the array that `state` describes, after the padding before it is read; None for an array of objects.

    Raises UnknownArray.
    """
    if not isinstance(state, Mapping):
        raise UnknownArray("an array without a description")
    kind, size = _element(state.get("dtype"))
    if kind == _OBJECTS:
        return None
    if state.get("numpy_array_alignment_bytes"):
        padding = read(1)
        read(padding[0] if padding else 0)
    count = 1
    shape = state.get("shape")
    if not isinstance(shape, tuple) or not all(isinstance(length, int) and length >= 0 for length in shape):
        raise UnknownArray("an array without a shape")
    for length in shape:
        count *= length
    return count * size


def _element(described: Any) -> tuple[str, int]:
    """Letter and bytes of one element, of `numpy.dtype("f8")` as a call that was not made."""
    arguments = getattr(described, "arguments", None)
    text = arguments[0] if isinstance(arguments, tuple) and arguments else None
    match = _ELEMENT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise UnknownArray("an array whose elements are not plain numbers")
    return match[1], int(match[2]) * _BYTES_OF.get(match[1], 1)
