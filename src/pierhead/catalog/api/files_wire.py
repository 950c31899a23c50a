"""The field names of the Databricks file API."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pierhead.catalog.domain.transfers import Part, part_number
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.files import FileEntry
from pierhead.kit.web.routes import Call


class NoSuchFile(NotFound):
    """No such file or directory; clients of the file API look for exactly this code."""

    code = "NOT_FOUND"


def directory_page(path: str, entries: Sequence[FileEntry], next_page_token: str) -> dict[str, Any]:
    """`path` is absolute without its first '/'."""
    page: dict[str, Any] = {"contents": [_entry(path, entry) for entry in entries]}
    if next_page_token:
        page["next_page_token"] = next_page_token
    return page


def _entry(parent: str, entry: FileEntry) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "path": f"/{parent}/{entry.name}" if parent else f"/{entry.name}",
        "name": entry.name,
        "is_directory": entry.is_directory,
        "last_modified": entry.modified_ms,
    }
    if not entry.is_directory:
        fields["file_size"] = entry.size_bytes
    return fields


def signed_address(url: str) -> dict[str, Any]:
    return {"url": url, "headers": []}


def signed_part(url: str, number: int) -> dict[str, Any]:
    return {"url": url, "part_number": number, "headers": []}


def expire_time(call: Call) -> datetime | None:
    """When the client wants its addresses to end. Raises InvalidArgument."""
    text = call.find_text("expire_time")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidArgument(f"expire_time {text!r} is not a time like 2026-01-31T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parts_of(call: Call) -> list[Part]:
    """The parts in the body of a completion. Raises InvalidArgument."""
    parts = call.params.get("parts")
    if not isinstance(parts, list):
        raise InvalidArgument("missing value for required parameter 'parts'")
    try:
        return [Part(part_number(int(part["part_number"])), str(part["etag"]).strip('"')) for part in parts]
    except (TypeError, KeyError, ValueError):
        raise InvalidArgument("each of 'parts' needs a part_number and an etag") from None
