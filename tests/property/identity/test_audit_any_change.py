"""Whatever single thing is changed in a trail, it is found."""

import dataclasses
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fakes.audit import chain, checkpoints, evidence
from pierhead.identity.domain.audit import Columns
from pierhead.identity.domain.audit_checkpoints import parse_lines
from pierhead.identity.domain.audit_merkle import Tree
from pierhead.identity.domain.audit_verification import Problem, verify

_RECORDS = chain(12)
_SIGNED = checkpoints(_RECORDS, 5, 12)
_LINES = [signed.line for signed in _SIGNED]

_places = st.integers(0, len(_RECORDS) - 1)


def _other_byte(content: str, at: int, character: str) -> str:
    at %= len(content)
    return content[:at] + (character if content[at] != character else "?") + content[at + 1 :]


def _with_another(name: str, columns: Columns) -> Columns:
    match getattr(columns, name):
        case bool(value):
            return dataclasses.replace(columns, **{name: not value})
        case datetime() as value:
            return dataclasses.replace(columns, **{name: value + timedelta(milliseconds=1)})
        case value:
            return dataclasses.replace(columns, **{name: f"{value}x"})


@given(place=_places, at=st.integers(0, 10_000), character=st.characters(codec="utf-8"))
def test_any_character_of_any_record(place: int, at: int, character: str) -> None:
    records = list(_RECORDS)
    changed = _other_byte(records[place].content, at, character)
    records[place] = dataclasses.replace(records[place], content=changed)

    assert verify(records, evidence(_SIGNED)).findings


@given(place=_places, at=st.integers(0, 31), flip=st.integers(1, 255))
def test_any_bit_of_any_digest(place: int, at: int, flip: int) -> None:
    records = list(_RECORDS)
    digest = bytearray(records[place].digest)
    digest[at] ^= flip
    records[place] = dataclasses.replace(records[place], digest=bytes(digest))

    found = verify(records, evidence(_SIGNED)).first
    assert found is not None
    assert (found.problem, found.number) == (Problem.EDITED, place + 1)


@given(place=_places, name=st.sampled_from(Columns.__slots__))
def test_any_column_of_any_record(place: int, name: str) -> None:
    records = list(_RECORDS)
    records[place] = dataclasses.replace(records[place], columns=_with_another(name, records[place].columns))

    found = verify(records, evidence(_SIGNED)).first
    assert found is not None
    assert (found.problem, found.number) == (Problem.EDITED, place + 1)


@given(order=st.permutations(range(len(_RECORDS))))
def test_any_other_order_is_a_reordering(order: list[int]) -> None:
    records = [dataclasses.replace(_RECORDS[index], number=place) for place, index in enumerate(order, 1)]
    found = verify(records, evidence(_SIGNED)).first

    if order == sorted(order):
        assert found is None
    else:
        assert found is not None
        assert found.problem is Problem.REORDERED
        assert found.number == next(place for place, index in enumerate(order, 1) if index != place - 1)


@given(gone=st.sets(_places, min_size=1), closes_gaps=st.booleans())
def test_any_records_that_are_gone(gone: set[int], closes_gaps: bool) -> None:
    kept = [record for index, record in enumerate(_RECORDS) if index not in gone]
    if closes_gaps:
        kept = [dataclasses.replace(record, number=place) for place, record in enumerate(kept, 1)]
    found = verify(kept, evidence(_SIGNED)).first

    assert found is not None
    assert found.number == min(gone) + 1
    is_end = min(gone) == len(kept)
    assert found.problem is (Problem.TRUNCATED if is_end else Problem.REMOVED)


@given(line=st.integers(0, 1), at=st.integers(0, 10_000), character=st.characters(min_codepoint=32, max_codepoint=126))
def test_any_character_of_any_checkpoint(line: int, at: int, character: str) -> None:
    lines = list(_LINES)
    lines[line] = _other_byte(lines[line].decode(), at, character).encode()
    signed = parse_lines(lines)
    report = verify(_RECORDS, evidence(signed))

    # A last line that cannot be read may be what a crash left; what is vouched for ends before it.
    assert report.findings or (line == 1 and report.covered == 5)


@given(sizes=st.lists(st.integers(0, 40), max_size=5))
def test_a_tree_grown_in_pieces_is_the_tree_of_the_whole(sizes: list[int]) -> None:
    tree, leaves = Tree(), []
    for size in sizes:
        tree = Tree(tree.size, tree.peaks)
        for _ in range(size):
            leaves.append(len(leaves).to_bytes(4))
            tree = tree.with_leaf(leaves[-1])
    whole = Tree()
    for leaf in leaves:
        whole = whole.with_leaf(leaf)

    assert tree.root == whole.root
