"""The field names of MLflow's artifact protocol."""

from collections.abc import Sequence
from typing import Any

from pierhead.kit.files import FileEntry
from pierhead.kit.web.routes import Call


def files_of(entries: Sequence[FileEntry]) -> dict[str, Any]:
    """A listing; MLflow names entries relative to the directory that was asked for."""
    return {"files": [_file(entry) for entry in entries]}


def _file(entry: FileEntry) -> dict[str, Any]:
    fields: dict[str, Any] = {"path": entry.name, "is_dir": entry.is_directory}
    if not entry.is_directory:
        fields["file_size"] = entry.size_bytes
    return fields


def target_of(call: Call) -> str:
    """Where a file in parts goes: the directory stands in the address, the name ends the client's local path."""
    name = call.text("path").replace("\\", "/").rpartition("/")[2]
    directory = str(call.params["directory"]).strip("/")
    return f"{directory}/{name}" if directory else name


def credentials_of(upload_id: str, addresses: Sequence[str]) -> dict[str, Any]:
    """`addresses` are those of the parts, the first part first."""
    return {
        "upload_id": upload_id,
        "credentials": [
            {"url": url, "part_number": number, "headers": {}} for number, url in enumerate(addresses, start=1)
        ],
    }
