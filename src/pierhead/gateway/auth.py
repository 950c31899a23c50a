"""Who is calling, told by the snapshot alone."""

import base64
import binascii
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import urlsplit

from pierhead.gateway.http.answers import Refusal
from pierhead.serving.domain.snapshot import EndpointRoute, Principal

_CHALLENGE = b'www-authenticate: Basic realm="Pierhead: any user name, a token as password"\r\n'

_MISSING = Refusal(
    401,
    "UNAUTHENTICATED",
    "no token: send 'Authorization: Bearer TOKEN'; `pierhead env` prints one for the official clients",
    _CHALLENGE,
)
_INVALID = Refusal(
    401,
    "UNAUTHENTICATED",
    "the token is unknown, revoked or expired; `pierhead env` prints a valid one",
    _CHALLENGE,
)


def authenticate(
    authorization: bytes | None, principals: Mapping[str, Principal], now_ms: float
) -> Principal | Refusal:
    """The caller behind an Authorization header. `principals` by SHA-256 of the token in hex."""
    token = None if authorization is None else token_of(authorization)
    if token is None:
        return _MISSING
    principal = principals.get(sha256(token).hexdigest())
    if principal is None or (principal.expires_at_ms is not None and now_ms >= principal.expires_at_ms):
        return _INVALID
    return principal


def refuse_query(principal: Principal, endpoint: EndpointRoute) -> Refusal | None:
    """What to say to a caller who may not query the endpoint; None to one who may."""
    groups = endpoint.query_groups
    if groups is None or principal.user_id in endpoint.query_users or not groups.isdisjoint(principal.groups):
        return None
    return Refusal(
        403,
        "PERMISSION_DENIED",
        f"{principal.user_name!r} may not query serving endpoint {endpoint.name!r}: that takes CAN_QUERY on it; "
        "its owner or an admin can give it",
    )


def token_of(authorization: bytes) -> bytes | None:
    """The token in an Authorization header: Bearer, or the password of Basic.

    >>> token_of(b"Bearer phd_1")
    b'phd_1'
    >>> token_of(b"basic dG9rZW46cGhkXzE=")
    b'phd_1'
    """
    scheme, _, value = authorization.partition(b" ")
    scheme = scheme.lower()
    if scheme == b"bearer":
        return value.strip() or None
    if scheme == b"basic":
        try:
            return base64.b64decode(value.strip(), validate=True).partition(b":")[2] or None
        except binascii.Error:
            return None
    return None


def refuse_cross_site(origin: bytes, host: bytes | None) -> Refusal | None:
    """Browsers send a remembered Basic login along with other sites' requests: those are not the user's."""
    site = origin.decode("latin-1")
    try:
        netloc = urlsplit(site).netloc
    except ValueError:
        netloc = ""
    if host is not None and netloc and netloc == host.decode("latin-1"):
        return None
    return Refusal(403, "PERMISSION_DENIED", f"requests from the site {site} may not invoke endpoints here")
