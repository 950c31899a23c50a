"""Delta tables: what the catalog keeps of them, and what their logs say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from pierhead.kit.errors import InvalidState
from pierhead.kit.names import FullName


class TableType(Enum):
    """Values are kept in rows and go over the wire."""

    MANAGED = "MANAGED"
    """Its files lie in the platform's tables folder, under its name."""
    EXTERNAL = "EXTERNAL"
    """Its files lie where its owner keeps them."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The catalog's row of a table. `properties` are those that the table's own log cannot keep."""

    id: str
    owner: str
    properties: Mapping[str, str]
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table without a look into its log. An inference table has no registration: its folder is enough."""

    full_name: FullName
    type: TableType
    location: Path
    registration: Registration | None = None

    @property
    def owner(self) -> str | None:
        return None if self.registration is None else self.registration.owner


@dataclass(frozen=True, slots=True)
class Column:
    """`delta_type` is the type as the table's log writes it: a name, or an object for nested types."""

    name: str
    delta_type: str | dict[str, Any]
    is_nullable: bool
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TableLog:
    """What a table's log says of its newest version. Times are milliseconds since 1970."""

    id: str
    version: int
    created_ms: int | None
    committed_ms: int | None
    reader_version: int
    writer_version: int
    properties: Mapping[str, str]
    columns: tuple[Column, ...]
    partitioned_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenedTable:
    """A table and its log, or why the log cannot be read; both None if nobody looked."""

    table: Table
    log: TableLog | None = None
    problem: str | None = None

    def require_log(self) -> None:
        """Raises InvalidState if the log cannot be read."""
        if self.problem is not None:
            raise InvalidState(self.problem)


@dataclass(frozen=True, slots=True)
class View:
    """A table in another shape, by a query: it has no files, and the rights on it are those on its `base`."""

    full_name: FullName
    base: FullName
    definition: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class TableDraft:
    """What a client says of a new table. An EXTERNAL one has a location and no columns, a MANAGED one the reverse."""

    full_name: FullName
    columns: tuple[Column, ...] = ()
    location: Path | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
