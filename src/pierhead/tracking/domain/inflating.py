"""Compressed request bodies."""

import zlib
from collections.abc import Iterator

from pierhead.kit.errors import BadRequest

# 16 asks zlib for gzip's header and check.
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}

ENCODINGS = frozenset(_WINDOWS)

_PIECE_BYTES = 256 * 1024


class Inflater:
    """Inflates one body, a piece at a time; what comes out is at most 256 kB at once, however much is behind it.

    >>> inflater = Inflater("deflate")
    >>> b"".join(inflater.feed(zlib.compress(b"spans"))), inflater.end()
    (b'spans', None)
    """

    def __init__(self, encoding: str) -> None:
        """`encoding` is one of ENCODINGS."""
        self._encoding = encoding
        self._stream = zlib.decompressobj(_WINDOWS[encoding])

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What comes out. Raises BadRequest for bytes that are not compressed so."""
        while piece:
            if self._stream.eof:
                # Gzip files may follow one another.
                self._stream = zlib.decompressobj(_WINDOWS[self._encoding])
            yield self._inflate(piece)
            piece = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def end(self) -> None:
        """Raises BadRequest if the body ends too early."""
        if not self._stream.eof:
            raise BadRequest(f"the request body ends before its {self._encoding} stream does")

    def _inflate(self, piece: bytes) -> bytes:
        try:
            return self._stream.decompress(piece, _PIECE_BYTES)
        except zlib.error:
            raise BadRequest(f"the request body is not valid {self._encoding}") from None
