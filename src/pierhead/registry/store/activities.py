"""Activities as rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from pierhead.registry.domain.activities import Activity, ActivityKind
from pierhead.registry.store.promotion_tables import registry_activities as activities


class ActivityStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, activity: Activity) -> None:
        self._connection.execute(
            insert(activities).values(
                id=activity.id,
                kind=activity.kind.value,
                model_id=activity.model_id,
                model_name=activity.model_name,
                version_id=activity.version_id,
                number=activity.number,
                from_place=activity.from_place,
                to_place=activity.to_place,
                user_name=activity.by,
                comment=activity.comment,
                system_comment=activity.system_comment,
                created_at=activity.created_at,
                updated_at=activity.updated_at,
            )
        )

    def find(self, activity_id: str) -> Activity | None:
        row = self._connection.execute(select(activities).where(activities.c.id == activity_id)).one_or_none()
        return None if row is None else _activity(row)

    def list(self, version_id: str) -> list[Activity]:
        """What happened to one version, the oldest first."""
        query = select(activities).where(activities.c.version_id == version_id).order_by(activities.c.position)
        return [_activity(row) for row in self._connection.execute(query)]

    def set_comment(self, activity_id: str, comment: str, now: datetime) -> None:
        row = update(activities).where(activities.c.id == activity_id)
        self._connection.execute(row.values(comment=comment, updated_at=now))

    def delete(self, activity_id: str) -> None:
        self._connection.execute(delete(activities).where(activities.c.id == activity_id))


def _activity(row: Row[Any]) -> Activity:
    return Activity(
        id=row.id,
        kind=ActivityKind(row.kind),
        model_id=row.model_id,
        model_name=row.model_name,
        version_id=row.version_id,
        number=row.number,
        from_place=row.from_place,
        to_place=row.to_place,
        by=row.user_name,
        comment=row.comment,
        system_comment=row.system_comment,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
