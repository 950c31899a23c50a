"""Ground truth that comes late: taken once, however often it is sent."""

from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import structlog
from deltalake import DeltaTable

from pierhead.kit.delta import DELTA_ERRORS, Batch, find_table, first_line
from pierhead.kit.delta_versions import NoSuchVersion, newest_version
from pierhead.kit.errors import InvalidArgument, InvalidState, NotFound
from pierhead.monitoring.domain.label_batches import COLUMNS, Added, FromTable
from pierhead.monitoring.domain.table_names import labels_of, requests_of
from pierhead.monitoring.services.label_rows import described, label_rows
from pierhead.monitoring.services.labels_table import LabelsTable
from pierhead.monitoring.services.payload_table import table_path
from pierhead.monitoring.services.request_columns import are_numbers

log = structlog.get_logger()

MOST_ROWS = 5_000_000
"""In one batch: it is written in one commit."""


class Labels:
    """The labels table beside one payload table."""

    def __init__(
        self,
        tables: Path,
        payload: str,
        *,
        hash_key: Callable[[object], str] | None = None,
        pinned: Callable[[Path], Collection[int]] = lambda _location: (),
    ) -> None:
        """`hash_key` hashes entity keys as the requests table has them; raises InvalidArgument for another table."""
        name, requests = labels_of(payload), requests_of(payload)
        if name is None or requests is None:
            raise InvalidArgument(f"{payload!r} is not the payload table of an endpoint")
        self.name = name
        self._path = table_path(tables, name)
        self._requests = table_path(tables, requests)
        self._hash_key = hash_key
        self._pinned = pinned

    def add(self, found: pa.Table, *, batch_id: str, source: str, now: datetime) -> Added:
        """Take a batch, all of it or, if one of this id was taken before, nothing.

        Raises InvalidArgument for rows that are no labels, InvalidState if the table cannot be written.
        """
        if found.num_rows > MOST_ROWS:
            raise InvalidArgument(f"a batch has at most {MOST_ROWS} labels, not {found.num_rows}")
        rows, skipped = label_rows(found, batch_id=batch_id, source=source, now=now, hash_key=self._hash_key)
        table = LabelsTable(self._path)
        try:
            applied = table.append([Batch(f"labels/{batch_id}", 0, 1, rows)])
            self._tidy(table, now)
        except DELTA_ERRORS as error:
            raise InvalidState(f"table {self.name} cannot be written: {first_line(error)}") from error
        unusable = self._unusable(rows)
        written = rows.num_rows if applied else 0
        return Added(self.name, batch_id, written, skipped, is_replay=not applied, unusable=unusable)

    def _unusable(self, rows: pa.Table) -> int:
        """How many labels are no numbers, where every prediction so far is one."""
        requests = find_table(self._requests)
        if requests is None or not are_numbers(pa.schema(requests.schema().to_arrow())):
            return 0
        return pc.sum(pc.and_(pc.is_valid(rows["label"]), pc.is_null(rows["label_number"]))).as_py() or 0

    def _tidy(self, table: LabelsTable, now: datetime) -> None:
        if not table.needs_upkeep:
            return
        try:
            table.keep_up(self._pinned(self._path), now)
        except DELTA_ERRORS as error:
            log.error("labels table cannot be tidied", table=self.name, reason=first_line(error))


def table_labels(path: Path, order: FromTable) -> tuple[pa.Table, int, str]:
    """The labels in a Delta table at a version, that version, and an id that is the same whenever it is imported.

    Raises NotFound for the version, InvalidArgument for columns that are not there.
    """
    wanted = dict(described(order.columns))
    try:
        version = newest_version(path) if order.version is None else order.version
        table = DeltaTable(path, version=version)
        names = set(pa.schema(table.schema().to_arrow()).names)
        missing = sorted(set(wanted.values()) - names)
        if missing:
            raise InvalidArgument(f"table {order.table} has no columns {', '.join(missing)}")
        columns = {name: wanted.get(name, name) for name in COLUMNS if wanted.get(name, name) in names}
        dataset = table.to_pyarrow_dataset()
        if dataset.count_rows() > MOST_ROWS:
            raise InvalidArgument(f"table {order.table} has more than the {MOST_ROWS} rows that one batch may have")
        rows = dataset.to_table(columns=list(dict.fromkeys(columns.values())))
    except NoSuchVersion as error:
        raise NotFound(str(error)) from None
    except DELTA_ERRORS as error:
        raise NotFound(f"version {order.version} of {order.table} cannot be read: {first_line(error)}") from error
    found = pa.table({name: rows[column] for name, column in columns.items()})
    mapping = ",".join(f"{name}={column}" for name, column in sorted(columns.items()))
    return found, version, f"table/{table.metadata().id}/{version}/{mapping}"
