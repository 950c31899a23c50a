"""Signed permissions for one transfer, sessions of uploads in parts, and addresses in the file API."""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.kit.signing import is_signed, sign
from pierhead.kit.web.caller import Caller, PrincipalKind

LONGEST_GRANT = timedelta(hours=1)
MOST_PARTS = 10_000


class Action(Enum):
    """What the holder of a signed address may do."""

    DOWNLOAD = "download"
    UPLOAD = "upload"
    UPLOAD_PART = "upload-part"
    ABORT = "abort"


class GrantExpired(PermissionDenied):
    """The signed address was valid once."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One action, once or many times, until `expires_at` (whole seconds). Who holds the address acts as `caller`.

    `target` is an absolute path for a whole file, a session id for the parts of one.
    """

    action: Action
    target: str
    part_number: int
    expires_at: datetime
    caller: Caller


def expiry(wanted: datetime | None, now: datetime) -> datetime:
    """When a grant ends: when the client wants, but at most an hour from now."""
    latest = now + LONGEST_GRANT
    return latest if wanted is None else min(max(wanted, now), latest)


def seal(grant: Grant, key: bytes) -> str:
    """The grant as one word of an address, signed."""
    fields = {
        "a": grant.action.value,
        "t": grant.target,
        "n": grant.part_number,
        "e": int(grant.expires_at.timestamp()),
        "u": _who(grant.caller),
    }
    text = base64.urlsafe_b64encode(json.dumps(fields, separators=(",", ":")).encode()).decode().rstrip("=")
    return f"{text}.{sign(key, 'grant', text)}"


def unseal(word: str, key: bytes, action: Action, now: datetime) -> Grant:
    """The grant in an address. Raises PermissionDenied if it is not ours, for another action, or over."""
    text, _, signature = word.partition(".")
    if not is_signed(key, signature, "grant", text):
        raise PermissionDenied("the signature of this address is not valid; ask for a new address")
    fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    expires_at = datetime.fromtimestamp(fields["e"], now.tzinfo)
    if fields["a"] != action.value:
        raise PermissionDenied(f"this address is signed for {fields['a']}, not for {action.value}")
    if now >= expires_at:
        raise GrantExpired(f"this address expired at {expires_at.isoformat()}; ask for a new one")
    return Grant(action, fields["t"], fields["n"], expires_at, _caller(fields["u"]))


def _who(caller: Caller) -> dict[str, Any]:
    """The caller with all that rights and the audit trail ask about; a program stays one that somebody answers for."""
    return {
        "id": caller.user_id,
        "name": caller.user_name,
        "groups": sorted(caller.groups),
        "kind": caller.kind.value,
        "owner": caller.owner_name,
        "may": sorted(caller.entitlements),
    }


def _caller(who: dict[str, Any]) -> Caller:
    groups, entitlements = frozenset(who["groups"]), frozenset(who["may"])
    return Caller(who["id"], who["name"], groups, PrincipalKind(who["kind"]), who["owner"], entitlements)


@dataclass(frozen=True, slots=True)
class UploadSession:
    """A file that arrives in parts. `door` and `path` are where it was begun, and the only place it may end."""

    id: str
    door: str
    path: str
    overwrite: bool
    started_ms: int

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "UploadSession":
        return cls(**json.loads(text))


_SESSION_ID = re.compile(r"[0-9a-f]{32}")


def session_id(text: str) -> str:
    """A session's id as it came from outside. Raises InvalidArgument: it becomes part of a path."""
    if not _SESSION_ID.fullmatch(text):
        raise InvalidArgument("the session token is not one of ours; start the upload again")
    return text


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file; numbers begin at 1. `etag` is the SHA-256 of its bytes in hex."""

    number: int
    etag: str


def check_parts(claimed: Sequence[Part], stored: Sequence[Part]) -> list[Part]:
    """The parts that make the file, in order. Raises InvalidArgument for missing, doubled or changed parts."""
    if not claimed:
        raise InvalidArgument("an upload is completed with the list of its parts; it is empty")
    if len({part.number for part in claimed}) != len(claimed):
        raise InvalidArgument("the list of parts names one part twice")
    there = frozenset(stored)
    numbers = {part.number for part in there}
    for part in claimed:
        if part.number not in numbers:
            raise InvalidArgument(f"part {part.number} was never uploaded; upload it and complete again")
        if part not in there:
            raise InvalidArgument(f"part {part.number} changed after it was uploaded: its etag differs")
    return sorted(claimed, key=lambda part: part.number)


def part_number(value: int) -> int:
    """Raises InvalidArgument if it is not from 1 to 10000."""
    if not 1 <= value <= MOST_PARTS:
        raise InvalidArgument(f"part number {value} is not from 1 to {MOST_PARTS}")
    return value


def page_start(token: str) -> str:
    """The name after which a page begins; '' for the first page. Raises InvalidArgument.

    >>> page_start(page_token("b.txt"))
    'b.txt'
    """
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise InvalidArgument("page_token is not one of ours; use next_page_token of the page before") from None


def page_token(last_name: str) -> str:
    """What leads to the page after `last_name`."""
    return base64.urlsafe_b64encode(last_name.encode()).decode()
