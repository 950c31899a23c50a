"""Requests to a server, with the standard library alone: a command must start fast."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from pierhead.cli.failures import ExitCode, Failure, exit_code_of
from pierhead.cli.target import Target

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

_REDIRECTS = (301, 302, 303, 307, 308)
_TIMEOUT_S = 60.0
QUERY_TIMEOUT_S = 300.0


class Refused(Failure):
    """The server answered with an error."""

    def __init__(self, status: int, error_code: str, message: str, headers: Mapping[str, str]) -> None:
        request_id = headers.get("x-request-id", "")
        shown = f"{message} [{error_code or status}]" + (f" (request {request_id})" if request_id else "")
        is_gate = headers.get("x-pierhead-error") == "gate closed"
        code = ExitCode.GATE_CLOSED if is_gate else exit_code_of(error_code, status)
        super().__init__(shown, code=code, remedy=_REMEDIES.get(code, ""))
        self.status = status


_REMEDIES = {
    ExitCode.NOT_ALLOWED: "pierhead login, or ask an administrator for the right",
    ExitCode.UNREACHABLE: "pierhead doctor",
}


class Remote:
    """The REST interface of one server. Every method raises Refused or Failure."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        return self.call("GET", path, query=query)

    def pages(self, path: str, key: str, query: Mapping[str, object] | None = None) -> dict[str, Any]:
        """A listing as one body, however many pages the server makes of it."""
        items: list[Any] = []
        parameters = dict(query or {})
        while True:
            body = self.get(path, parameters)
            items.extend(body.get(key, []))
            token = body.get("next_page_token")
            if not token:
                return {key: items}
            parameters["page_token"] = token

    def text(self, path: str, query: Mapping[str, object] | None = None, timeout_s: float = _TIMEOUT_S) -> str:
        """An answer that is no JSON."""
        answer = self._exchange("GET", path + (f"?{urlencode(query)}" if query else ""), None, timeout_s, "")
        return answer.decode("utf-8", "replace")

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> Any:
        """The answer's JSON; `{}` for an empty answer."""
        raw = None if body is None else json.dumps(body).encode()
        return self.send(method, path + (f"?{urlencode(query)}" if query else ""), raw, timeout_s)

    def send(
        self,
        method: str,
        path: str,
        raw: bytes | None,
        timeout_s: float = _TIMEOUT_S,
        *,
        content_type: str = "application/json",
    ) -> Any:
        """As `call`, with the body as it goes out."""
        return _json(self._exchange(method, path, raw, timeout_s, content_type), method, path)

    def _exchange(self, method: str, path: str, raw: bytes | None, timeout_s: float, content_type: str) -> bytes:
        from http.client import HTTPException
        from urllib.error import HTTPError, URLError
        from urllib.request import Request

        headers = {"Authorization": f"Bearer {self._target.token}", "Accept": "application/json"}
        if raw is not None:
            headers["Content-Type"] = content_type
        request = Request(self._target.host + path, data=raw, headers=headers, method=method)
        try:
            with _opener(self._target.host).open(request, timeout=timeout_s) as answer:
                body: bytes = answer.read()
                return body
        except HTTPError as error:
            with error:
                if error.code in _REDIRECTS:
                    raise _redirected(self._target.host, error.headers.get("location", "")) from None
                headers = {name.lower(): value for name, value in error.headers.items()}
                raise _refused(error.code, error.read(), headers) from None
        except (URLError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            raise Failure(
                f"{self._target.host} does not answer: {reason}",
                code=ExitCode.UNREACHABLE,
                remedy="pierhead doctor, or start the platform with `pierhead up`",
            ) from None


def part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def is_loopback(host: str) -> bool:
    """Whether a URL leads to this machine itself.

    >>> is_loopback("http://127.0.0.1:5050"), is_loopback("http://localhost.example.com")
    (True, False)
    """
    from ipaddress import ip_address

    try:
        name = urlsplit(host).hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _opener(host: str) -> "OpenerDirector":
    from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener

    class NoRedirects(HTTPRedirectHandler):
        """The library would take our token along, to whatever host the answer names."""

        def redirect_request(self, *_: object) -> None:
            return None

    # A proxy for the outside world must not see our tokens.
    return build_opener(NoRedirects, ProxyHandler({})) if is_loopback(host) else build_opener(NoRedirects)


def _redirected(host: str, location: str) -> Failure:
    return Failure(
        f"{host} sends requests on to {location or 'another place'}, but a token is for one host alone",
        remedy="name that host itself, if it is the one you mean: DATABRICKS_HOST, or pierhead login --host",
    )


def _json(raw: bytes, method: str, path: str) -> Any:
    try:
        return json.loads(raw) if raw.strip() else {}
    except ValueError:
        raise Failure(f"{method} {path} answered with something else than JSON: is the host a Pierhead?") from None


def _refused(status: int, raw: bytes, headers: Mapping[str, str]) -> Refused:
    try:
        body = json.loads(raw)
        return Refused(status, str(body["error_code"]), str(body["message"]), headers)
    except (ValueError, KeyError, TypeError):
        return Refused(status, "", raw.decode("utf-8", "replace").strip()[:500] or f"HTTP {status}", headers)
