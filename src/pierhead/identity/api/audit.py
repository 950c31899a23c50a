"""The audit trail for admins: searched page by page, or exported as JSON lines."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection
from starlette.responses import StreamingResponse

from pierhead.identity.api.guards import needs_admin
from pierhead.identity.domain.audit import Record
from pierhead.identity.services.audit_reading import AuditReader, exported
from pierhead.identity.store.audit import AuditStore, Search
from pierhead.kit.clock import from_ms
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call, Routes

_DEFAULT_PAGE, _LARGEST_PAGE = 100, 1000


def add_routes(routes: Routes, database: Database) -> None:
    reader = AuditReader(database)

    def export(call: Call) -> StreamingResponse:
        after = call.number("since", 1) - 1
        lines = (orjson.dumps(exported(record)) + b"\n" for record in reader.all_after(after))
        return StreamingResponse(lines, media_type="application/x-ndjson")

    routes.add("GET", "/2.0/pierhead/audit", list_records, guard=needs_admin)
    routes.add_plain("GET", "/2.0/pierhead/audit/export", export, guard=needs_admin)


def list_records(call: Call, connection: Connection) -> dict[str, Any]:
    """The newest first; `page_token` goes on where a page ended."""
    limit = min(max(1, call.number("max_results", _DEFAULT_PAGE)), _LARGEST_PAGE)
    search = Search(
        actor=call.find_text("actor"),
        action=call.find_text("action"),
        object=call.find_text("object"),
        since=_since(call),
        is_denied=call.flag("denied") if "denied" in call.params else None,
        before=call.number("page_token", 0) or None,
    )
    found = AuditStore(connection).search(search, limit + 1)
    page: dict[str, Any] = {"records": [exported(record) for record in found[:limit]]}
    if len(found) > limit:
        page["next_page_token"] = _token(found[limit - 1])
    return page


def _token(last: Record) -> str:
    return str(last.number)


def _since(call: Call) -> datetime | None:
    """Milliseconds since 1970."""
    if "since" not in call.params:
        return None
    try:
        return from_ms(call.number("since", 0))
    except (ValueError, OverflowError, OSError):
        raise InvalidArgument("parameter 'since' must be a time in milliseconds since 1970") from None
