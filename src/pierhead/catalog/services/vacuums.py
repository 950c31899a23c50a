"""Vacuum that spares what model versions were trained on."""

from dataclasses import dataclass

from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.pins import Pins
from pierhead.catalog.services.table_logs import vacuum
from pierhead.catalog.services.tables import Tables
from pierhead.kit.db import Database
from pierhead.kit.names import FullName


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """Files that were deleted, or (`dry_run`) would be; paths in the table's folder."""

    files: list[str]
    pinned_versions: list[int]
    dry_run: bool


class Vacuums:
    """Opens transactions of its own: deleting may take long."""

    def __init__(self, database: Database, grounds: Grounds) -> None:
        self._database = database
        self._grounds = grounds

    def run(self, name: FullName, *, retention_hours: int | None, dry_run: bool) -> Vacuumed:
        """Delete files that only versions older than the retention use, and no pinned one.

        None is the table's own retention, the least that is allowed. Raises NotFound, InvalidArgument, InvalidState.
        """
        with self._database.reading() as connection:
            table = Tables(connection, self._grounds).get(name)
            pinned = Pins(connection, self._grounds.clock).versions_of(table.location)
        files = vacuum(table.location, keep=pinned, retention_hours=retention_hours, dry_run=dry_run)
        return Vacuumed(sorted(files), sorted(pinned), dry_run)
