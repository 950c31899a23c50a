"""A/B tests as rows."""

import json
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from pierhead.rollouts.domain.abtest_readings import ABReading
from pierhead.rollouts.domain.abtests import ABStatus, ABTest, ABTestSpec
from pierhead.rollouts.store.tables import abtests

_MOST_LISTED = 200

_SPEC = msgspec.json.Decoder(ABTestSpec)


class ABTestStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, test: ABTest) -> None:
        self._connection.execute(insert(abtests).values(id=test.id, revision=test.revision, **_values(test)))

    def put(self, test: ABTest) -> bool:
        """Replace what is known of it, under the next revision; False if somebody changed it since it was read."""
        changed = self._connection.execute(
            update(abtests)
            .where(abtests.c.id == test.id, abtests.c.revision == test.revision)
            .values(revision=test.revision + 1, **_values(test))
        )
        return changed.rowcount == 1

    def find(self, reference: str) -> ABTest | None:
        """By id, or the newest of this name."""
        query = select(abtests).where((abtests.c.id == reference) | (abtests.c.name == reference))
        row = self._connection.execute(query.order_by(abtests.c.created_at.desc(), abtests.c.id).limit(1)).one_or_none()
        return None if row is None else _test(row)

    def list_running(self) -> list[ABTest]:
        query = select(abtests).where(abtests.c.status == ABStatus.RUNNING.value).order_by(abtests.c.id)
        return [_test(row) for row in self._connection.execute(query)]

    def list_newest(self, endpoint_name: str | None = None) -> list[ABTest]:
        """The last two hundred, newest first."""
        query = select(abtests).order_by(abtests.c.created_at.desc(), abtests.c.id).limit(_MOST_LISTED)
        if endpoint_name is not None:
            query = query.where(abtests.c.endpoint_name == endpoint_name)
        return [_test(row) for row in self._connection.execute(query)]


def _values(test: ABTest) -> dict[str, Any]:
    return {
        "name": test.name,
        "endpoint_id": test.endpoint_id,
        "endpoint_name": test.endpoint_name,
        "config_version": test.config_version,
        "status": test.status.value,
        "spec": msgspec.json.encode(test.spec).decode(),
        "reading": json.dumps(test.reading.to_json()),
        "observe_rate": test.spec.observe_rate,
        "created_by": test.created_by,
        "created_at": test.created_at,
        "ended_at": test.ended_at,
        "reason": test.reason,
    }


def _test(row: Row[Any]) -> ABTest:
    return ABTest(
        id=row.id,
        name=row.name,
        endpoint_id=row.endpoint_id,
        endpoint_name=row.endpoint_name,
        config_version=row.config_version,
        status=ABStatus(row.status),
        spec=_SPEC.decode(row.spec),
        reading=ABReading.from_json(json.loads(row.reading)),
        revision=row.revision,
        created_by=row.created_by,
        created_at=row.created_at,
        ended_at=row.ended_at,
        reason=row.reason,
    )
