"""The control plane's web application: authentication in front, one shape of error behind."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pierhead.kit import audit_context
from pierhead.kit.errors import PermissionDenied, PierheadError, Unauthenticated
from pierhead.kit.web.acting import acting_of, addresses_of
from pierhead.kit.web.caller import Authenticate
from pierhead.kit.web.errors import (
    error_response,
    handle_http_exception,
    handle_pierhead_error,
    handle_unexpected,
    status_of,
)
from pierhead.kit.web.failed_logins import FailedLogins

OnRefusal = Callable[[PierheadError, int], None]

log = structlog.get_logger()

_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


def application(
    routes: Sequence[BaseRoute],
    *,
    authenticate: Authenticate,
    is_public: Callable[[str], bool],
    workspace_id: str,
    lifespan: Any = None,
    on_refusal: OnRefusal | None = None,
) -> Starlette:
    """An application in which every path that is not public needs a token.

    `on_refusal` is called with every error that refuses a call, and its status, before the answer leaves.
    """
    return Starlette(
        routes=list(routes),
        middleware=[
            Middleware(_WorkspaceHeader, workspace_id=workspace_id),
            Middleware(_Authentication, authenticate=authenticate, is_public=is_public),
        ],
        exception_handlers={
            PierheadError: handle_pierhead_error if on_refusal is None else _telling(on_refusal),
            HTTPException: handle_http_exception,
            Exception: handle_unexpected,
        },
        lifespan=lifespan,
    )


def _telling(on_refusal: OnRefusal) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        assert isinstance(error, PierheadError)
        try:
            await run_in_threadpool(on_refusal, error, status_of(error))
        except Exception:
            # Refused it stays, with or without a record.
            log.exception("a refusal could not be recorded", path=request.url.path, refusal=error.message)
        return await handle_pierhead_error(request, error)

    return handle


class _WorkspaceHeader:
    """Adds `x-databricks-org-id`, which the Databricks clients copy into run links."""

    def __init__(self, app: ASGIApp, workspace_id: str) -> None:
        self._app = app
        self._workspace_id = workspace_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-databricks-org-id"] = self._workspace_id
            await send(message)

        await self._app(scope, receive, send_with_header if scope["type"] == "http" else send)


class _Authentication:
    """Puts the caller into `request.state.caller` and says who acts, or answers 401."""

    def __init__(self, app: ASGIApp, authenticate: Authenticate, is_public: Callable[[str], bool]) -> None:
        self._app = app
        self._authenticate = authenticate
        self._is_public = is_public
        self._failed_logins = FailedLogins()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = None
        if not self._is_public(scope["path"]):
            headers = Headers(scope=scope)
            try:
                token = token_of(headers.get("authorization", ""))
                refuse_cross_site(scope["method"], headers)
                caller = await run_in_threadpool(self._authenticate, token)
            except PierheadError as error:
                self._failed_logins.count(addresses_of(scope, headers.get("x-forwarded-for"))[0])
                await error_response(error)(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
        acting = acting_of(scope, caller)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = acting.origin.request_id or ""
            await send(message)

        with audit_context.under(acting):
            await self._app(scope, receive, send_with_id)


def token_of(authorization: str) -> str:
    """The token in an Authorization header: Bearer, or the password of Basic. Raises Unauthenticated.

    >>> token_of("Bearer phd_1")
    'phd_1'
    >>> token_of("Basic dG9rZW46cGhkXzE=")
    'phd_1'
    """
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if scheme.lower() == "basic":
        try:
            _, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        if password:
            return password
    raise Unauthenticated(
        "no token: send 'Authorization: Bearer TOKEN'; `pierhead env` prints one for the official clients"
    )


def refuse_cross_site(method: str, headers: Headers) -> None:
    """Browsers send a remembered Basic login along with other sites' requests: those must not change anything."""
    origin = headers.get("origin")
    if method in _SAFE_METHODS or origin is None:
        return
    if urlsplit(origin).netloc != headers.get("host"):
        raise PermissionDenied(f"requests from the site {origin} may not change anything here")
