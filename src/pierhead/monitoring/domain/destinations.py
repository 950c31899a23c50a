"""Where alerts are told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from pierhead.kit.errors import InvalidArgument
from pierhead.registry.domain.webhooks import check_secrets, check_url

DEFAULT_NAME = "default"
"""Rules that name no destination tell the one of this name."""

NOBODY = "nobody"
"""No destination has this name: rules that name it are told to nobody."""

MOST_ADDRESSES = 50

_ADDRESS = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+")
_LONGEST_NAME = 255


class DestinationKind(Enum):
    """Values are the words of the wire, and kept in rows."""

    WEBHOOK = "WEBHOOK"
    EMAIL = "EMAIL"
    SLACK = "SLACK"


@dataclass(frozen=True, slots=True)
class Destination:
    """`url` of a webhook or of Slack's incoming one, `addresses` of an e-mail; `sealed` holds `secret` (which
    deliveries are signed with), `username` and `password` (of basic authentication), sealed, as far as they are set."""

    id: str
    name: str
    kind: DestinationKind
    created_by: str
    created_at: datetime
    url: str = ""
    addresses: tuple[str, ...] = ()
    sealed: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_address(self) -> bool:
        """Whether it is an address alone, as somebody's alert or monitor names it: then it is not shown to others."""
        return self.kind is DestinationKind.EMAIL and self.addresses == (self.name,)


@dataclass(frozen=True, slots=True)
class DestinationDraft:
    """What a client says of a destination; secrets are as they came."""

    name: str
    kind: DestinationKind
    url: str = field(default="", repr=False)
    addresses: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def check_destination(draft: DestinationDraft) -> None:
    """Raises InvalidArgument for what nothing can be sent to. Destinations are admins' alone, so they may be inside."""
    if not draft.name.strip() or len(draft.name) > _LONGEST_NAME:
        raise InvalidArgument(f"display_name must have 1 to {_LONGEST_NAME} characters")
    if draft.name == NOBODY:
        raise InvalidArgument(f"no destination may be called {NOBODY!r}: rules that name it are told to nobody")
    if draft.kind is DestinationKind.EMAIL:
        _check_addresses(draft.addresses)
        return
    check_url(draft.url, reaches_private=True)
    check_secrets(draft.secrets.get("secret"), None)
    for what in ("username", "password"):
        check_secrets(draft.secrets.get(what), None)
    if ":" in draft.secrets.get("username", ""):
        raise InvalidArgument("username must not contain ':'")


def _check_addresses(addresses: tuple[str, ...]) -> None:
    if not 1 <= len(addresses) <= MOST_ADDRESSES:
        raise InvalidArgument(f"email needs 1 to {MOST_ADDRESSES} addresses")
    for address in addresses:
        if not _ADDRESS.fullmatch(address) or not address.isascii():
            raise InvalidArgument(f"{address!r} is no e-mail address")
