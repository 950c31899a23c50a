"""Requests, places and what is reserved, as values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.registry.domain.evidence_json import evidence_json
from pierhead.registry.domain.gate import (
    AliasTarget,
    Closed,
    Condition,
    Evaluation,
    Evidence,
    ProvenanceState,
    Report,
    Scan,
    StageTarget,
)
from pierhead.registry.domain.refusals import ChecksFailed, GateClosed, refusal
from pierhead.registry.domain.requests import Closing, RequestState, TransitionRequest, open_ones
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.tags import refuse_reserved_tags
from pierhead.registry.domain.targets import parse_place, place_text

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
PRODUCTION = StageTarget(Stage.PRODUCTION)
REQUEST = TransitionRequest(
    id="r1",
    model_id="m1",
    model_name="main.fraud.classifier",
    version_id="v3",
    number=3,
    from_stage=Stage.NONE,
    place=PRODUCTION,
    creator="bot",
    person="sam",
    comment=None,
    created_at=NOW,
    expires_at=NOW + timedelta(hours=72),
    closing=None,
)


@pytest.mark.parametrize(
    ("after", "state"),
    [
        (timedelta(0), RequestState.OPEN),
        (timedelta(hours=72, microseconds=-1), RequestState.OPEN),
        (timedelta(hours=72), RequestState.EXPIRED),
    ],
)
def test_a_request_is_open_until_the_moment_it_ends(after: timedelta, state: RequestState) -> None:
    assert REQUEST.state(NOW + after) is state


def test_a_request_without_an_end_stays_open() -> None:
    assert replace(REQUEST, expires_at=None).state(NOW + timedelta(days=10_000)) is RequestState.OPEN


def test_what_somebody_ended_stays_ended_as_it_was() -> None:
    ended = replace(REQUEST, closing=Closing(RequestState.REJECTED, NOW, "lea", None))

    assert ended.state(NOW + timedelta(days=365)) is RequestState.REJECTED
    assert open_ones([ended, REQUEST], NOW) == [REQUEST]


def test_the_gate_sees_the_human_behind_a_request() -> None:
    assert REQUEST.as_gate_sees_it().requester == "sam"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("pRODUCTION", PRODUCTION),
        ("@PRODUCTION", PRODUCTION),
        ("none", StageTarget(Stage.NONE)),
        ("@Champion", AliasTarget("Champion")),
        ("@staging", AliasTarget("staging")),
    ],
)
def test_a_place_has_one_meaning_however_it_is_written(text: str, place: StageTarget | AliasTarget) -> None:
    assert parse_place(text) == place
    assert parse_place(place_text(place)) == place


@pytest.mark.parametrize(
    "text", ["", "@", "Live", "@latest", "@v3", "@a b", "champion", "@\uff50roduction", "@\u017ftable", "@\u212aing"]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_place(text)


@pytest.mark.parametrize("key", ["pierhead.approved", "PIERHEAD.Approved", " pierhead.x"])
def test_our_own_tags_are_reserved(key: str) -> None:
    with pytest.raises(PermissionDenied, match="is reserved"):
        refuse_reserved_tags(["team", key])


@pytest.mark.parametrize("key", ["pierhead", "team.pierhead.x", "pierheads.x"])
def test_other_tags_are_free(key: str) -> None:
    refuse_reserved_tags([key])


def test_a_refusal_is_of_the_kind_of_its_gravest_condition() -> None:
    check = Condition("signature", "none", True)
    person = Condition("approvals", "0 of 1", False)

    def kind(*conditions: Condition) -> type:
        return type(refusal(Closed("p@1", conditions, (), "mend that"), "main.a.b", 3, PRODUCTION))

    assert (kind(check), kind(person), kind(check, person)) == (ChecksFailed, GateClosed, GateClosed)


def test_evidence_is_remembered_whole() -> None:
    evidence = Evidence(
        files_digest="f",
        has_signature=True,
        provenance=ProvenanceState.COMPLETE,
        provenance_message="",
        provenance_digest="p",
        evaluations=(Evaluation("auc", 0.9, "holdout", "d", NOW),),
        scan=Scan(2, ("os.system",)),
        reports={"external": Report(True, "fine", NOW)},
    )

    assert evidence_json(evidence) == {
        "files_digest": "f",
        "has_signature": True,
        "provenance": "COMPLETE",
        "provenance_message": "",
        "provenance_digest": "p",
        "evaluations": [
            {
                "metric": "auc",
                "value": 0.9,
                "dataset": "holdout",
                "dataset_digest": "d",
                "measured_at": "2026-03-04T12:00:00+00:00",
            }
        ],
        "champion": [],
        "scan": {"files_scanned": 2, "dangers": ["os.system"]},
        "reports": {"external": {"passed": True, "message": "fine", "at": "2026-03-04T12:00:00+00:00", "digest": None}},
    }
