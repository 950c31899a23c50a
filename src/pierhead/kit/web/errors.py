"""The one place where our errors meet HTTP: every failure is `{"error_code", "message"}` with its status."""

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pierhead.kit import errors
from pierhead.kit.web.render import json_response

log = structlog.get_logger()

STATUS: dict[type[errors.PierheadError], int] = {
    errors.InvalidArgument: 400,
    errors.BadRequest: 400,
    errors.InvalidState: 400,
    errors.Unauthenticated: 401,
    errors.PermissionDenied: 403,
    errors.NotFound: 404,
    errors.RouteNotFound: 404,
    # MLflow's clients look for 400 here; the SDK maps by code.
    errors.AlreadyExists: 400,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.TooManyRequests: 429,
    errors.InternalError: 500,
    errors.NotImplementedYet: 501,
    errors.Unavailable: 503,
    errors.DeadlineExceeded: 504,
    errors.DiskFull: 507,
}


def status_of(error: errors.PierheadError) -> int:
    """The HTTP status of an error's class or of its nearest ancestor; 500 for the root."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def error_response(error: errors.PierheadError) -> Response:
    """Render one of our errors."""
    status = status_of(error)
    headers = {"x-pierhead-error": error.kind} if error.kind else {}
    if status in (429, 503):
        headers["retry-after"] = "1"
    if status == 401:
        # A browser asks its user; API clients ignore it.
        headers["www-authenticate"] = 'Basic realm="Pierhead: any user name, a token as password"'
    return json_response({"error_code": error.code, "message": error.message}, status=status, headers=headers)


async def handle_pierhead_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.PierheadError)
    if isinstance(error, errors.DiskFull):
        log.error("disk full", refused=error.message)
    return error_response(error)


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's own refusals (404, 405, ...) in our shape."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return error_response(errors.RouteNotFound(f"no such path: {request.method} {request.url.path}"))
    if error.status_code == 405:
        message = f"method {request.method} is not allowed on {request.url.path}"
        return json_response({"error_code": "BAD_REQUEST", "message": message}, status=405, headers=error.headers)
    code = "BAD_REQUEST" if error.status_code < 500 else "INTERNAL_ERROR"
    return json_response({"error_code": code, "message": error.detail}, status=error.status_code)


async def handle_unexpected(request: Request, error: Exception) -> Response:
    """A bug: the log has the trace, the caller has a clear sentence."""
    log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
    return error_response(
        errors.InternalError(f"{request.method} {request.url.path} failed; the server's log has more")
    )
