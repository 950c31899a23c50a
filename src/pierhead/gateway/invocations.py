"""The door of invocation paths: what can be refused before the body is refused here."""

from typing import NamedTuple

from pierhead.gateway.arriving import Arriving
from pierhead.gateway.asker import Asker
from pierhead.gateway.auth import authenticate, refuse_cross_site, refuse_query
from pierhead.gateway.desk import Desk
from pierhead.gateway.endpoints import Endpoint
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.http.exchange import Exchange
from pierhead.gateway.http.handler import Handler
from pierhead.gateway.http.head import Head
from pierhead.gateway.http.silent import SILENT
from pierhead.gateway.passes import Pass
from pierhead.gateway.request_ids import new_request_id, request_id_line, sane_request_id
from pierhead.gateway.routing import Target
from pierhead.gateway.units import in_headers
from pierhead.kit.clock import monotonic_s
from pierhead.serving.domain.snapshot import Principal

_JSON = "application/json"


class Invocations:
    """Answers exchanges on invocation paths."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.limited: dict[str, int] = {}
        """How many invocations were sent away with 429 before they had a served entity, by endpoint."""

    def serve(self, exchange: Exchange, target: Target) -> Handler:
        head = exchange.head
        headers = _read(head)
        now_s = monotonic_s()
        request_id = sane_request_id(headers.request_id)
        principal = self._admit(head, headers, now_s)
        if isinstance(principal, Refusal):
            return _refuse(exchange, principal, request_id)
        endpoint = self._find(principal, target, head)
        if isinstance(endpoint, Refusal):
            return _refuse(exchange, endpoint, request_id)
        content_type = headers.content_type.decode("latin-1") if headers.content_type else _JSON
        unit = in_headers(endpoint.route.unit, head.headers)
        asker = Asker(principal, target, endpoint, content_type, request_id, unit)
        bound = endpoint.limits.bind(principal)
        refusal = None if bound is None else endpoint.limits.refuse(bound, now_s)
        if refusal is not None:
            self._count(target)
            return _refuse(exchange, refusal, request_id)
        exchange.send_continue()
        if head.content_length is not None:
            exchange.shortcut = Pass(self._desk, asker, head.content_length)
        return Arriving(self._desk, exchange, asker, now_s)

    def _admit(self, head: Head, headers: "_Headers", now_s: float) -> Principal | Refusal:
        if head.method != "POST":
            message = f"method {head.method} is not allowed on an invocation path; use POST"
            return Refusal(405, "BAD_REQUEST", message, b"allow: POST\r\n")
        principals = self._desk.dispatcher.snapshot.principals
        principal = authenticate(headers.authorization, principals, self._desk.clock.ms_at(now_s))
        if isinstance(principal, Refusal):
            return principal
        cross_site = None if headers.origin is None else refuse_cross_site(headers.origin, headers.host)
        if cross_site is not None:
            return cross_site
        if headers.content_encoding not in (None, b"", b"identity"):
            coding = headers.content_encoding.decode("latin-1")
            return Refusal(415, "BAD_REQUEST", f"content coding {coding!r} is not understood; send the body plain")
        return principal

    def _find(self, principal: Principal, target: Target, head: Head) -> Endpoint | Refusal:
        """The endpoint that this caller means, may query, and that will take a body of the announced length."""
        route = self._desk.dispatcher.snapshot.endpoints.get(target.endpoint)
        denial = None if route is None else refuse_query(principal, route)
        if denial is not None:
            return denial
        endpoint = self._desk.dispatcher.find(target)
        if isinstance(endpoint, Refusal):
            if endpoint.status == 429:
                self._count(target)
            return endpoint
        pool = endpoint.sole(target.entity)
        if isinstance(pool, Refusal):
            return pool
        length = head.content_length or 0
        return self._desk.refuse_size(length, length) or endpoint

    def _count(self, target: Target) -> None:
        self.limited[target.endpoint] = self.limited.get(target.endpoint, 0) + 1


def _refuse(exchange: Exchange, refusal: Refusal, request_id: str | None) -> Handler:
    exchange.refuse(refusal, request_id_line(request_id or new_request_id()))
    return SILENT


class _Headers(NamedTuple):
    authorization: bytes | None
    content_type: bytes | None
    content_encoding: bytes | None
    request_id: bytes | None
    origin: bytes | None
    host: bytes | None


def _read(head: Head) -> _Headers:
    named = dict(head.headers)
    return _Headers(
        named.get(b"authorization"),
        named.get(b"content-type"),
        named.get(b"content-encoding"),
        named.get(b"x-request-id"),
        named.get(b"origin"),
        named.get(b"host"),
    )
