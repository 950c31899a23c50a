"""The tables folder: `CATALOG/SCHEMA/TABLE`."""

from datetime import UTC, datetime
from pathlib import Path

from pierhead.catalog.domain.names import SchemaName
from pierhead.kit.delta import find_tables
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName


class TableFolders:
    """A folder here is a table, registered or not: inference tables are made without asking the catalog."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def place(self, name: FullName) -> Path:
        """Where the table of this name lies, or would."""
        return self.root / name.catalog / name.schema / name.name

    def holds(self, name: FullName) -> bool:
        """Whether a table lies at its place."""
        return _has_log(self.place(name))

    def list(self, catalog: str, schema: str | None = None) -> list[FullName]:
        """Tables of a catalog, or of one of its schemas, sorted."""
        folder = self.root / catalog
        return _named(list(find_tables(folder, 2) if schema is None else find_tables(folder / schema, 1)))

    def list_schemas(self) -> dict[SchemaName, datetime]:
        """Every schema in which a table lies, and when its folder changed last: it is at least as old."""
        schemas = {SchemaName.of(name) for name in _named(list(find_tables(self.root, 3)))}
        return {schema: _touched(self.root / schema.catalog / schema.name) for schema in sorted(schemas)}


def _has_log(folder: Path) -> bool:
    log = folder / "_delta_log"
    return log.is_dir() and any(log.iterdir())


def _touched(folder: Path) -> datetime:
    return datetime.fromtimestamp(folder.stat().st_mtime, UTC)


def _named(folders: list[Path]) -> list[FullName]:
    """Their names; what has no allowed name is no table of ours."""
    names = []
    for folder in folders:
        try:
            names.append(FullName.parse(".".join(folder.parts[-3:])))
        except InvalidArgument:
            continue
    return sorted(names, key=str)
