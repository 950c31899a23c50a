"""Placements as rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from pierhead.registry.domain.placements import Emergency, Placement
from pierhead.registry.domain.targets import Place, parse_place, place_text
from pierhead.registry.store.promotion_tables import placements


class PlacementStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, placement: Placement) -> None:
        emergency = placement.emergency
        self._connection.execute(
            insert(placements).values(
                id=placement.id,
                model_id=placement.model_id,
                model_name=placement.model_name,
                version_id=placement.version_id,
                number=placement.number,
                place=place_text(placement.place),
                since=placement.since,
                until=placement.until,
                user_name=placement.by,
                person=placement.person,
                ended_by=placement.ended_by,
                comment=placement.comment,
                request_id=placement.request_id,
                policy=placement.policy,
                subject_digest=placement.subject_digest,
                content_digest=placement.content_digest,
                passed=placement.passed,
                evidence=orjson.dumps(placement.evidence).decode(),
                notes=orjson.dumps(placement.notes).decode(),
                **({} if emergency is None else _emergency_values(emergency)),
            )
        )

    def end(self, version_id: str, place: Place, now: datetime, by: str) -> None:
        """Harmless if the version does not stand there."""
        here = (placements.c.version_id == version_id) & (placements.c.place == place_text(place))
        self._end(here, now, by)

    def end_all_of_model(self, model_id: str, now: datetime, by: str) -> None:
        self._end(placements.c.model_id == model_id, now, by)

    def end_all_of_version(self, version_id: str, now: datetime, by: str) -> None:
        self._end(placements.c.version_id == version_id, now, by)

    def _end(self, where: ColumnElement[bool], now: datetime, by: str) -> None:
        row = update(placements).where(where, placements.c.until.is_(None))
        self._connection.execute(row.values(until=now, ended_by=by))

    def list_standing(self, model_id: str, place: Place | None = None) -> list[Placement]:
        """Where versions of a model stand now, everywhere or at one place; the newest last."""
        where = (placements.c.model_id == model_id) & placements.c.until.is_(None)
        return self._many(where if place is None else where & (placements.c.place == place_text(place)))

    def list_of_version(self, version_id: str, place: Place) -> list[Placement]:
        """When a version stood at a place, the newest last."""
        return self._many((placements.c.version_id == version_id) & (placements.c.place == place_text(place)))

    def list_of_name(self, model_name: str, place: Place) -> list[Placement]:
        """All that ever stood at a place under this name, the newest last."""
        return self._many((placements.c.model_name == model_name) & (placements.c.place == place_text(place)))

    def list_at(self, model_name: str, place: Place, at: datetime) -> list[Placement]:
        """What stood at a place under this name at a moment, the newest last."""
        was_there = (placements.c.since <= at) & (placements.c.until.is_(None) | (placements.c.until > at))
        where = (placements.c.model_name == model_name) & (placements.c.place == place_text(place)) & was_there
        return self._many(where)

    def list_emergencies(self) -> list[Placement]:
        """Those that nobody reviewed yet, the oldest first."""
        return self._many(placements.c.emergency_reason.is_not(None) & placements.c.reviewed_at.is_(None))

    def find(self, placement_id: str) -> Placement | None:
        found = self._many(placements.c.id == placement_id)
        return found[0] if found else None

    def review(self, placement_id: str, now: datetime, by: str, comment: str | None) -> bool:
        """False if somebody has reviewed it already."""
        row = update(placements).where(placements.c.id == placement_id, placements.c.reviewed_at.is_(None))
        written = self._connection.execute(row.values(reviewed_at=now, reviewed_by=by, review_comment=comment))
        return written.rowcount == 1

    def _many(self, where: ColumnElement[bool]) -> list[Placement]:
        query = select(placements).where(where).order_by(placements.c.position)
        return _load(self._connection.execute(query).all())


def _load(rows: Sequence[Row[Any]]) -> list[Placement]:
    return [
        Placement(
            id=row.id,
            model_id=row.model_id,
            model_name=row.model_name,
            version_id=row.version_id,
            number=row.number,
            place=parse_place(row.place),
            since=row.since,
            until=row.until,
            by=row.user_name,
            person=row.person,
            ended_by=row.ended_by,
            comment=row.comment,
            request_id=row.request_id,
            policy=row.policy,
            subject_digest=row.subject_digest,
            content_digest=row.content_digest,
            passed=row.passed,
            evidence=orjson.loads(row.evidence),
            notes=tuple(orjson.loads(row.notes)),
            emergency=_emergency(row),
        )
        for row in rows
    ]


def _emergency_values(emergency: Emergency) -> dict[str, object]:
    return {
        "emergency_reason": emergency.reason,
        "review_groups": orjson.dumps(emergency.groups).decode(),
        "review_due": emergency.due,
    }


def _emergency(row: Row[Any]) -> Emergency | None:
    if row.emergency_reason is None:
        return None
    groups = tuple(orjson.loads(row.review_groups))
    return Emergency(row.emergency_reason, groups, row.review_due, row.reviewed_at, row.reviewed_by, row.review_comment)
