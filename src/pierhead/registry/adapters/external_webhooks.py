"""The registry's `ExternalChecks`: a signed POST to an address that the operator configured."""

import hashlib
import hmac
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import orjson

from pierhead.kit.clock import Clock, to_ms
from pierhead.registry.ports import Opinion

FILE_NAME = "external-checks.toml"
"""Lies in the home."""

SIGNATURE_HEADER = "X-Pierhead-Signature"
_LARGEST_ANSWER_BYTES = 64 * 1024
_LONGEST_MESSAGE = 1000


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address and the secret under which what it is sent is signed."""

    url: str
    secret: str


class ExternalWebhooks:
    """Asks `{"check", "asked_at_ms", ...}`, and expects `{"passed": true or false, "message": "..."}`.

    `file` is TOML with a table for each check: `[NAME]`, `url`, `secret`; it is read at every question. The body is
    signed: the header holds `sha256=` and the hex HMAC-SHA256 of the body under the secret. Redirects are not followed,
    for the signature is meant for one address.
    """

    def __init__(self, file: Path, clock: Clock, *, timeout_s: float = 10.0) -> None:
        self._file = file
        self._clock = clock
        self._timeout_s = timeout_s

    def ask(self, name: str, subject: Mapping[str, Any]) -> Opinion:
        """What the webhook says; no answer, or one that is not understood, is a no with the reason."""
        try:
            webhook = _find(self._file, name)
        except (OSError, ValueError) as error:
            return Opinion(False, f"it cannot be asked: {self._file.name} cannot be read: {error}")
        if webhook is None:
            return Opinion(
                False, f"it cannot be asked: add [{name}] with url and secret to {self._file.name} in the home"
            )
        body = orjson.dumps({"check": name, "asked_at_ms": to_ms(self._clock.now()), **subject})
        try:
            with build_opener(_NoRedirects).open(_request(webhook, body), timeout=self._timeout_s) as answer:
                return _read(answer.read(_LARGEST_ANSWER_BYTES))
        except HTTPError as error:
            with error:
                return Opinion(False, f"it answered with status {error.code}")
        except (URLError, OSError, ValueError) as error:
            return Opinion(False, f"it did not answer: {getattr(error, 'reason', error)}")


def signature(secret: str, body: bytes) -> str:
    """The value of the signature header."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def configured_names(file: Path) -> frozenset[str]:
    """Which systems `ExternalWebhooks` could ask; none if the file cannot be read."""
    try:
        return frozenset(name for name in tomllib.loads(file.read_text()) if _is_usable(file, name))
    except (OSError, ValueError):
        return frozenset()


def _is_usable(file: Path, name: str) -> bool:
    try:
        return _find(file, name) is not None
    except ValueError:
        return False


def _find(file: Path, name: str) -> Webhook | None:
    try:
        written = tomllib.loads(file.read_text()).get(name)
    except FileNotFoundError:
        return None
    if written is None:
        return None
    url, secret = (written.get(key) if isinstance(written, dict) else None for key in ("url", "secret"))
    if not isinstance(url, str) or not url.startswith(("http://", "https://")) or not isinstance(secret, str):
        raise ValueError(f"[{name}] needs url, an http address, and secret")
    return Webhook(url, secret)


def _request(webhook: Webhook, body: bytes) -> Request:
    headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature(webhook.secret, body)}
    return Request(webhook.url, data=body, headers=headers, method="POST")


def _read(raw: bytes) -> Opinion:
    try:
        told = orjson.loads(raw)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("passed"), bool):
        return Opinion(False, 'it did not answer with {"passed": true or false, "message": "..."}')
    return Opinion(told["passed"], str(told.get("message", ""))[:_LONGEST_MESSAGE])


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None
