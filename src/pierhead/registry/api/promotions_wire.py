"""Promotions, their conditions and their history, as our own calls write them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.registry.api.oss_wire import without_none
from pierhead.registry.domain.authorize import Examination
from pierhead.registry.domain.gate import Closed, Counted, Open
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.placements import Placement
from pierhead.registry.domain.requests import GivenApproval, RequestState, TransitionRequest
from pierhead.registry.domain.targets import Place, place_text
from pierhead.registry.services.history import Chapter


def preview_json(
    version: ModelVersion, place: Place, examination: Examination, request: TransitionRequest | None
) -> dict[str, Any]:
    """What the gate says of a move."""
    return _head(version, place) | examination_json(examination, request)


def examination_json(examination: Examination, request: TransitionRequest | None) -> dict[str, Any]:
    """What the gate says, met or not, condition by condition."""
    return {
        "decision": _word(examination),
        "policy": examination.policy,
        "conditions": [
            {
                "code": finding.code,
                "message": finding.message,
                "outcome": finding.outcome.value,
                "is_check": finding.is_check,
            }
            for finding in examination.findings
        ],
        "request": None if request is None else {"user_id": request.creator, "id": request.id},
        **_more(examination),
    }


def _word(examination: Examination) -> str:
    return type(examination.decision).__name__.lower()


def _more(examination: Examination) -> dict[str, Any]:
    match examination.decision:
        case Open(_, digest, notes):
            return {"subject_digest": digest, "notes": list(notes), "approvers": [], "remedy": ""}
        case Counted(_, digest, missing, notes):
            return {"subject_digest": digest, "notes": list(notes), "missing": missing, "approvers": [], "remedy": ""}
        case Closed(_, _, approvers, remedy):
            return {"notes": [], "approvers": list(approvers), "remedy": remedy}


def outcome_json(version: ModelVersion, place: Place, decision: str, message: str) -> dict[str, Any]:
    return _head(version, place) | {
        "decision": decision,
        "message": message,
        "current_stage": version.stage.value,
        "aliases": list(version.aliases),
    }


def _head(version: ModelVersion, place: Place) -> dict[str, Any]:
    return {"name": version.model_name, "version": str(version.number), "to": place_text(place)}


def chapters_json(chapters: Sequence[Chapter]) -> list[dict[str, Any]]:
    return [chapter_json(chapter) for chapter in chapters]


def chapter_json(chapter: Chapter) -> dict[str, Any]:
    """Who asked, None if nobody did, and who approved: where nobody asked, who moved it.

    Of the approvals those are told that counted, of each person the first.
    """
    placement, request = chapter.placement, chapter.request
    if request is None:
        moved = _said(placement.by, placement.person, placement.since, placement.comment)
        has_approved = placement.emergency is None and _let_in(placement, placement.person)
        return placement_json(placement) | {"requested": None, "approvals": [moved] if has_approved else []}
    counted: dict[str, GivenApproval] = {}
    for given in request.approvals:
        approval = given.approval
        if approval.subject_digest == placement.subject_digest and _let_in(placement, approval.person):
            counted.setdefault(approval.person, given)
    return placement_json(placement) | {
        "requested": _said(request.creator, request.person, request.created_at, request.comment),
        "approvals": [
            _said(given.approver, person, given.approval.at, given.comment) for person, given in counted.items()
        ],
    }


def _let_in(placement: Placement, person: str) -> bool:
    """Whether this person's approval counted; placements of older releases do not tell."""
    return person in placement.evidence.get("approved_by", (person,))


def _said(name: str, person: str, at: datetime, comment: str | None) -> dict[str, Any]:
    """`person` is there if somebody else is behind the name."""
    who = {"user_id": name, "timestamp": to_ms(at), "comment": comment or ""}
    return who if person == name else {**who, "person": person}


def placement_json(placement: Placement) -> dict[str, Any]:
    emergency = placement.emergency
    return without_none(
        {
            "id": placement.id,
            "name": placement.model_name,
            "model_id": placement.model_id,
            "version": str(placement.number),
            "version_id": placement.version_id,
            "place": place_text(placement.place),
            "since": to_ms(placement.since),
            "until": None if placement.until is None else to_ms(placement.until),
            "moved_by": placement.by,
            "ended_by": placement.ended_by,
            "comment": placement.comment,
            "policy": placement.policy,
            "passed": placement.passed,
            "notes": list(placement.notes),
            "subject_digest": placement.subject_digest,
            "evidence": placement.evidence,
            "break_glass": None
            if emergency is None
            else without_none(
                {
                    "reason": emergency.reason,
                    "review_by": list(emergency.groups),
                    "review_due": to_ms(emergency.due),
                    "reviewed_at": None if emergency.reviewed_at is None else to_ms(emergency.reviewed_at),
                    "reviewed_by": emergency.reviewed_by,
                    "review_comment": emergency.review_comment,
                }
            ),
        }
    )


def request_row_json(request: TransitionRequest, actions: Sequence[str]) -> dict[str, Any]:
    """An open request in a listing over all versions."""
    return without_none(
        {
            "id": request.id,
            "name": request.model_name,
            "version": str(request.number),
            "to": place_text(request.place),
            "state": RequestState.OPEN.value,
            "user_id": request.creator,
            "comment": request.comment or "",
            "creation_timestamp": to_ms(request.created_at),
            "expiration_timestamp": None if request.expires_at is None else to_ms(request.expires_at),
            "approvals": [given.approver for given in request.approvals],
            "available_actions": list(actions),
        }
    )
