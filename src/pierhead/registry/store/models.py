"""Registered models as rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pierhead.kit.errors import AlreadyExists
from pierhead.registry.domain.models import RegisteredModel
from pierhead.registry.domain.names import find_namespace
from pierhead.registry.store.chunks import chunks, select_of_each
from pierhead.registry.store.tables import model_versions as versions
from pierhead.registry.store.tables import registered_model_aliases as aliases
from pierhead.registry.store.tables import registered_model_tags as tags
from pierhead.registry.store.tables import registered_models as models

# Of the version that an alias points to. Not a join: then Postgres reads all versions there are.
_NUMBER = select(versions.c.number).where(versions.c.id == aliases.c.version_id).scalar_subquery().label("number")


class ModelStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str) -> RegisteredModel | None:
        return self._one(models.c.name == name)

    def find_by_id(self, model_id: str) -> RegisteredModel | None:
        return self._one(models.c.id == model_id)

    def find_locked(self, name: str) -> RegisteredModel | None:
        """As `find`; nobody else changes the model or its versions until the transaction ends."""
        return self._one(models.c.name == name, locked=True)

    def _one(self, where: ColumnElement[bool], *, locked: bool = False) -> RegisteredModel | None:
        query = select(models).where(where)
        row = self._connection.execute(query.with_for_update() if locked else query).one_or_none()
        return None if row is None else self.load([row])[0]

    def load(self, rows: Sequence[Row[Any]]) -> list[RegisteredModel]:
        """Rows of the table of models as models, in the same order."""
        ids = [row.id for row in rows]
        tags_of = self._tags(ids)
        aliases_of = self._aliases(ids)
        return [
            RegisteredModel(
                id=row.id,
                name=row.name,
                description=row.description,
                user_name=row.user_name,
                owner=row.owner or row.user_name,
                created_at=row.created_at,
                updated_at=row.updated_at,
                tags=tags_of.get(row.id, {}),
                aliases=aliases_of.get(row.id, {}),
            )
            for row in rows
        ]

    def _tags(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for some in chunks(ids):
            query = select_of_each(self._connection, tags.c.model_id, some, tags.c.key, tags.c.value)
            for model_id, key, value in sorted(map(tuple, self._connection.execute(query).all())):
                found.setdefault(model_id, {})[key] = value
        return found

    def _aliases(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for some in chunks(ids):
            query = select_of_each(self._connection, aliases.c.model_id, some, aliases.c.alias, _NUMBER)
            for model_id, alias, number in sorted(map(tuple, self._connection.execute(query).all())):
                found.setdefault(model_id, {})[alias] = number
        return found

    def add(self, model: RegisteredModel) -> None:
        """Raises AlreadyExists."""
        namespace = find_namespace(model.name)
        row = insert(models).values(
            id=model.id,
            name=model.name,
            catalog_name=namespace.catalog if namespace else None,
            schema_name=namespace.schema if namespace else None,
            description=model.description,
            user_name=model.user_name,
            owner=model.owner,
            created_at=model.created_at,
            updated_at=model.updated_at,
            last_number=0,
        )
        try:
            with self._connection.begin_nested():
                self._connection.execute(row)
        except IntegrityError:
            raise AlreadyExists(f"Registered Model (name={model.name}) already exists.") from None
        for key, value in model.tags.items():
            self._connection.execute(insert(tags).values(model_id=model.id, key=key, value=value))

    def set_description(self, model_id: str, description: str, now: datetime) -> None:
        self._update(model_id, description=description, updated_at=now)

    def rename(self, model_id: str, name: str, now: datetime) -> None:
        """Raises AlreadyExists."""
        namespace = find_namespace(name)
        try:
            with self._connection.begin_nested():
                self._update(
                    model_id,
                    name=name,
                    catalog_name=namespace.catalog if namespace else None,
                    schema_name=namespace.schema if namespace else None,
                    updated_at=now,
                )
        except IntegrityError:
            raise AlreadyExists(f"Registered Model (name={name}) already exists.") from None

    def set_owner(self, model_id: str, owner: str, now: datetime) -> None:
        self._update(model_id, owner=owner, updated_at=now)

    def touch(self, model_id: str, now: datetime) -> None:
        self._update(model_id, updated_at=now)

    def _update(self, model_id: str, **values: object) -> None:
        self._connection.execute(update(models).where(models.c.id == model_id).values(**values))

    def next_number(self, model_id: str, now: datetime) -> int:
        """A version number that was never given before and never will be again."""
        row = update(models).where(models.c.id == model_id)
        row = row.values(last_number=models.c.last_number + 1, updated_at=now)
        number: int = self._connection.execute(row.returning(models.c.last_number)).scalar_one()
        return number

    def delete(self, model_id: str) -> None:
        """The model with its versions, tags and aliases."""
        self._connection.execute(delete(models).where(models.c.id == model_id))

    def set_tag(self, model_id: str, key: str, value: str) -> None:
        self.delete_tag(model_id, key)
        self._connection.execute(insert(tags).values(model_id=model_id, key=key, value=value))

    def delete_tag(self, model_id: str, key: str) -> None:
        self._connection.execute(delete(tags).where(tags.c.model_id == model_id, tags.c.key == key))

    def set_alias(self, model_id: str, alias: str, version_id: str) -> None:
        self.delete_alias(model_id, alias)
        self._connection.execute(insert(aliases).values(model_id=model_id, alias=alias, version_id=version_id))

    def delete_alias(self, model_id: str, alias: str) -> None:
        self._connection.execute(delete(aliases).where(aliases.c.model_id == model_id, aliases.c.alias == alias))

    def list_catalogs(self) -> list[str]:
        column = models.c.catalog_name
        return list(self._connection.scalars(select(column).where(column.is_not(None)).distinct().order_by(column)))

    def list_schemas(self, catalog: str) -> list[str]:
        column = models.c.schema_name
        return list(
            self._connection.scalars(
                select(column).where(models.c.catalog_name == catalog).distinct().order_by(column),
            )
        )

    def list_names(self, catalog: str, schema: str) -> list[str]:
        """Full names."""
        where = (models.c.catalog_name == catalog) & (models.c.schema_name == schema)
        return list(self._connection.scalars(select(models.c.name).where(where).order_by(models.c.name)))

    def list_all_names(self) -> list[str]:
        return list(self._connection.scalars(select(models.c.name).order_by(models.c.name)))
