"""What a record of the audit trail says, and the chain that binds it to all records before it. Pure.

Record n's digest is SHA-256("pierhead-audit-v1" || digest of record n-1 || canonical JSON of record n), where canonical
JSON is that of RFC 8785 and the first record follows 32 zero bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785

from pierhead.identity.domain.audit_names import object_of, words_of
from pierhead.identity.domain.audit_redaction import redacted
from pierhead.kit.audit_context import Acting
from pierhead.kit.clock import from_ms, to_ms

ALLOWED, DENIED = "allowed", "denied"
CLOSED = "closed"
"""The decision by which services tell that the gate refused, whatever the class of the error is."""
START = bytes(32)
"""What the first record follows."""

_VERSION = b"pierhead-audit-v1"
_OWN_PLACE = frozenset(("action", "object", "decision", "policy", "before", "after"))


@dataclass(frozen=True, slots=True)
class Columns:
    """What searches look at: repeated from the record, and checked against it."""

    at: datetime
    actor: str
    action: str
    object: str | None
    is_denied: bool
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it is kept: `number` counts from 1 without gaps, `content` is its canonical JSON."""

    number: int
    digest: bytes
    content: str
    columns: Columns


Fields = Mapping[str, Any]
"""A record's content before it has its number."""


def fields_of(acting: Acting, notes: Mapping[str, object], now: datetime, refusal: tuple[int, str] | None) -> Fields:
    """What is to be said of a call's transaction, secrets left out; `refusal` is the status and message of a denial."""
    origin = acting.origin
    service, action = words_of(acting.route)
    digests = {name: value for name, value in notes.items() if name.endswith("_digest")}
    rest = {name: value for name, value in notes.items() if name not in _OWN_PLACE and name not in digests}
    status_code, message = (acting.status_code, None) if refusal is None else refusal
    return {
        "event_time": to_ms(now),
        "service_name": service,
        "action_name": _text(notes.get("action")) or action,
        "route": redacted(acting.route),
        "object": _text(notes.get("object") or object_of(acting.params)),
        "user_identity": {
            "email": acting.actor.name,
            "kind": acting.actor.kind,
            "person": acting.actor.person,
            "groups": sorted(acting.actor.groups),
        },
        "source_ip": origin.source_ip,
        "claimed_ip": redacted(origin.claimed_ip),
        "user_agent": redacted(origin.user_agent),
        "request_id": origin.request_id,
        "request_params": redacted(acting.params),
        "response": {"status_code": status_code, "error_message": redacted(message)},
        "decision": _decision(notes.get("decision"), is_refused=refusal is not None),
        "denied": refusal is not None,
        "policy": redacted(notes.get("policy")),
        "digests": redacted(digests),
        "before": redacted(notes.get("before")),
        "after": redacted(notes.get("after")),
        "notes": redacted(rest),
    }


def record_of(fields: Fields, number: int, previous: bytes) -> Record:
    """The fields as record `number`, which follows the record with digest `previous`."""
    content = rfc8785.dumps({**fields, "sequence_number": number}).decode()
    return Record(number, digest_of(previous, content), content, columns_of(fields))


def digest_of(previous: bytes, content: str) -> bytes:
    """The digest of a record with this content after one with the digest `previous`.

    >>> digest_of(START, "{}").hex()[:16]
    'db8baf2bd48bc825'
    """
    return hashlib.sha256(_VERSION + previous + content.encode()).digest()


def columns_of(fields: Fields) -> Columns:
    """Raises KeyError, TypeError or ValueError if `fields` are not those of a record."""
    return Columns(
        at=from_ms(fields["event_time"]),
        actor=fields["user_identity"]["email"],
        action=fields["action_name"],
        object=fields["object"],
        is_denied=fields["denied"],
        request_id=fields["request_id"],
    )


def parsed(content: str) -> dict[str, Any]:
    """A record's content as fields. Raises ValueError if it is no JSON object."""
    fields = json.loads(content)
    if not isinstance(fields, dict):
        raise ValueError("a record must be a JSON object")
    return fields


def _decision(noted: object, *, is_refused: bool) -> str:
    if is_refused:
        # What was decided before something else refused did not come to pass.
        return CLOSED if noted == CLOSED else DENIED
    return _text(noted) or ALLOWED


def _text(value: object) -> str | None:
    return None if value is None else str(redacted(str(value)))
