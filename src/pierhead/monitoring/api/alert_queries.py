"""`/2.0/alerts`, as `w.alerts_v2` speaks: alerts on a query of their own."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action, Platform
from pierhead.identity.services.access import Access
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.kit.web.routes import Call, Routes
from pierhead.monitoring.domain.alert_queries import AlertQuery
from pierhead.monitoring.domain.alert_records import KeptAlert
from pierhead.monitoring.domain.alerts import Status
from pierhead.monitoring.services.alert_queries import AlertQueries, IsAccount, Locate

_ROOT = "/2.0/alerts"
_DEFAULT_PAGE, _LARGEST_PAGE = 100, 1000
_STATES = {Status.OK: "OK", Status.TRIGGERED: "TRIGGERED", Status.ERROR: "ERROR"}


def add_routes(routes: Routes, clock: Clock, locate: Locate, is_account: IsAccount) -> None:
    calls = QueryCalls(clock, locate, is_account)
    routes.add("POST", _ROOT, calls.create, guard=_anybody)
    routes.add("GET", _ROOT, calls.list, guard=_anybody)
    routes.add("GET", _ROOT + "/{id}", calls.get, guard=_anybody)
    routes.add("PATCH", _ROOT + "/{id}", calls.update, guard=_anybody)
    routes.add("DELETE", _ROOT + "/{id}", calls.trash, guard=_anybody)


class QueryCalls:
    """Handlers: an alert is its owner's, and the admins'."""

    def __init__(self, clock: Clock, locate: Locate, is_account: IsAccount) -> None:
        self._clock = clock
        self._locate = locate
        self._is_account = is_account

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        queries = self._queries(connection)
        return query_json(queries.create(call.params, call.caller.user_name), None)

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        queries = self._queries(connection)
        query = self._mine(call, connection)
        return query_json(query, queries.state(query.id))

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        size = min(max(call.number("page_size", _DEFAULT_PAGE), 1), _LARGEST_PAGE)
        begin = _offset(call.find_text("page_token"))
        queries = self._queries(connection)
        is_admin = Access(connection, call.caller).may(Action.MANAGE, Platform())
        found = queries.list_active(None if is_admin else call.caller.user_name)
        page = [query_json(query, queries.state(query.id)) for query in found[begin : begin + size]]
        more = {"next_page_token": str(begin + size)} if len(found) > begin + size else {}
        return {"alerts": page, **more}

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        queries = self._queries(connection)
        query = self._mine(call, connection)
        after = queries.update(query.id, call.params, call.text("update_mask"))
        return query_json(after, queries.state(query.id))

    def trash(self, call: Call, connection: Connection) -> dict[str, Any]:
        query = self._mine(call, connection)
        self._queries(connection).trash(query.id, purge=call.flag("purge"))
        return {}

    def _mine(self, call: Call, connection: Connection) -> AlertQuery:
        query = self._queries(connection).get(call.text("id"))
        is_admin = Access(connection, call.caller).may(Action.MANAGE, Platform())
        if not is_admin and query.owner != call.caller.user_name:
            raise PermissionDenied(f"alert '{query.id}' is {query.owner}'s; only they and admins may see or change it")
        return query

    def _queries(self, connection: Connection) -> AlertQueries:
        return AlertQueries(connection, self._clock, self._locate, self._is_account)


def query_json(query: AlertQuery, alert: KeptAlert | None) -> dict[str, Any]:
    """As the official client reads it."""
    body = dict(query.body)
    evaluation = dict(body["evaluation"])
    # A query that was never looked at, and one whose result says nothing, are both unknown.
    evaluation["state"] = "UNKNOWN" if alert is None else _STATES.get(alert.state.status, "UNKNOWN")
    if query.evaluated_at is not None:
        evaluation["last_evaluated_at"] = _moment(query.evaluated_at)
    return body | {
        "id": query.id,
        "create_time": _moment(query.created_at),
        "update_time": _moment(query.updated_at),
        "owner_user_name": query.owner,
        "run_as_user_name": query.owner,
        "effective_run_as": {"user_name": query.owner},
        "lifecycle_state": "ACTIVE" if query.trashed_at is None else "DELETED",
        "evaluation": evaluation,
    }


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isascii() or not token.isdigit():
        raise InvalidArgument("page_token is none that was given out")
    return int(token[:9])


def _anybody(_call: Call, _connection: Connection) -> None:
    """Guard of calls that ask for rights themselves, once they know whose alert it is."""
