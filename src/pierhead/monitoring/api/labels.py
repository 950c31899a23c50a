"""`/2.0/pierhead/endpoints/{name}/labels`: ground truth for what an endpoint predicted."""

from typing import Any

import orjson
from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pierhead.identity.domain.objects import Action
from pierhead.identity.services.access import Access
from pierhead.kit.db import Database
from pierhead.kit.errors import BadRequest, InvalidArgument, NotFound, TooLarge
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Call, Routes, render
from pierhead.monitoring.api import labels_wire as wire
from pierhead.monitoring.domain.label_batches import FromTable
from pierhead.monitoring.services.endpoint_tables import payload_of
from pierhead.monitoring.services.label_coverage import read_coverage
from pierhead.monitoring.services.label_intake import LabelIntake
from pierhead.monitoring.services.labelled import Labelled
from pierhead.serving.api.guards import target_of
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.store.endpoints import EndpointStore

_LABELS = "/2.0/pierhead/endpoints/{name}/labels"

LARGEST_BODY_BYTES = 64 * 1024 * 1024


def add_routes(routes: Routes, database: Database, intake: LabelIntake, labelled: Labelled) -> None:
    doors = LabelDoors(database, intake, labelled)
    routes.add_streaming("POST", _LABELS, doors.add)
    routes.add_plain("GET", _LABELS, doors.coverage)


class LabelDoors:
    """Whoever manages an endpoint says what was true; whoever may see it sees how much is known."""

    def __init__(self, database: Database, intake: LabelIntake, labelled: Labelled) -> None:
        self._database = database
        self._intake = intake
        self._labelled = labelled

    async def add(self, request: Request) -> Response:
        caller: Caller = request.state.caller
        endpoint = await run_sync(lambda: self._endpoint(request.path_params["name"], caller, Action.MANAGE))
        body = await _body(request)
        return render(await run_sync(lambda: self._take(request, body, endpoint, caller)))

    def coverage(self, call: Call) -> dict[str, Any]:
        endpoint = self._endpoint(call.text("name"), call.caller, Action.READ)
        now = self._intake.now()
        period = wire.read_period(call, now)
        found = read_coverage(
            self._labelled, payload_of(endpoint), since=period.since, until=period.until, width=period.width, now=now
        )
        return wire.coverage_json(found)

    def _take(self, request: Request, body: bytes, endpoint: Endpoint, caller: Caller) -> dict[str, Any]:
        source = request.query_params.get("source", "")
        content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        rows = wire.read_rows(_json(body)) if content_type == "application/json" else wire.read_file(content_type, body)
        if isinstance(rows, FromTable):
            return wire.added_json(self._intake.import_table(endpoint, rows, caller=caller, source=source))
        batch_id = wire.batch_id_of(request.headers.get("idempotency-key"), body)
        return wire.added_json(self._intake.add(endpoint, rows, batch_id=batch_id, source=source))

    def _endpoint(self, name: str, caller: Caller, action: Action) -> Endpoint:
        with self._database.reading() as connection:
            endpoint = EndpointStore(connection).find(name)
            if endpoint is None:
                raise NotFound(f"endpoint {name!r} does not exist")
            Access(connection, caller).require(action, target_of(endpoint))
            return endpoint


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the request body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidArgument("the body must be a JSON object with labels or table")
    return value


async def _body(request: Request) -> bytes:
    pieces, size = [], 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > LARGEST_BODY_BYTES:
                raise TooLarge(
                    f"labels in one request may take {LARGEST_BODY_BYTES} bytes; send several, or put them into a "
                    "Delta table and send its name"
                )
            pieces.append(piece)
    except ClientDisconnect:
        raise BadRequest("the caller hung up in the middle of the body; no label was taken") from None
    return b"".join(pieces)
