"""One SELECT that a user wrote, over Delta tables alone: no files, no settings, no other data, in bounded memory."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName
from pierhead.monitoring.services.delta_sql import interrupting, literal, querying

TIMEOUT_S = 30.0

_MOST_CHARACTERS = 20_000
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|--[^\n]*|/\*.*?\*/|::|:[A-Za-z_]\w*""", re.DOTALL)
# Functions that read files, the environment or what the engine keeps for itself; without access to the outside most of
# them fail anyway.
_TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})
_FORBIDDEN = ("read_", "duckdb_", "pragma_", "sniff_", "parquet_", "getenv", "current_setting", "getvariable", "query")


_ENGINES = ("pierhead_", "duckdb_", "pragma_", "sqlite_", "pg_")


@dataclass(frozen=True, slots=True)
class ParsedSelect:
    """A query whose table names are placeholders; `tables` says which placeholder is which table."""

    tree: str
    tables: Mapping[str, FullName]


def parse_select(text: str) -> ParsedSelect:
    """Raises InvalidArgument unless it is one SELECT over tables with three-part names."""
    if len(text) > _MOST_CHARACTERS:
        raise InvalidArgument(f"a query has at most {_MOST_CHARACTERS} characters")
    with duckdb.connect() as database:
        try:
            statements = duckdb.extract_statements(text)
            (found,) = database.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchall()
        except duckdb.Error as error:
            raise InvalidArgument(f"the query cannot be read: {_words(error)}") from None
    if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:
        raise InvalidArgument("the query must be one SELECT")
    tree = json.loads(found[0])
    if tree.get("error"):
        raise InvalidArgument(f"the query must be one SELECT: {tree.get('error_message', 'it cannot be read')}")
    tables: dict[str, FullName] = {}
    _walk(tree, frozenset(), tables)
    return ParsedSelect(json.dumps(tree), tables)


class LockedQuery:
    """A query that may be run, in a database that holds nothing but its tables. Raises InvalidArgument for what goes
    wrong in it."""

    def __init__(self, database: duckdb.DuckDBPyConnection, text: str, parameters: Mapping[str, Any]) -> None:
        self._database = database
        self._text = text
        self._parameters = dict(parameters)

    def first(self, column: str) -> tuple[int, Any]:
        """How many rows there are, 0 or 1 for some, and the column's value in the first one, None without rows."""
        found = self._run(self._text)
        place = _place_of(found, column)
        row = found.fetchone()
        return (0, None) if row is None else (1, row[place])

    def aggregate(self, column: str, function: str) -> tuple[int, Any]:
        """How many rows there are, and a function of SQL over the column, such as `avg({})`."""
        _place_of(self._run(f"SELECT * FROM ({self._text}) LIMIT 0"), column)
        row = self._run(f"SELECT count(*), {function.format(literal(column))} FROM ({self._text})").fetchone()
        assert row is not None, "aggregates give a row"
        return row[0], row[1]

    def _run(self, text: str) -> duckdb.DuckDBPyConnection:
        return self._database.execute(text, self._parameters or None)


@contextmanager
def selecting(
    select: ParsedSelect, locations: Mapping[str, Path], parameters: Mapping[str, Any]
) -> Iterator[LockedQuery]:
    """The query, to be run inside the block; `locations` are the folders of its tables by placeholder.

    Raises InvalidArgument for what goes wrong in it, also when the block takes longer than TIMEOUT_S; one of
    DELTA_ERRORS for a table.
    """
    shapes = {name: (path, pa.schema([])) for name, path in locations.items()}
    with querying(shapes) as database:
        database.execute("SET max_temp_directory_size = '4GB'")
        database.execute("SET python_enable_replacements = false")
        database.execute("SET enable_external_access = false")
        database.execute("SET lock_configuration = true")
        try:
            # Interrupted, not killed: the engine ends between two pieces of work.
            with interrupting(database, TIMEOUT_S):
                (text,) = database.execute("SELECT json_deserialize_sql(?::JSON)", [select.tree]).fetchall()
                yield LockedQuery(database, text[0], parameters)
        except duckdb.InterruptException:
            raise InvalidArgument(f"the query took longer than {TIMEOUT_S:g} s") from None
        except duckdb.Error as error:
            raise InvalidArgument(f"the query failed: {_words(error)}") from None


