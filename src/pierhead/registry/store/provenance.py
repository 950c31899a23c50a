"""Provenance as rows."""

from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from pierhead.registry.domain.gate import ProvenanceState
from pierhead.registry.domain.provenance import Provenance, read_record, record_json
from pierhead.registry.store.evidence_tables import version_provenance as table
from pierhead.registry.store.promotion_tables import placements
from pierhead.registry.store.tables import model_versions, registered_models


class ProvenanceStore:
    """Rows to domain objects and back; never commits. A complete record is never written again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, version_id: str) -> Provenance | None:
        row = self._connection.execute(select(table).where(table.c.version_id == version_id)).one_or_none()
        return None if row is None else _provenance(row)

    def put(self, version_id: str, provenance: Provenance) -> None:
        """Keep what is known now, unless the record is complete already."""
        record = provenance.record
        values = {
            "state": provenance.state.value,
            "run_id": provenance.run_id,
            "run_user": provenance.run_user,
            "record": None if record is None else _json(record_json(record)),
            "digest": None if record is None else record.digest,
            "completed_at": provenance.completed_at,
            "messages": _json(provenance.messages),
            "late": _json(provenance.late),
            "lost": _json(provenance.lost),
            "checked_at": provenance.checked_at,
        }
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(table).values(version_id=version_id, **values))
        except IntegrityError:
            open_row = (table.c.version_id == version_id) & (table.c.state != ProvenanceState.COMPLETE.value)
            self._connection.execute(update(table).where(open_row).values(**values))

    def put_findings(self, version_id: str, provenance: Provenance) -> None:
        """Keep what was found out beside a complete record."""
        self._connection.execute(
            update(table)
            .where(table.c.version_id == version_id)
            .values(
                late=_json(provenance.late),
                lost=_json(provenance.lost),
                messages=_json(provenance.messages),
                checked_at=provenance.checked_at,
            )
        )

    def was_live(self, version_id: str) -> bool:
        """Whether the version ever stood at a gated place."""
        query = select(placements.c.id).where(placements.c.version_id == version_id).limit(1)
        return self._connection.execute(query).first() is not None

    def list_recorded(self, model_name: str) -> list[str]:
        """Ids of the model's versions whose record is complete."""
        query = (
            select(table.c.version_id)
            .join(model_versions, model_versions.c.id == table.c.version_id)
            .join(registered_models, registered_models.c.id == model_versions.c.model_id)
            .where(registered_models.c.name == model_name, table.c.record.is_not(None))
        )
        return list(self._connection.scalars(query))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _provenance(row: Row[Any]) -> Provenance:
    return Provenance(
        state=ProvenanceState(row.state),
        run_id=row.run_id,
        run_user=row.run_user,
        messages=tuple(orjson.loads(row.messages)),
        checked_at=row.checked_at,
        record=None if row.record is None else read_record(orjson.loads(row.record)),
        completed_at=row.completed_at,
        late=tuple(orjson.loads(row.late)),
        lost=tuple(orjson.loads(row.lost)),
    )
