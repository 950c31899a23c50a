"""What is remembered of the guard, as rows."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from pierhead.rollouts.domain.records import Canaried, Override, PolicyRevision
from pierhead.rollouts.store.tables import canaried_versions, rollout_overrides, rollout_policies

_MOST_LISTED = 100


class GuardPolicyStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, revision: int | None = None) -> PolicyRevision | None:
        """A revision, the newest if none is named."""
        query = select(rollout_policies).order_by(rollout_policies.c.revision.desc()).limit(1)
        if revision is not None:
            query = query.where(rollout_policies.c.revision == revision)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _revision(row)

    def list_newest(self) -> list[PolicyRevision]:
        """The last hundred, newest first."""
        query = select(rollout_policies).order_by(rollout_policies.c.revision.desc()).limit(_MOST_LISTED)
        return [_revision(row) for row in self._connection.execute(query)]

    def add(self, given: PolicyRevision) -> None:
        """Raises IntegrityError if the revision exists."""
        self._connection.execute(
            insert(rollout_policies).values(
                revision=given.revision,
                text=given.text,
                digest=given.digest,
                applied_by=given.applied_by,
                applied_at=given.applied_at,
            )
        )


class CanariedStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def digests_of(self, endpoint_id: str, digests: Collection[str]) -> frozenset[str]:
        """Those of the files that an earlier rollout of the endpoint found good."""
        query = select(canaried_versions.c.digest).where(
            canaried_versions.c.endpoint_id == endpoint_id, canaried_versions.c.digest.in_(sorted(digests))
        )
        return frozenset(self._connection.execute(query).scalars())

    def add(self, canaried: Canaried) -> None:
        """Harmless if it is known."""
        key = {
            "endpoint_id": canaried.endpoint_id,
            "model_name": canaried.model_name,
            "model_version": canaried.model_version,
            "digest": canaried.digest,
        }
        found = select(canaried_versions.c.at).where(*(canaried_versions.c[name] == key[name] for name in key))
        if self._connection.execute(found).one_or_none() is None:
            values = key | {"rollout_id": canaried.rollout_id, "at": canaried.at}
            self._connection.execute(insert(canaried_versions).values(**values))


class OverrideStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, override: Override) -> None:
        self._connection.execute(
            insert(rollout_overrides).values(
                id=override.id,
                endpoint_id=override.endpoint_id,
                reason=override.reason,
                granted_by=override.granted_by,
                granted_at=override.granted_at,
                expires_at=override.expires_at,
            )
        )

    def find_open(self, endpoint_id: str, now: datetime) -> Override | None:
        """The oldest one that still counts."""
        query = (
            select(rollout_overrides)
            .where(
                rollout_overrides.c.endpoint_id == endpoint_id,
                rollout_overrides.c.used_at.is_(None),
                rollout_overrides.c.expires_at > now,
            )
            .order_by(rollout_overrides.c.granted_at, rollout_overrides.c.id)
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _override(row)

    def use(self, override_id: str, *, by: str, config_version: int, now: datetime) -> bool:
        """Spend it; False if somebody else did."""
        changed = self._connection.execute(
            update(rollout_overrides)
            .where(rollout_overrides.c.id == override_id, rollout_overrides.c.used_at.is_(None))
            .values(used_at=now, used_by=by, config_version=config_version)
        )
        return changed.rowcount == 1

    def list_of(self, endpoint_id: str) -> list[Override]:
        """The last hundred, newest first."""
        query = (
            select(rollout_overrides)
            .where(rollout_overrides.c.endpoint_id == endpoint_id)
            .order_by(rollout_overrides.c.granted_at.desc(), rollout_overrides.c.id)
            .limit(_MOST_LISTED)
        )
        return [_override(row) for row in self._connection.execute(query)]


def _revision(row: Row[Any]) -> PolicyRevision:
    return PolicyRevision(row.revision, row.text, row.digest, row.applied_by, row.applied_at)


def _override(row: Row[Any]) -> Override:
    return Override(
        id=row.id,
        endpoint_id=row.endpoint_id,
        reason=row.reason,
        granted_by=row.granted_by,
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        used_by=row.used_by,
        config_version=row.config_version,
    )
