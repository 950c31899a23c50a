"""Bytes for the scan of pickles: plain, or unpacked on the way, never all at once."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any

_PIECE_BYTES = 64 * 1024


class PlainStream:
    """The rest of an open file. Reads no more than there is, whatever a pickle claims."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        at = file.tell()
        self._end = file.seek(0, io.SEEK_END)
        file.seek(at)

    def read(self, size: int) -> bytes:
        return self._file.read(max(0, min(size, self._end - self._file.tell())))

    def readline(self, limit: int) -> bytes:
        return self._file.readline(limit)

    def skip(self, size: int) -> int:
        at = self._file.tell()
        return self._file.seek(min(at + size, self._end)) - at


class PackedStream:
    """What is read from an unpacker, which cannot jump."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        pieces = []
        while size > 0 and (piece := self._file.read(min(size, _PIECE_BYTES))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def readline(self, limit: int) -> bytes:
        line: bytes = self._file.readline(limit)
        return line

    def skip(self, size: int) -> int:
        passed = 0
        while passed < size and (piece := self._file.read(min(size - passed, _PIECE_BYTES))):
            passed += len(piece)
        return passed


class _Zlib(io.RawIOBase):
    """Unpacks zlib, which the standard library reads as a whole only."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._unpacker = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._unpacker.eof:
            packed = self._unpacker.unconsumed_tail or self._file.read(_PIECE_BYTES)
            piece = self._unpacker.decompress(packed, len(target))
            if piece:
                target[: len(piece)] = piece
                return len(piece)
            if not packed:
                raise EOFError("it ends in the middle")
        return 0


_UNPACKERS: tuple[tuple[tuple[bytes, ...], Callable[[IO[bytes]], Any]], ...] = (
    ((b"\x1f\x8b",), lambda file: gzip.GzipFile(fileobj=file)),
    ((b"BZh",), bz2.BZ2File),
    ((b"\xfd7zXZ\x00", b"\x5d\x00\x00"), lzma.LZMAFile),
    ((b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"), lambda file: io.BufferedReader(_Zlib(file))),
)
"""By the first bytes."""

UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError)


def find_unpacked(file: IO[bytes], beginning: bytes) -> PackedStream | None:
    """The unpacked content of a file that begins like this; None if it is not packed in a way known here."""
    for magics, unpack in _UNPACKERS:
        if beginning.startswith(magics):
            return PackedStream(unpack(file))
    return None
