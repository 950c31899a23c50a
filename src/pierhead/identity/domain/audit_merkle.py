"""The Merkle tree of RFC 6962 over the digests of all records, computed leaf by leaf. Pure."""

import hashlib
from dataclasses import dataclass
from functools import reduce


@dataclass(frozen=True, slots=True)
class Tree:
    """All that is needed to add leaves: the roots of the perfect subtrees of `size` leaves, the largest first.

    There is one for each bit that is set in `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.peaks) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} leaves has {self.size.bit_count()} peaks, not {len(self.peaks)}")

    def with_leaf(self, entry: bytes) -> "Tree":
        """The tree with one more entry."""
        peaks, node, rest = list(self.peaks), leaf(entry), self.size
        while rest & 1:
            node = parent(peaks.pop(), node)
            rest >>= 1
        return Tree(self.size + 1, (*peaks, node))

    @property
    def root(self) -> bytes:
        """RFC 6962's Merkle Tree Hash.

        >>> Tree().root.hex()[:16]
        'e3b0c44298fc1c14'
        """
        if not self.peaks:
            return hashlib.sha256().digest()
        return reduce(lambda right, left: parent(left, right), reversed(self.peaks))


def leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def parent(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
