"""Model versions as rows."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, delete, insert, select, update

from pierhead.registry.domain.models import Failed, ModelVersion, Pending, Ready, State
from pierhead.registry.domain.stages import Stage
from pierhead.registry.store.chunks import among, chunks, select_of_each
from pierhead.registry.store.tables import model_version_tags as tags
from pierhead.registry.store.tables import model_versions as versions
from pierhead.registry.store.tables import registered_model_aliases as aliases
from pierhead.registry.store.tables import registered_models as models

_OTHER_COLUMNS = tuple(column for column in versions.c if column is not versions.c.id)
# Not a join: then Postgres reads all models there are.
_MODEL_NAME = select(models.c.name).where(models.c.id == versions.c.model_id).scalar_subquery().label("model_name")

_PENDING, _READY, _FAILED = "pending", "ready", "failed"


def select_versions() -> Select[Any]:
    """What `VersionStore.load` takes: versions with the name of their model."""
    return select(versions, models.c.name.label("model_name")).join(models, models.c.id == versions.c.model_id)


class VersionStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str, number: int) -> ModelVersion | None:
        return self._one((models.c.name == name) & (versions.c.number == number))

    def find_by_id(self, version_id: str) -> ModelVersion | None:
        return self._one(versions.c.id == version_id)

    def find_by_model_id(self, model_id: str, number: int) -> ModelVersion | None:
        return self._one((models.c.id == model_id) & (versions.c.number == number))

    def find_by_alias(self, model_id: str, alias: str) -> ModelVersion | None:
        pointed = select(aliases.c.version_id).where(aliases.c.model_id == model_id, aliases.c.alias == alias)
        return self._one(versions.c.id == pointed.scalar_subquery())

    def _one(self, where: ColumnElement[bool]) -> ModelVersion | None:
        row = self._connection.execute(select_versions().where(where)).one_or_none()
        return None if row is None else self.load([row])[0]

    def latest(self, model_ids: Sequence[str], stages: Sequence[Stage]) -> list[ModelVersion]:
        """The READY version with the highest number in each stage of each model, where there is one."""
        ids: list[str] = []
        for some in chunks(model_ids):
            query = select(*(_NEWEST[stage] for stage in stages)).where(among(self._connection, models.c.id, some))
            for row in self._connection.execute(query).all():
                ids.extend(found for found in row if found is not None)
        rows: list[Row[Any]] = []
        for some in chunks(ids):
            query = select_of_each(self._connection, versions.c.id, some, *_OTHER_COLUMNS, _MODEL_NAME)
            rows.extend(self._connection.execute(query).all())
        return self.load(sorted(rows, key=lambda row: (row.model_name, row.number)))

    def list_in_stage(self, model_id: str, stage: Stage) -> list[ModelVersion]:
        """By number."""
        return self._many((versions.c.model_id == model_id) & (versions.c.stage == stage.value))

    def list_numbers(self, model_id: str) -> list[int]:
        query = select(versions.c.number).where(versions.c.model_id == model_id).order_by(versions.c.number)
        return list(self._connection.scalars(query))

    def list_copies(self, version: ModelVersion) -> list[ModelVersion]:
        """Versions that were registered from this one, and hold its files."""
        named = versions.c.source == f"models:/{version.model_name}/{version.number}"
        return self._many(named & (versions.c.digest == version.digest) & (versions.c.id != version.id))

    def list_older_with_files(self, version: ModelVersion) -> list[ModelVersion]:
        """Versions, of whatever model, that were registered before this one with the same files."""
        is_older = (versions.c.created_at <= version.created_at) & (versions.c.id != version.id)
        return self._many((versions.c.digest == version.digest) & is_older)

    def ready_digests(self, since: datetime | None) -> list[tuple[str, datetime]]:
        """Digests of READY versions with the moment of their last change, those since a moment; oldest first."""
        query = select(versions.c.digest, versions.c.updated_at).where(versions.c.status == _READY)
        if since is not None:
            query = query.where(versions.c.updated_at >= since)
        return [(row.digest, row.updated_at) for row in self._connection.execute(query.order_by(versions.c.updated_at))]

    def digests_among(self, digests: Collection[str]) -> set[str]:
        """Those that some version holds."""
        found = set[str]()
        for some in chunks(sorted(digests)):
            query = select(versions.c.digest).where(among(self._connection, versions.c.digest, some))
            found.update(self._connection.scalars(query))
        return found

    def ids_with_files(self, digest: str) -> list[str]:
        """Ids of the versions that hold these files."""
        return list(self._connection.scalars(select(versions.c.id).where(versions.c.digest == digest)))

    def list_pending(self, model_id: str) -> list[str]:
        """Ids of the versions that are PENDING."""
        query = select(versions.c.id).where(versions.c.model_id == model_id, versions.c.status == _PENDING)
        return list(self._connection.scalars(query))

    def _many(self, where: ColumnElement[bool]) -> list[ModelVersion]:
        query = select_versions().where(where).order_by(models.c.name, versions.c.number)
        return self.load(self._connection.execute(query).all())

    def load(self, rows: Sequence[Row[Any]]) -> list[ModelVersion]:
        """Rows of `select_versions` as versions, in the same order."""
        ids = [row.id for row in rows]
        tags_of = self._tags(ids)
        aliases_of = self._aliases(ids)
        return [_version(row, tags_of.get(row.id, {}), tuple(aliases_of.get(row.id, ()))) for row in rows]

    def _tags(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for some in chunks(ids):
            query = select_of_each(self._connection, tags.c.version_id, some, tags.c.key, tags.c.value)
            for version_id, key, value in sorted(map(tuple, self._connection.execute(query).all())):
                found.setdefault(version_id, {})[key] = value
        return found

    def _aliases(self, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for some in chunks(ids):
            query = select_of_each(self._connection, aliases.c.version_id, some, aliases.c.alias)
            for version_id, alias in sorted(map(tuple, self._connection.execute(query).all())):
                found.setdefault(version_id, []).append(alias)
        return found

    def add(self, version: ModelVersion) -> None:
        self._connection.execute(
            insert(versions).values(
                id=version.id,
                model_id=version.model_id,
                number=version.number,
                stage=version.stage.value,
                source=version.source,
                run_id=version.run_id,
                run_link=version.run_link,
                run_workspace_id=version.run_workspace_id,
                logged_model_id=version.logged_model_id,
                description=version.description,
                user_name=version.user_name,
                person=version.person,
                authors=orjson.dumps(version.authors).decode() if version.authors else None,
                created_at=version.created_at,
                updated_at=version.updated_at,
                **_state_values(version.state),
            )
        )
        for key, value in version.tags.items():
            self._connection.execute(insert(tags).values(version_id=version.id, key=key, value=value))

    def leave_pending(self, version_id: str, state: State, now: datetime) -> None:
        """Give a PENDING version its final state; nothing happens if it is not PENDING any more."""
        row = update(versions).where(versions.c.id == version_id, versions.c.status == _PENDING)
        self._connection.execute(row.values(updated_at=now, **_state_values(state)))

    def set_stage(self, version_id: str, stage: Stage, now: datetime) -> None:
        self._update(version_id, stage=stage.value, updated_at=now)

    def set_description(self, version_id: str, description: str, now: datetime) -> None:
        self._update(version_id, description=description, updated_at=now)

    def _update(self, version_id: str, **values: object) -> None:
        self._connection.execute(update(versions).where(versions.c.id == version_id).values(**values))

    def delete(self, version_id: str) -> None:
        """The version with its tags, and the aliases that point to it."""
        self._connection.execute(delete(versions).where(versions.c.id == version_id))

    def set_tag(self, version_id: str, key: str, value: str) -> None:
        self.delete_tag(version_id, key)
        self._connection.execute(insert(tags).values(version_id=version_id, key=key, value=value))

    def delete_tag(self, version_id: str, key: str) -> None:
        self._connection.execute(delete(tags).where(tags.c.version_id == version_id, tags.c.key == key))


def _newest_id(stage: Stage) -> Any:
    newest = versions.alias()
    return (
        select(newest.c.id)
        .where(newest.c.model_id == models.c.id, newest.c.stage == stage.value, newest.c.status == _READY)
        .order_by(newest.c.number.desc())
        .limit(1)
        .correlate(models)
        .scalar_subquery()
    )


# Making them takes longer than running them.
_NEWEST = {stage: _newest_id(stage) for stage in Stage}


def _state_values(state: State) -> dict[str, str | None]:
    match state:
        case Pending():
            return {"status": _PENDING, "digest": None, "failure": None}
        case Ready(digest):
            return {"status": _READY, "digest": digest, "failure": None}
        case Failed(reason):
            return {"status": _FAILED, "digest": None, "failure": reason}


def _state(row: Row[Any]) -> State:
    if row.status == _READY:
        return Ready(row.digest)
    return Pending() if row.status == _PENDING else Failed(row.failure)


_STAGES = {stage.value: stage for stage in Stage}


def _version(row: Row[Any], tags_of: Mapping[str, str], aliases_of: tuple[str, ...]) -> ModelVersion:
    return ModelVersion(
        id=row.id,
        model_id=row.model_id,
        model_name=row.model_name,
        number=row.number,
        stage=_STAGES[row.stage],
        state=_state(row),
        source=row.source,
        run_id=row.run_id,
        run_link=row.run_link,
        run_workspace_id=row.run_workspace_id,
        logged_model_id=row.logged_model_id,
        description=row.description,
        user_name=row.user_name,
        person=row.person,
        authors=tuple(orjson.loads(row.authors)) if row.authors else (),
        created_at=row.created_at,
        updated_at=row.updated_at,
        tags=tags_of,
        aliases=aliases_of,
    )
