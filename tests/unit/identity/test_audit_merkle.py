"""The tree over the trail is that of RFC 6962."""

import hashlib
from collections.abc import Sequence

import pytest

from pierhead.identity.domain.audit_merkle import Tree

# The entries and roots that Certificate Transparency's reference implementation is tested with.
_ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _tree(entries: Sequence[bytes]) -> Tree:
    tree = Tree()
    for entry in entries:
        tree = tree.with_leaf(entry)
    return tree


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    assert _tree(_ENTRIES[:size]).root.hex() == _ROOTS[size]


def test_a_root_of_three_is_what_the_definition_says_by_hand() -> None:
    def digest(data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    a, b, c = (digest(b"\x00" + entry) for entry in (b"a", b"b", b"c"))

    assert _tree([b"a", b"b", b"c"]).root == digest(b"\x01" + digest(b"\x01" + a + b) + c)


def test_growing_from_the_peaks_gives_the_tree_of_all() -> None:
    entries = [bytes([number]) for number in range(100)]
    half = _tree(entries[:37])
    grown = Tree(half.size, half.peaks)
    for entry in entries[37:]:
        grown = grown.with_leaf(entry)

    assert grown == _tree(entries)


def test_peaks_that_do_not_fit_the_size_are_no_tree() -> None:
    with pytest.raises(ValueError, match="5 leaves has 2 peaks, not 1"):
        Tree(5, (bytes(32),))
