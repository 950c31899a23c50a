"""What a run says it was trained on, read with suspicion."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName
from pierhead.tracking.domain.runs import DatasetInput

CONTEXTS = frozenset({"training", "train", "fit"})
MANIFEST_TAG = "pierhead.manifest_sha256"
"""The tag of an input in which our client notes what it saw."""

_DELTA, _CODE = "delta_table", "code"


@dataclass(frozen=True, slots=True)
class Claim:
    """A table at a version. `manifest_sha256` is what the client saw, None if it did not look."""

    dataset: str
    table: FullName | Path
    version: int
    manifest_sha256: str | None


@dataclass(frozen=True, slots=True)
class Flaw:
    """An input that cannot be what it should. `table` is None if it names none."""

    table: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Claims:
    """Everything that a run's training inputs say; `notes` are about inputs that do not count."""

    claims: tuple[Claim, ...]
    flaws: tuple[Flaw, ...]
    notes: tuple[str, ...]


class _Unusable(ValueError):
    """An input's source cannot be used; the message says why."""


def read_claims(inputs: Iterable[DatasetInput]) -> Claims:
    """The training inputs among these.

    An input that lacks its version is forgiven if another one names the same table with a version: inputs cannot be
    taken off a run again. Inputs whose source is code, as autologging writes them, name no data and do not count.
    """
    claims: dict[tuple[str, int], Claim] = {}
    flaws: list[Flaw] = []
    notes: list[str] = []
    for each in inputs:
        if each.context not in CONTEXTS:
            continue
        if each.source_type == _CODE:
            notes.append(f"input '{each.name}' names code and no data, so it does not count")
            continue
        try:
            source = _source(each)
            table = _table(source)
        except _Unusable as error:
            flaws.append(Flaw(None, f"input '{each.name}' {error}"))
            continue
        version = source.get("delta_table_version")
        if version is None:
            flaws.append(Flaw(str(table), _no_version(each.name, table)))
        elif isinstance(version, bool) or not isinstance(version, int) or version < 0:
            flaws.append(
                Flaw(
                    str(table), f"input '{each.name}' has version {version!r} of {table}; a version is a number from 0"
                )
            )
        else:
            claim = Claim(each.name, table, version, each.tags.get(MANIFEST_TAG))
            claims.setdefault((str(table), version), claim)
    named = {str(claim.table) for claim in claims.values()}
    left = tuple(flaw for flaw in flaws if flaw.table not in named)
    return Claims(tuple(claims.values()), left, tuple(notes))


def _source(each: DatasetInput) -> Mapping[str, Any]:
    if each.source_type != _DELTA:
        raise _Unusable(f"is a '{each.source_type}', which has no version that could be kept; use a Delta table")
    try:
        source = json.loads(each.source)
    except (ValueError, RecursionError):
        source = None
    if not isinstance(source, dict):
        raise _Unusable("has a source that is no JSON object")
    return source


def _table(source: Mapping[str, Any]) -> FullName | Path:
    name, path = source.get("delta_table_name"), source.get("path")
    if isinstance(name, str) and path is None:
        try:
            return FullName.parse(name.replace("`", ""))
        except InvalidArgument as error:
            raise _Unusable(f"names no table: {error.message}") from None
    if isinstance(path, str) and name is None:
        return _path(path)
    raise _Unusable("must name its table in one way, by delta_table_name or by path")


def _path(text: str) -> Path:
    parts = urlsplit(text)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        text = unquote(parts.path)
    elif parts.scheme:
        raise _Unusable(f"lies at {text}, and the server opens tables on its own disks only")
    path = Path(text)
    if not path.is_absolute() or "\0" in text:
        raise _Unusable(f"has the path {text!r}, which is not absolute and means another place on the server")
    return path


def _no_version(dataset: str, table: FullName | Path) -> str:
    return (
        f"input '{dataset}' names {table} without a version; MLflow's own client leaves version 0 out. If it was "
        f"version 0, log it again with log_delta_input({str(table)!r}, version=0), which keeps it"
    )


def fix_lines() -> str:
    """The two lines of code that log a table at its version."""
    return 'from pierhead.client import log_delta_input\nlog_delta_input("catalog.schema.table", version=VERSION)'
