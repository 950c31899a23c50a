"""Verification tells what happened to a trail, and to which record first."""

import dataclasses
import json
from collections.abc import Sequence

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.audit import chain, checkpoints, evidence, signer
from pierhead.identity.domain.audit import START, Record, parsed, record_of
from pierhead.identity.domain.audit_checkpoints import Signed, parse_line, parse_lines
from pierhead.identity.domain.audit_verification import Evidence, Mark, Problem, verify
from pierhead.identity.services.audit_keys import Signer


def _first(records: Sequence[Record], against: Evidence | None) -> tuple[Problem, int | None]:
    finding = verify(records, against).first
    assert finding is not None
    return finding.problem, finding.number


def _edited(record: Record) -> Record:
    return dataclasses.replace(record, content=record.content.replace('"allowed"', '"forged!"'))


def _moved(record: Record, number: int) -> Record:
    return dataclasses.replace(record, number=number)


def _linked_again(records: Sequence[Record]) -> list[Record]:
    """As somebody would who rewrites the trail from its beginning."""
    previous, linked = START, []
    for number, record in enumerate(records, 1):
        fields = parsed(record.content)
        del fields["sequence_number"]
        linked.append(record_of(fields, number, previous))
        previous = linked[-1].digest
    return linked


def test_a_trail_that_nobody_touched_is_intact() -> None:
    records = chain(10)
    report = verify(records, evidence(checkpoints(records, 4, 8)))

    assert (report.findings, report.size, report.covered) == ((), 10, 8)


def test_an_empty_trail_without_checkpoints_is_intact() -> None:
    assert verify([], None).findings == ()


def test_an_edit_is_found_at_its_record() -> None:
    records = chain(10)
    records[5] = _edited(records[5])

    assert _first(records, evidence(checkpoints(records, 10))) == (Problem.EDITED, 6)


def test_content_that_is_no_record_any_more_is_an_edit() -> None:
    records = chain(10)
    records[5] = dataclasses.replace(records[5], content="{}")

    assert _first(records, evidence(checkpoints(records, 10))) == (Problem.EDITED, 6)


def test_a_column_that_no_longer_says_what_the_content_says_is_an_edit() -> None:
    records = chain(10)
    forged = dataclasses.replace(records[5].columns, actor="mallory")
    records[5] = dataclasses.replace(records[5], columns=forged)
    report = verify(records, evidence(checkpoints(records, 10)))

    assert report.first is not None
    assert report.first.message == "record 6 was edited: its column actor says something else than its content"


def test_an_edit_with_all_digests_after_it_made_again_is_found_by_the_checkpoint() -> None:
    records = chain(10)
    signed = checkpoints(records, 3, 6, 9)
    forged = _linked_again([*records[:4], _edited(records[4]), *records[5:]])

    assert verify(forged, evidence([])).findings == ()
    assert _first(forged, evidence(signed)) == (Problem.EDITED, 4)
    assert "records 4 to 6" in verify(forged, evidence(signed)).findings[0].message


@pytest.mark.parametrize(("one", "other"), [(3, 4), (2, 9), (1, 10)])
def test_two_records_that_changed_places_are_a_reordering(one: int, other: int) -> None:
    records = chain(10)
    signed = checkpoints(records, 10)
    records[one - 1], records[other - 1] = _moved(records[other - 1], one), _moved(records[one - 1], other)

    assert _first(records, evidence(signed)) == (Problem.REORDERED, one)


def test_a_record_that_was_moved_to_the_end_is_a_reordering() -> None:
    records = chain(10)
    moved = [*records[:4], *records[5:], _moved(records[4], 11)]

    assert _first(moved, evidence(checkpoints(records, 10))) == (Problem.REORDERED, 5)


def test_a_record_that_is_gone_from_the_middle_is_a_removal() -> None:
    records = chain(10)

    assert _first([*records[:4], *records[5:]], evidence(checkpoints(records, 10))) == (Problem.REMOVED, 5)


def test_closing_the_gap_does_not_hide_a_removal() -> None:
    records = chain(10)
    closed = [*records[:4], *(_moved(record, record.number - 1) for record in records[5:])]

    assert _first(closed, evidence(checkpoints(records, 10))) == (Problem.REMOVED, 5)


