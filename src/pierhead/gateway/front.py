"""Who answers which path."""

import orjson

from pierhead.gateway.forwarding import origin_form
from pierhead.gateway.http.answers import JSON, Refusal
from pierhead.gateway.http.exchange import Exchange
from pierhead.gateway.http.handler import Handler
from pierhead.gateway.http.silent import SILENT
from pierhead.gateway.invocations import Invocations
from pierhead.gateway.proxy import Proxy
from pierhead.gateway.routing import invocation_target

_HEALTH = frozenset((b"/health", b"/ping", b"/health/", b"/ping/"))
_HEALTHY = orjson.dumps({"status": "ok"})


class Front:
    """Sends each exchange to what answers it."""

    def __init__(self, invocations: Invocations, proxy: Proxy) -> None:
        self._invocations = invocations
        self._proxy = proxy

    def serve(self, exchange: Exchange) -> Handler:
        path = exchange.head.target
        if not path.startswith(b"/"):
            try:
                path = origin_form(path)
            except ValueError as error:
                exchange.refuse(Refusal(400, "BAD_REQUEST", f"the request target is no URL: {error}"))
                return SILENT
        target = invocation_target(path)
        if target is not None:
            return self._invocations.serve(exchange, target)
        if path.partition(b"?")[0] in _HEALTH:
            return _answer_health(exchange)
        return self._proxy.serve(exchange)


def _answer_health(exchange: Exchange) -> Handler:
    """Says that this gateway answers; nothing about what is behind it."""
    if exchange.head.method in ("GET", "HEAD"):
        exchange.answer(200, JSON, _HEALTHY)
    else:
        message = f"method {exchange.head.method} is not allowed here; use GET"
        exchange.refuse(Refusal(405, "BAD_REQUEST", message, b"allow: GET, HEAD\r\n"))
    return SILENT
