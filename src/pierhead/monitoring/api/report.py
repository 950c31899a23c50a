"""`/2.0/pierhead/monitors/report/{endpoint}`: all that is known of an endpoint's inputs and answers, as a web page."""

from starlette.responses import Response

from pierhead.catalog.services.tables import Tables
from pierhead.identity.domain.objects import Action
from pierhead.identity.services.access import Access
from pierhead.kit.clock import from_ms
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Routes
from pierhead.monitoring.api.monitor_calls import MonitorCalls
from pierhead.monitoring.domain.table_names import requests_of
from pierhead.monitoring.services.endpoint_tables import find_payload
from pierhead.monitoring.services.report import Reports
from pierhead.monitoring.services.report_page import POLICY, render
from pierhead.serving.api.guards import target_of
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.store.endpoints import EndpointStore

_LATEST_MS = 253_402_300_799_000
_HEADERS = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


def add_routes(routes: Routes, database: Database, calls: MonitorCalls, reports: Reports) -> None:
    """Whoever may see an endpoint and read what it was asked sees its report: values are in it."""

    def report(call: Call) -> Response:
        endpoint = _visible(call, database, calls)
        since_ms = call.number("since_ms", 0)
        if not 0 <= since_ms <= _LATEST_MS:
            raise InvalidArgument(f"since_ms must be milliseconds since 1970, not {since_ms}")
        page = render(reports.read(endpoint, from_ms(since_ms) if since_ms else None))
        return Response(page, media_type="text/html", headers=_HEADERS)

    routes.add_plain("GET", "/2.0/pierhead/monitors/report/{endpoint}", report)


def _visible(call: Call, database: Database, calls: MonitorCalls) -> Endpoint:
    name = call.text("endpoint")
    with database.reading() as connection:
        endpoint = EndpointStore(connection).find(name)
        if endpoint is None:
            raise NotFound(f"endpoint {name!r} does not exist")
        Access(connection, call.caller).require(Action.READ, target_of(endpoint))
        requests = requests_of(find_payload(endpoint) or "")
        # Before the first request there is no table, and no value either.
        if requests is not None and Tables(connection, calls.grounds).find(FullName.parse(requests)) is not None:
            calls.rights(call, connection).require_view(FullName.parse(requests))
        return endpoint