def test_a_missing_end_is_a_truncation() -> None:
    records = chain(10)
    report = verify(records[:6], evidence(checkpoints(records, 4, 10)))

    assert report.first is not None
    assert (report.first.problem, report.first.number) == (Problem.TRUNCATED, 7)
    assert report.first.message.startswith("records 7 to 10 are gone: checkpoint 2 of 2026-01-01 00:00:10Z had them")


def test_a_trail_that_is_gone_altogether_is_a_truncation() -> None:
    records = chain(3)

    assert _first([], evidence(checkpoints(records, 3))) == (Problem.TRUNCATED, 1)


def test_an_end_that_no_checkpoint_vouched_for_can_go_missing_unseen() -> None:
    records = chain(10)

    assert verify(records[:8], evidence(checkpoints(records, 8))).findings == ()


def test_a_checkpoint_that_was_changed_has_a_bad_signature() -> None:
    records = chain(10)
    signed = checkpoints(records, 10)
    line = json.loads(signed[0].line)
    line["checkpoint"]["time"] += 1000
    forged = parse_lines([rfc8785.dumps(line)])

    assert _first(records, evidence(forged)) == (Problem.BAD_SIGNATURE, None)


def test_a_line_with_words_that_nobody_signed_has_a_bad_signature() -> None:
    records = chain(10)
    line = json.loads(checkpoints(records, 10)[0].line)
    line["checkpoint"]["approved_by"] = "the board"
    parsed_again = parse_line(rfc8785.dumps(line))
    assert parsed_again is not None

    assert _first(records, evidence([parsed_again])) == (Problem.BAD_SIGNATURE, None)


def test_a_checkpoint_of_another_key_has_a_bad_signature_and_vouches_for_nothing() -> None:
    records = chain(10)
    foreign = checkpoints(records, 10, by=Signer(Ed25519PrivateKey.generate()))
    report = verify(records, evidence(foreign))

    assert [finding.problem for finding in report.findings] == [Problem.BAD_SIGNATURE]
    assert report.covered == 0


def test_a_trail_without_any_checkpoint_file_says_so() -> None:
    assert _first(chain(3), None) == (Problem.NO_CHECKPOINTS, None)


def test_a_missing_line_in_the_middle_of_the_file_is_damage() -> None:
    records = chain(10)
    signed = checkpoints(records, 3, 6, 9)

    assert _first(records, evidence([signed[0], signed[2]])) == (Problem.CHECKPOINTS_DAMAGED, None)


def test_a_file_that_lost_its_end_is_damaged() -> None:
    records = chain(10)
    signed = checkpoints(records, 3, 6, 9)
    mark = Mark(3, signed[2].checkpoint.digest)

    assert verify(records, evidence(signed, mark)).findings == ()
    assert _first(records, evidence(signed[:2], mark)) == (Problem.CHECKPOINTS_DAMAGED, None)


def test_a_file_of_another_trail_is_no_evidence_for_this_one() -> None:
    records = chain(3)
    other = Evidence("f" * 32, checkpoints(records, 3), signer().verifier.is_signed)

    assert _first(records, other) == (Problem.CHECKPOINTS_DAMAGED, None)


def test_records_speak_before_checkpoints_and_the_first_record_speaks_first() -> None:
    records = chain(10)
    signed = checkpoints(records, 10)
    records[2], records[7] = _edited(records[2]), _edited(records[7])
    report = verify(records[:9], evidence(signed))

    assert [(each.problem, each.number) for each in report.findings] == [
        (Problem.EDITED, 3),
        (Problem.EDITED, 8),
        (Problem.TRUNCATED, 10),
    ]


def test_a_line_reads_as_it_was_written_and_half_a_line_is_none() -> None:
    signed: Signed = checkpoints(chain(3), 3)[0]

    assert parse_line(signed.line) == signed
    assert parse_line(signed.line[:-20]) is None
    assert parse_lines([signed.line, b"", b"not json", b"[]"]) == [signed]


def test_a_trail_of_removed_and_closed_gaps_is_told_in_few_findings() -> None:
    records = chain(3000)
    closed = [_moved(record, record.number - 1) for record in records[1:]]
    report = verify(closed, evidence(checkpoints(records, 3000)))

    assert _first(closed, evidence(checkpoints(records, 3000))) == (Problem.REMOVED, 1)
    assert len(report.findings) <= 200
