"""Single versions of a Delta table: what identifies one, and how to keep it readable."""

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import pyarrow as pa
from deltalake import DeltaTable

from pierhead.kit.delta import DELTA_ERRORS, first_line

LASTING_LOG = {"delta.logRetentionDuration": "interval 3650 days"}
"""Properties of a table whose old versions can be opened for long. Other engines delete log files after 30 days unless
told otherwise, and know nothing of pins."""

_LOG_FILE = re.compile(r"(\d{20})\.(?:json|crc|checkpoint.*\.parquet|compacted\.json)")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint.*\.parquet")


class NoSuchVersion(ValueError):
    """The table, or this version of it, cannot be read; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What a version of a table is. `rows` is None if a file does not say how many it holds.

    `manifest_sha256` is over the sorted list of (path, size, rows) of its files, `schema_sha256` over its schema.
    """

    table_id: str
    version: int
    schema_sha256: str
    manifest_sha256: str
    rows: int | None


def newest_version(path: Path) -> int:
    """Raises NoSuchVersion if there is no table that can be read."""
    return _version_of(_open(path, None))


def read_version(path: Path, version: int) -> VersionFacts:
    """Raises NoSuchVersion if there is no such version, or if files of it are gone."""
    table = _open_version(path, version)
    files = _files(table)
    missing = [file for file, _, _ in files if not _is_there(path, file)]
    if missing:
        raise NoSuchVersion(
            f"version {version} of the table at {path} has lost {len(missing)} of its {len(files)} files to a vacuum, "
            f"the first is {missing[0]}"
        )
    counts = [rows for _, _, rows in files if rows is not None]
    return VersionFacts(
        table_id=str(table.metadata().id),
        version=version,
        schema_sha256=_digest(orjson.loads(table.schema().to_json())),
        manifest_sha256=_digest(files),
        rows=sum(counts) if len(counts) == len(files) else None,
    )


def tidy_log(path: Path, keep_versions: Iterable[int], before: datetime) -> None:
    """Delete log files older than `before` that no reader of the newest version, nor of one of these, needs.

    The engine's own tidying knows only ages, and would make an old version unreadable.
    """
    log = path / "_delta_log"
    names = [entry.name for entry in os.scandir(log)]
    checkpoints = sorted({int(match[1]) for name in names if (match := _CHECKPOINT.fullmatch(name))})
    if not checkpoints:
        return
    spans = [(_from(checkpoints, version), version) for version in keep_versions]
    for name in names:
        match = _LOG_FILE.fullmatch(name)
        if match is None or int(match[1]) >= checkpoints[-1]:
            continue
        is_needed = any(first <= int(match[1]) <= last for first, last in spans)
        if not is_needed and (log / name).stat().st_mtime < before.timestamp():
            (log / name).unlink(missing_ok=True)


def _from(checkpoints: list[int], version: int) -> int:
    """The first log file that a reader of `version` needs."""
    return max((checkpoint for checkpoint in checkpoints if checkpoint <= version), default=0)


def _open_version(path: Path, version: int) -> DeltaTable:
    newest = newest_version(path)
    # The engine would look for every version up to the one asked for, however large.
    if not 0 <= version <= newest:
        raise NoSuchVersion(f"the table at {path} has no version {version}; its newest is {newest}")
    return _open(path, version)


def _open(path: Path, version: int | None) -> DeltaTable:
    if not (path / "_delta_log").is_dir():
        raise NoSuchVersion(f"there is no Delta table at {path} on the server")
    try:
        return DeltaTable(path, version=version)
    except (*DELTA_ERRORS, ValueError) as error:
        which = "the table" if version is None else f"version {version} of the table"
        raise NoSuchVersion(f"{which} at {path} cannot be opened: {first_line(error)}") from None


def _version_of(table: DeltaTable) -> int:
    return int(table.version())


def _files(table: DeltaTable) -> list[tuple[str, int, int | None]]:
    try:
        actions = pa.table(table.get_add_actions(flatten=True))
    except (*DELTA_ERRORS, ValueError) as error:
        raise NoSuchVersion(f"the files of {table.table_uri} cannot be listed: {first_line(error)}") from None
    columns = [actions[name].to_pylist() for name in ("path", "size_bytes", "num_records")]
    return sorted(zip(*columns, strict=True), key=lambda file: str(file[0]))


def _is_there(path: Path, file: str) -> bool:
    return (path / unquote(file)).is_file() or (path / file).is_file()


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
