"""Catalogs and schemas: the places in which models, tables and volumes lie."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pierhead.catalog.domain.names import SchemaName

FIRST_PLACE = SchemaName("main", "default")
"""Exists from the start."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Who made a thing and who changed it last, by name, and when. The maker is '' where nobody is known."""

    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Who owns a catalog or schema is kept with the rights on it."""

    name: str
    comment: str
    properties: Mapping[str, str]
    traces: Traces


@dataclass(frozen=True, slots=True)
class Schema:
    full_name: SchemaName
    comment: str
    properties: Mapping[str, str]
    traces: Traces


@dataclass(frozen=True, slots=True)
class Change:
    """What to change of a catalog or schema; None leaves a field as it is. `properties` replace the old ones."""

    comment: str | None = None
    properties: Mapping[str, str] | None = None
    owner: str | None = None
    new_name: str | None = None


@dataclass(frozen=True, slots=True)
class Inhabited:
    """A schema in which others keep things: how many models, and who made the first thing, when ('': unknown)."""

    schema: SchemaName
    models: int
    first_by: str
    first_at: datetime


@dataclass(frozen=True, slots=True)
class Contents:
    """What a catalog or schema holds, by full names; `models` is only a number."""

    models: int = 0
    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """The contents for messages.

        >>> Contents(models=1, tables=("main.a.t", "main.a.u")).words()
        ['1 registered model', '2 tables (main.a.t, main.a.u)']
        """
        words = [_counted(self.models, "registered model")] if self.models else []
        for kind, names in (("schema", self.schemas), ("table", self.tables), ("volume", self.volumes)):
            if names:
                words.append(f"{_counted(len(names), kind)} ({_some(names)})")
        return words


@dataclass(frozen=True, slots=True)
class Draft:
    """What a client says of a new catalog or schema."""

    comment: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


_SHOWN = 5


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
