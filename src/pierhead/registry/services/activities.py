"""What happened to versions, told in the transaction in which it happens."""

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.kit.ids import new_id
from pierhead.registry.domain.activities import Activity, ActivityKind
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.store.activities import ActivityStore
from pierhead.registry.store.versions import VersionStore


class Activities:
    """Within the caller's transaction."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._rows = ActivityStore(connection)
        self._versions = VersionStore(connection)
        self._clock = clock

    def add(
        self,
        kind: ActivityKind,
        version: ModelVersion,
        *,
        by: str,
        from_place: str | None = None,
        to_place: str | None = None,
        comment: str | None = None,
        system_comment: str | None = None,
    ) -> Activity:
        """Remember that this happened now."""
        now = self._clock.now()
        activity = Activity(
            id=new_id(),
            kind=kind,
            model_id=version.model_id,
            model_name=version.model_name,
            version_id=version.id,
            number=version.number,
            from_place=from_place,
            to_place=to_place,
            by=by,
            comment=comment,
            system_comment=system_comment,
            created_at=now,
            updated_at=now,
        )
        self._rows.add(activity)
        return activity

    def list(self, version: ModelVersion) -> list[Activity]:
        """All that happened to a version, the oldest first."""
        return self._rows.list(version.id)
