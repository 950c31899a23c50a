"""Delta tables that only grow, written so that no row is lost or doubled whatever is killed when.

How far a source has been copied into a table is kept in the table itself: an *application transaction*, a pair of
application id and version, that commits together with the rows. Tables keep to the oldest Delta protocol that their
properties allow (reader 1, no column mapping, no deletion vectors), so that every engine opens them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.writer import WriterProperties

DELTA_ERRORS = (DeltaError, OSError, pa.ArrowException)
"""What reading or writing a table raises when the disk is full, the log is broken or a file is missing."""

_ATTEMPTS = 10
_CHANGE_FEED = {"delta.enableChangeDataFeed": "true"}
# Listing the log costs every commit 2 us per file in it; after each commit a look for expired ones costs 7 us more.
_BARE_COMMIT = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
_COMPRESSED = WriterProperties(compression="ZSTD")


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that take a source from position `after` to position `version`; 0 stands for the very beginning.

    A batch counts only while the table still records `after`: otherwise somebody else has copied these rows.
    """

    app_id: str
    after: int
    version: int
    rows: pa.Table


class AppendTable:
    """One table, kept open by one writer. Others may write it too; the table decides who comes first."""

    def __init__(self, path: Path, schema: pa.Schema, properties: Mapping[str, str] | None = None) -> None:
        """The table is made on the first append, with `properties` beside the change data feed."""
        self._path = path
        self._schema = schema
        self._properties = {**_CHANGE_FEED, **(properties or {})}
        self._table: DeltaTable | None = None

    @property
    def version(self) -> int | None:
        """The newest version this writer has seen; None if there is no table."""
        table = self._find()
        return None if table is None else int(table.version())

    @property
    def schema(self) -> pa.Schema:
        """The columns of the newest version this writer has seen; those that it will be made with if there is none."""
        table = self._find()
        return self._schema if table is None else _schema(table)

    def position(self, app_id: str) -> int:
        """The recorded position of a source, 0 if there is none."""
        table = self._find()
        return 0 if table is None else _position(table, app_id)

    def append(self, batches: Sequence[Batch]) -> list[Batch]:
        """Write all batches that still count in one commit, and give those back.

        Columns that the table does not have are added to it in the same commit; those that a batch does not have are
        null. Raises one of DELTA_ERRORS, ValueError if a source occurs twice or goes backwards.
        """
        if len({batch.app_id for batch in batches}) < len(batches) or any(b.version <= b.after for b in batches):
            raise ValueError("batches must be of different sources and go forwards")
        for attempt in range(_ATTEMPTS):
            table = self._find() or self._create()
            counting = [batch for batch in batches if _position(table, batch.app_id) == batch.after]
            if not counting:
                break
            try:
                # The commit fails if one of these sources was written behind the back of this very object.
                rows = pa.concat_tables([batch.rows for batch in counting], promote_options="default")
                _write(table, rows, counting)
            except CommitFailedError:
                self.reopen()
                if attempt + 1 == _ATTEMPTS:
                    raise
            else:
                return counting
        self.reopen()
        return []

    def delete(self, predicate: str) -> int:
        """Delete the rows for which the SQL `predicate` is true; how many they were. They stay in older versions."""
        table = self._find()
        return 0 if table is None else int(table.delete(predicate).get("num_deleted_rows") or 0)

    def compact(self, target_bytes: int) -> None:
        """Merge files smaller than `target_bytes` into files of about that size."""
        table = self._find()
        if table is not None:
            table.optimize.compact(target_size=target_bytes, max_concurrent_tasks=1, writer_properties=_COMPRESSED)

    def checkpoint(self) -> None:
        """Write the newest version down as a whole, so that readers need no log before it."""
        table = self._find()
        if table is not None:
            table.create_checkpoint()

    def vacuum(self, keep_versions: Collection[int] = ()) -> None:
        """Delete data files that no version uses which the table still keeps, or which is one of these."""
        table = self._find()
        if table is not None:
            table.vacuum(dry_run=False, full=True, keep_versions=sorted(keep_versions) or None)

    def reopen(self) -> None:
        """Forget what was seen of the table; the next call looks again."""
        self._table = None

    def _find(self) -> DeltaTable | None:
        if self._table is None:
            self._table = find_table(self._path)
        return self._table

    def _create(self) -> DeltaTable:
        try:
            table = DeltaTable.create(self._path, self._schema, mode="error", configuration=self._properties)
        except DeltaError:
            # Somebody was faster, or it really failed.
            found = find_table(self._path)
            if found is None:
                raise
            table = found
        self._table = table
        return table


def append(path: Path, rows: pa.Table, *, app_id: str, version: int) -> bool:
    """Append `rows` unless the table records `version` or a later one for `app_id`; whether it did.

    Versions of a source start at 1. Makes the table if there is none.
    """
    table = AppendTable(path, rows.schema)
    while (after := table.position(app_id)) < version:
        if table.append([Batch(app_id, after, version, rows)]):
            return True
    return False


def last_version(path: Path, app_id: str) -> int | None:
    """The version recorded for `app_id`; None if there is none or no table."""
    table = find_table(path)
    found = None if table is None else table.transaction_version(app_id)
    return None if found is None else int(found)


def find_table(path: Path) -> DeltaTable | None:
    """The newest version of the table in this folder, or None. Raises DeltaError if the table is broken."""
    try:
        return DeltaTable(path)
    except TableNotFoundError:
        return None


def find_tables(root: Path, depth: int) -> Iterable[Path]:
    """Folders `depth` levels below `root` that hold a Delta table, sorted."""
    pattern = "/".join(["*"] * depth + ["_delta_log"])
    return sorted(log.parent for log in root.glob(pattern) if any(log.iterdir()))


def first_line(error: Exception) -> str:
    """What an error says, without the engine's backtrace."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _schema(table: DeltaTable) -> pa.Schema:
    return pa.schema(table.schema().to_arrow())


def _position(table: DeltaTable, app_id: str) -> int:
    return int(table.transaction_version(app_id) or 0)


def _write(table: DeltaTable, rows: pa.Table, batches: Sequence[Batch]) -> None:
    transactions = [Transaction(batch.app_id, batch.version) for batch in batches]
    write_deltalake(
        table,
        rows,
        mode="append",
        schema_mode="merge" if set(rows.column_names) != set(_schema(table).names) else None,
        writer_properties=_COMPRESSED,
        commit_properties=CommitProperties(app_transactions=transactions),
        post_commithook_properties=_BARE_COMMIT,
    )
