"""SQL over Delta tables, in bounded memory: DuckDB reads only the columns and files that a query needs."""

import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from pierhead.kit.clock import monotonic_s
from pierhead.kit.delta import find_table

MEMORY_MB = 512
"""What one query may hold; what goes beyond lies in a folder for temporary files."""

_AGAIN_AFTER_S = 0.5
_LOOK_EVERY_S = 1.0

Bounded = Callable[[duckdb.DuckDBPyConnection], AbstractContextManager[None]]
"""Within, queries of the database end in duckdb.InterruptException when they take too long or nobody wants them."""


@contextmanager
def querying(tables: Mapping[str, tuple[Path, pa.Schema]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in which each name is the newest version of the Delta table at the path.

    A table that is not there, or columns that it does not have, are those of the schema, empty. Raises one of
    DELTA_ERRORS.
    """
    with tempfile.TemporaryDirectory(prefix="pierhead-query-") as folder, duckdb.connect() as database:
        database.execute(f"SET memory_limit = '{MEMORY_MB}MB'")
        database.execute(f"SET temp_directory = '{folder}'")
        database.execute("SET threads = 2")
        database.execute("SET enable_progress_bar = false")
        database.execute("SET preserve_insertion_order = false")
        database.execute("SET TimeZone = 'UTC'")
        for name, (path, schema) in tables.items():
            _register(database, name, path, schema)
        yield database


@contextmanager
def empty_database(within: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database without tables: bounded memory, a folder of its own for what goes beyond, UTC.

    That folder lies in `within`, or where the system has temporary files.
    """
    with tempfile.TemporaryDirectory(prefix="pierhead-query-", dir=within) as folder, duckdb.connect() as database:
        database.execute(f"SET memory_limit = '{MEMORY_MB}MB'")
        database.execute(f"SET temp_directory = '{folder}'")
        database.execute("SET threads = 2")
        database.execute("SET preserve_insertion_order = false")
        database.execute("SET TimeZone = 'UTC'")
        yield database


def lock(database: duckdb.DuckDBPyConnection) -> None:
    """From here on SQL opens no file, no network and no extension, sees no variable of ours and changes no setting:
    what others wrote may run in it."""
    database.execute("SET python_enable_replacements = false")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


@contextmanager
def interrupting(
    database: duckdb.DuckDBPyConnection, after_s: float, is_canceled: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Within, a query that still runs after so long ends in duckdb.InterruptException, and so does each after it.

    So it is when `is_canceled` says so, which is asked every second, in another thread.
    """
    is_over = threading.Event()

    def interrupt() -> None:
        until_s = monotonic_s() + after_s
        while not is_over.wait(max(0.0, min(_LOOK_EVERY_S, until_s - monotonic_s()))):
            if monotonic_s() >= until_s or is_canceled():
                break
        while not is_over.is_set():
            database.interrupt()
            is_over.wait(_AGAIN_AFTER_S)

    thread = threading.Thread(target=interrupt, name="interrupting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        # An interruption on its way would hit what comes next.
        thread.join()


def literal(name: str) -> str:
    """A name as an identifier of SQL.

    >>> literal("fixed acidity")
    '"fixed acidity"'
    """
    return '"' + name.replace('"', '""') + '"'


def _register(database: duckdb.DuckDBPyConnection, name: str, path: Path, schema: pa.Schema) -> None:
    table = find_table(path)
    if table is None:
        database.register(name, schema.empty_table())
        return
    database.register(f"{name}_files", table.to_pyarrow_dataset())
    if not schema.names:
        database.execute(f"CREATE TEMP VIEW {literal(name)} AS SELECT * FROM {literal(f'{name}_files')}")
        return
    database.register(f"{name}_shape", schema.empty_table())
    # By name: what one of the two lacks is null.
    both = f"SELECT * FROM {literal(f'{name}_files')} UNION ALL BY NAME SELECT * FROM {literal(f'{name}_shape')}"
    database.execute(f"CREATE TEMP VIEW {literal(name)} AS {both}")
