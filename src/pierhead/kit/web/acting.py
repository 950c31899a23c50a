"""What a request tells of who acts, for the audit trail."""

import re

from starlette.datastructures import Headers
from starlette.types import Scope

from pierhead.kit.audit_context import ANONYMOUS, Acting, Actor, Origin
from pierhead.kit.ids import new_id
from pierhead.kit.web.caller import Caller

_REQUEST_ID = re.compile(r"[\w.:-]{1,128}")
_LONGEST_ADDRESS = 200


def acting_of(scope: Scope, caller: Caller | None) -> Acting:
    """The call that a request is; None as caller for paths that need no token."""
    headers = Headers(scope=scope)
    source_ip, claimed_ip = addresses_of(scope, headers.get("x-forwarded-for"))
    origin = Origin(source_ip, claimed_ip, headers.get("user-agent"), request_id_of(headers.get("x-request-id")))
    return Acting(actor_of(caller), f"{scope['method']} {scope['path']}", origin)


def actor_of(caller: Caller | None) -> Actor:
    """Whom a token belongs to."""
    if caller is None:
        return Actor(ANONYMOUS, ANONYMOUS)
    return Actor(caller.user_name, caller.kind.value, caller.person, caller.groups)


def addresses_of(scope: Scope, forwarded: str | None) -> tuple[str | None, str | None]:
    """The caller's address, and what else was claimed of it.

    Only our own gateways reach the api over a unix socket, where a peer has no address: the last of the forwarded
    addresses is the one that the gateway saw, all before it are what was claimed. A peer that has an address may be
    anybody, and all it says is a claim.
    """
    peer = scope.get("client")
    if peer is not None and peer[0]:
        return peer[0], _claim(forwarded or "")
    claimed, _, seen = (forwarded or "").rpartition(",")
    return seen.strip()[:_LONGEST_ADDRESS] or None, _claim(claimed)


def request_id_of(sent: str | None) -> str:
    """The id that the caller gave to the request if it is one, so that it can be followed across services; else a new
    one."""
    return sent if sent is not None and _REQUEST_ID.fullmatch(sent) else new_id()


def _claim(text: str) -> str | None:
    return text.strip()[:_LONGEST_ADDRESS] or None
