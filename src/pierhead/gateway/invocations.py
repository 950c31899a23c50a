"""The door of invocation paths: what can be refused before the body is refused here."""

import os
import random
import re
from typing import NamedTuple

from pierhead.gateway.auth import authenticate, refuse_cross_site, refuse_query
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.http.exchange import Exchange, Handler
from pierhead.gateway.http.head import Head
from pierhead.gateway.http.silent import SILENT
from pierhead.gateway.invocation import Asker, Desk, Invocation, request_id_line
from pierhead.gateway.routing import Target
from pierhead.kit.clock import Clock, to_ms
from pierhead.serving.domain.snapshot import EndpointRoute, EntityRoute, Principal

_SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")

_JSON = "application/json"


class Invocations:
    """Answers exchanges on invocation paths."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def serve(self, exchange: Exchange, target: Target) -> Handler:
        head = exchange.head
        headers = _read(head)
        request_id = _request_id(headers.request_id)
        now_ms = to_ms(self._clock.now())
        principal = self._admit(head, headers, now_ms)
        if isinstance(principal, Refusal):
            return _refuse(exchange, principal, request_id)
        draw = random.random()
        route = self._route(principal, target, head, draw)
        if isinstance(route, Refusal):
            return _refuse(exchange, route, request_id)
        exchange.send_continue()
        content_type = headers.content_type.decode("latin-1") if headers.content_type else _JSON
        return Invocation(self._desk, exchange, Asker(principal, request_id, content_type, now_ms), target, route, draw)

    def _admit(self, head: Head, headers: "_Headers", now_ms: int) -> Principal | Refusal:
        if head.method != "POST":
            message = f"method {head.method} is not allowed on an invocation path; use POST"
            return Refusal(405, "BAD_REQUEST", message, b"allow: POST\r\n")
        principal = authenticate(headers.authorization, self._desk.dispatcher.snapshot.principals, now_ms)
        if isinstance(principal, Refusal):
            return principal
        cross_site = None if headers.origin is None else refuse_cross_site(headers.origin, headers.host)
        if cross_site is not None:
            return cross_site
        if headers.content_encoding not in (None, b"", b"identity"):
            coding = headers.content_encoding.decode("latin-1")
            return Refusal(415, "BAD_REQUEST", f"content coding {coding!r} is not understood; send the body plain")
        return principal

    def _route(
        self, principal: Principal, target: Target, head: Head, draw: float
    ) -> tuple[EndpointRoute, EntityRoute] | Refusal:
        endpoint = self._desk.dispatcher.snapshot.endpoints.get(target.endpoint)
        denial = None if endpoint is None else refuse_query(principal, endpoint)
        if denial is not None:
            return denial
        route = self._desk.dispatcher.find_route(target, draw)
        length = head.content_length or 0
        refusal = None if isinstance(route, Refusal) else self._desk.refuse_size(length, length)
        return route if refusal is None else refusal


def _refuse(exchange: Exchange, refusal: Refusal, request_id: str) -> Handler:
    exchange.refuse(refusal, request_id_line(request_id))
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


def _request_id(sent: bytes | None) -> str:
    """The caller's own id if it can stand in a header and a table, else a new one."""
    return sent.decode() if sent is not None and _SANE_REQUEST_ID.fullmatch(sent) else os.urandom(16).hex()
