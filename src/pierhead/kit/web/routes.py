"""Routes of three lines: parse, call one service, render.

A handler is a plain function `(Call, Connection) -> JSON-able value | Response`, run in a thread inside one transaction
that commits before the answer leaves. Each path answers with and without a trailing slash, in every prefix given.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pierhead.kit import audit_context
from pierhead.kit.db import Database
from pierhead.kit.errors import BadRequest, InvalidArgument, TooLarge
from pierhead.kit.full_disk import full_disk_is_told
from pierhead.kit.web.caller import Caller, Client, client_of
from pierhead.kit.web.render import json_response

MLFLOW_PREFIXES = ("/api", "/ajax-api", "/mlflow/api", "/mlflow/ajax-api")
"""MLflow's clients use the first, its web page under `/mlflow` the last; all four are the same door."""

_MAX_JSON_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """One request, parsed: `params` merges query, JSON body and path; what comes later in this list wins."""

    method: str
    path: str
    params: Mapping[str, Any]
    headers: Mapping[str, str]
    caller: Caller
    client: Client
    base_url: str

    def text(self, key: str) -> str:
        """A required string. Raises InvalidArgument if it is missing, empty or of another type."""
        value = self.params.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not value:
            raise InvalidArgument(f"missing value for required parameter '{key}'")
        return value

    def find_text(self, key: str) -> str | None:
        """An optional string; a number counts, as both clients write versions either way."""
        value = self.params.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InvalidArgument(f"parameter '{key}' must be a string, not {type(value).__name__}")
        return str(value)

    def number(self, key: str, default: int) -> int:
        """An integer, as a number or as a string. Raises InvalidArgument if it is neither."""
        value = self.params.get(key, default)
        try:
            if isinstance(value, bool):
                raise ValueError
            return int(value)
        except (TypeError, ValueError, OverflowError):
            raise InvalidArgument(f"parameter '{key}' must be an integer, not {value!r}") from None

    def flag(self, key: str, default: bool = False) -> bool:
        """A boolean, as JSON or as `true`/`false` in the query."""
        value = self.params.get(key, default)
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise InvalidArgument(f"parameter '{key}' must be true or false, not {value!r}")


Handler = Callable[[Call, Connection], Any]
PlainHandler = Callable[[Call], Any]
Guard = Callable[[Call, Connection], None]
"""Raises PermissionDenied if the caller may not make this call."""


class Routes:
    """Collects the routes of an area."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.routes: list[Route] = []

    def add(
        self,
        method: str,
        path: str,
        handler: Handler,
        *,
        prefixes: Sequence[str] = ("/api",),
        reads: bool = False,
        guard: Guard | None = None,
    ) -> None:
        """Answer `method PREFIX+path` with `handler`, in one transaction, in which `guard` is asked first.

        A GET or HEAD cannot write, nor can what only `reads`; anything else waits for all other writers.
        """
        reads = reads or method in ("GET", "HEAD")
        unit = self._database.reading if reads else self._database.transaction

        def run(call: Call) -> Any:
            with unit() as connection:
                if guard is not None:
                    guard(call, connection)
                result = handler(call, connection)
                _will_answer(result)
                return result

        self.add_plain(method, path, run, prefixes=prefixes)

    def add_plain(
        self,
        method: str,
        path: str,
        handler: PlainHandler,
        *,
        prefixes: Sequence[str] = ("/api",),
        guard: Guard | None = None,
    ) -> None:
        """As `add`, for a handler that opens its own transactions (it copies files, or waits)."""

        def run(call: Call) -> Any:
            if guard is not None:
                with self._database.reading() as connection:
                    guard(call, connection)
            return handler(call)

        async def endpoint(request: Request) -> Response:
            call = await parse(request)
            _has_params(call.params)
            return render(await run_in_threadpool(run, call))

        self.add_streaming(method, path, endpoint, prefixes=prefixes)

    def add_streaming(
        self,
        method: str,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        *,
        prefixes: Sequence[str] = ("/api",),
    ) -> None:
        """As `add`, for an endpoint that reads or writes its body piece by piece."""

        async def named(request: Request) -> Response:
            _is_call_of(f"{method} {path}", request)
            with full_disk_is_told(f"{request.method} {request.url.path}"):
                return await endpoint(request)

        for prefix in prefixes:
            self.routes.append(Route(prefix + path, named, methods=[method]))
            if not path.endswith(("/", ":path}")):
                self.routes.append(Route(prefix + path + "/", named, methods=[method]))


def _is_call_of(route: str, request: Request) -> None:
    """Tell the audit trail which call this is, and as much of its parameters as is known before its body is read."""
    acting = audit_context.current()
    if acting is not None:
        acting.route = route
        acting.params = {**_query(request), **request.path_params}


def _has_params(params: Mapping[str, Any]) -> None:
    acting = audit_context.current()
    if acting is not None:
        acting.params = params


def _will_answer(result: Any) -> None:
    acting = audit_context.current()
    if acting is not None and isinstance(result, Response):
        acting.status_code = result.status_code


def render(result: Any) -> Response:
    """A handler's result as an answer: a Response as it is, None as `{}`."""
    return result if isinstance(result, Response) else json_response({} if result is None else result)


async def parse(request: Request) -> Call:
    """Read the whole request. Raises TooLarge or BadRequest."""
    params: dict[str, Any] = _query(request)
    body = await _body(request)
    if body:
        params.update(_json_object(body))
    params.update(request.path_params)
    return Call(
        method=request.method,
        path=request.url.path,
        params=params,
        headers=request.headers,
        caller=request.state.caller,
        client=client_of(request.headers.get("user-agent", "")),
        base_url=base_url(request),
    )


def base_url(request: Request) -> str:
    """The address under which the caller reached us, without a slash at the end."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    return f"{scheme}://{request.headers.get('host', request.url.netloc)}"


def _query(request: Request) -> dict[str, Any]:
    query: dict[str, Any] = {}
    for key, value in request.query_params.multi_items():
        if key not in query:
            query[key] = value
        elif isinstance(query[key], list):
            query[key].append(value)
        else:
            query[key] = [query[key], value]
    return query


async def _body(request: Request) -> bytes:
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > _MAX_JSON_BYTES:
                raise TooLarge(f"the body of {request.method} {request.url.path} exceeds {_MAX_JSON_BYTES} bytes")
            chunks.append(chunk)
    except ClientDisconnect:
        # Nobody hears this; it only keeps a hang-up from being logged as our failure.
        raise BadRequest("the caller hung up in the middle of the body") from None
    return b"".join(chunks)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the request body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest(f"the request body must be a JSON object, not a {type(value).__name__}")
    return value