def in_our_dialect(text: str, parameters: Collection[str]) -> str:
    """Databricks' `:name` and backticks as DuckDB writes them; what stands in quotes and comments stays.

    >>> print(in_our_dialect("SELECT x::int FROM `a`.b.c WHERE y = ':lo' AND x > :lo", ["lo"]))
    SELECT x::int FROM "a".b.c WHERE y = ':lo' AND x > $lo
    """

    def changed(match: re.Match[str]) -> str:
        found = match[0]
        if found.startswith("`"):
            return literal(found[1:-1].replace("``", "`"))
        return f"${found[1:]}" if found.startswith(":") and found[1:] in parameters else found

    return _TOKEN.sub(changed, text)


def _walk(node: Any, views: frozenset[str], tables: dict[str, FullName]) -> None:
    """Give tables placeholders, and refuse what does not belong into a query; `views` are names of `WITH`."""
    if isinstance(node, list):
        for child in node:
            _walk(child, views, tables)
        return
    if not isinstance(node, dict):
        return
    views = views | _with_names(node)
    match node.get("type"):
        case "BASE_TABLE":
            _place(node, views, tables)
        case "TABLE_FUNCTION":
            name = str(node.get("function", {}).get("function_name", "")).lower()
            if name not in _TABLE_FUNCTIONS:
                raise InvalidArgument(f"the query may not call {name}(); name tables as catalog.schema.table")
        case "SHOW_REF":
            raise InvalidArgument("the query must be one SELECT over tables")
    name = str(node.get("function_name", "")).lower() if node.get("class") == "FUNCTION" else ""
    if name.startswith(_FORBIDDEN):
        raise InvalidArgument(f"the query may not call {name}()")
    for child in node.values():
        _walk(child, views, tables)


def _with_names(node: Mapping[str, Any]) -> frozenset[str]:
    found = node.get("cte_map")
    entries = found.get("map", []) if isinstance(found, dict) else []
    names = frozenset(str(entry.get("key", "")).lower() for entry in entries)
    for name in names:
        # In its own definition such a name would still mean what the engine or we call so.
        if name.startswith(_ENGINES):
            raise InvalidArgument(f"{name!r} cannot be the name of a WITH; choose another")
    return names


def _place(node: dict[str, Any], views: frozenset[str], tables: dict[str, FullName]) -> None:
    catalog, schema, name = (str(node.get(f"{part}_name") or "") for part in ("catalog", "schema", "table"))
    if not catalog and not schema and name.lower() in views:
        return
    if not (catalog and schema and name):
        told = ".".join(part for part in (catalog, schema, name) if part)
        raise InvalidArgument(f"table {told!r} must be named with all three levels, catalog.schema.table")
    full_name = FullName.parse(f"{catalog}.{schema}.{name}")
    known = next((placeholder for placeholder, each in tables.items() if each == full_name), None)
    placeholder = known or f"pierhead_table_{len(tables)}"
    tables[placeholder] = full_name
    # Columns may be named by the table's own name.
    alias = node.get("alias") or name
    node.update(catalog_name="", schema_name="", table_name=placeholder, alias=alias)
    node["qualified_name"] = {"path": [placeholder]}


def _place_of(found: duckdb.DuckDBPyConnection, column: str) -> int:
    names = [str(each[0]) for each in found.description or ()]
    place = next((i for i, name in enumerate(names) if name.lower() == column.lower()), None)
    if place is None:
        raise InvalidArgument(f"the query has no column {column!r}; it has {', '.join(names)}")
    return place


def _words(error: duckdb.Error) -> str:
    return " ".join(str(error).split())[:500]
