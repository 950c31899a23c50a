"""Decoding from several threads.

msgspec finds out what it must know of a type when that type is first decoded or converted, and keeps it with the class.
Two threads that are the first at the same time crash the whole process (a segmentation fault). So nothing is decoded by
`decode(raw, type=T)`: each type has a `Decoder` of its module, or a `Converter`, made while the module is imported.
"""

from typing import Generic, TypeVar

import msgspec

_T = TypeVar("_T")


class Converter(Generic[_T]):
    """`msgspec.convert` to one type."""

    def __init__(self, kind: type[_T]) -> None:
        # What a decoder finds out of a class stays with the class, and `convert` goes by it.
        msgspec.json.Decoder(kind)
        self._kind = kind

    def convert(self, value: object) -> _T:
        """Raises msgspec.ValidationError."""
        return msgspec.convert(value, self._kind)
