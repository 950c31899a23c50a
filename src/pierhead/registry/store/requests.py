"""Transition requests and their approvals as rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from pierhead.registry.domain.gate import Approval
from pierhead.registry.domain.requests import Closing, GivenApproval, RequestState, TransitionRequest
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.targets import Place, parse_place, place_text
from pierhead.registry.store.chunks import chunks
from pierhead.registry.store.promotion_tables import transition_approvals as approvals
from pierhead.registry.store.promotion_tables import transition_requests as requests


class RequestStore:
    """Rows to domain objects and back; never commits. Lists give the oldest first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, request: TransitionRequest) -> None:
        self._connection.execute(
            insert(requests).values(
                id=request.id,
                model_id=request.model_id,
                model_name=request.model_name,
                version_id=request.version_id,
                number=request.number,
                from_stage=request.from_stage.value,
                place=place_text(request.place),
                creator=request.creator,
                person=request.person,
                comment=request.comment,
                created_at=request.created_at,
                expires_at=request.expires_at,
                state=RequestState.OPEN.value,
            )
        )

    def add_approval(self, request_id: str, given: GivenApproval) -> None:
        self._connection.execute(
            insert(approvals).values(
                id=given.id,
                request_id=request_id,
                approver=given.approver,
                person=given.approval.person,
                groups=orjson.dumps(sorted(given.approval.groups)).decode(),
                comment=given.comment,
                approved_at=given.approval.at,
                subject_digest=given.approval.subject_digest,
            )
        )

    def close(self, request_ids: Sequence[str], closing: Closing) -> None:
        """End requests that are open; the others stay as they ended."""
        for some in chunks(request_ids):
            self._connection.execute(
                update(requests)
                .where(requests.c.id.in_(some), requests.c.state == RequestState.OPEN.value)
                .values(
                    state=closing.state.value,
                    closed_at=closing.at,
                    closed_by=closing.by,
                    closing_comment=closing.comment,
                )
            )

    def list_for_version(self, version_id: str) -> list[TransitionRequest]:
        return self._many(requests.c.version_id == version_id)

    def list_at(self, version_id: str, place: Place) -> list[TransitionRequest]:
        return self._many((requests.c.version_id == version_id) & (requests.c.place == place_text(place)))

    def list_not_closed(self, model_id: str | None = None) -> list[TransitionRequest]:
        """Those that nobody ended, expired or not; of one model or of all."""
        is_open = requests.c.state == RequestState.OPEN.value
        return self._many(is_open if model_id is None else is_open & (requests.c.model_id == model_id))

    def list_by_ids(self, ids: Sequence[str]) -> list[TransitionRequest]:
        return [request for some in chunks(ids) for request in self._many(requests.c.id.in_(some))]

    def _many(self, where: ColumnElement[bool]) -> list[TransitionRequest]:
        query = select(requests).where(where).order_by(requests.c.created_at, requests.c.id)
        rows = self._connection.execute(query).all()
        approvals_of = self._approvals([row.id for row in rows])
        return [_request(row, tuple(approvals_of.get(row.id, ()))) for row in rows]

    def _approvals(self, ids: Sequence[str]) -> Mapping[str, Sequence[GivenApproval]]:
        found: dict[str, list[GivenApproval]] = {}
        for some in chunks(ids):
            query = select(approvals).where(approvals.c.request_id.in_(some))
            for row in self._connection.execute(query.order_by(approvals.c.approved_at, approvals.c.id)):
                groups = frozenset(orjson.loads(row.groups))
                approval = Approval(row.person, groups, row.approved_at, row.subject_digest)
                given = GivenApproval(row.id, row.approver, row.comment, approval)
                found.setdefault(row.request_id, []).append(given)
        return found


def _request(row: Row[Any], given: tuple[GivenApproval, ...]) -> TransitionRequest:
    state = RequestState(row.state)
    return TransitionRequest(
        id=row.id,
        model_id=row.model_id,
        model_name=row.model_name,
        version_id=row.version_id,
        number=row.number,
        from_stage=Stage(row.from_stage),
        place=parse_place(row.place),
        creator=row.creator,
        person=row.person,
        comment=row.comment,
        created_at=row.created_at,
        expires_at=row.expires_at,
        closing=None
        if state is RequestState.OPEN
        else Closing(state, row.closed_at, row.closed_by, row.closing_comment),
        approvals=given,
    )
