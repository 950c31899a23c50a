"""Registry webhooks: who outside wants to hear of which events."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from urllib.parse import urlsplit

from pierhead.kit.errors import InvalidArgument
from pierhead.registry.domain.events import EventName
from pierhead.registry.domain.public_addresses import is_public

MOST_PER_MODEL = 50
"""Webhooks of one model, or of the whole registry."""

_LONGEST_URL = 2048
_LONGEST_SECRET = 4096
_URL_CHARACTERS = re.compile(r"[!-~]+")
_HEADER_CHARACTERS = re.compile(r"[ -~]*")


class WebhookStatus(Enum):
    """Values are the words of the wire. In TEST_MODE only test calls are sent."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"
    TEST_MODE = "TEST_MODE"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a webhook's deliveries go, and what they carry; secret and authorization are sealed, or None.

    `reaches_private` is set if an admin chose it: it may lead into the own network.
    """

    url: str
    verifies_tls: bool
    reaches_private: bool
    sealed_secret: str | None = field(default=None, repr=False)
    sealed_authorization: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Trouble:
    """How a webhook fares: `failures` in a row since `since`, and why the platform disabled it, if it did."""

    failures: int = 0
    since: datetime | None = None
    next_try: datetime | None = None
    disabled_because: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """`model_id` is None for one that hears of all models; `model_name` is the model's name of today."""

    id: str
    model_id: str | None
    model_name: str | None
    description: str
    events: tuple[EventName, ...]
    destination: Destination
    status: WebhookStatus
    creator: str
    created_at: datetime
    updated_at: datetime
    trouble: Trouble = Trouble()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook. `body` never changes: every try sends the same bytes under the same id."""

    id: str
    webhook_id: str
    event: EventName
    body: str
    happened_at: datetime
    tries: int = 0
    last_try: datetime | None = None
    last_outcome: str | None = None
    delivered_at: datetime | None = None


def parse_events(texts: Sequence[str], *, of_model: bool) -> tuple[EventName, ...]:
    """The events that a client names, each once, in the order of the enumeration. Raises InvalidArgument."""
    if not texts:
        raise InvalidArgument("Missing value for required parameter 'events': name at least one event")
    named = {parse_event(text) for text in texts}
    if of_model and EventName.REGISTERED_MODEL_CREATED in named:
        raise InvalidArgument(
            "REGISTERED_MODEL_CREATED is for webhooks of the whole registry: leave model_name out, or this event"
        )
    return tuple(event for event in EventName if event in named)


def parse_event(text: str) -> EventName:
    """Raises InvalidArgument."""
    try:
        return EventName(text)
    except ValueError:
        names = ", ".join(event.value for event in EventName)
        raise InvalidArgument(f"unknown event '{text[:100]}'; the events are {names}") from None


def parse_status(text: str) -> WebhookStatus:
    """Raises InvalidArgument."""
    try:
        return WebhookStatus(text)
    except ValueError:
        names = ", ".join(status.value for status in WebhookStatus)
        raise InvalidArgument(f"unknown status '{text[:100]}'; it must be one of {names}") from None


def check_url(url: str, *, reaches_private: bool) -> None:
    """Raises InvalidArgument unless deliveries can go there.

    A name may still turn out to be a private address: that is looked at again when something is sent.
    """
    if len(url) > _LONGEST_URL or not _URL_CHARACTERS.fullmatch(url):
        raise InvalidArgument(f"url must be at most {_LONGEST_URL} characters of ASCII without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidArgument(f"url cannot be read: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise InvalidArgument("url must be an http or https address with a host")
    if parts.username is not None or parts.password is not None:
        raise InvalidArgument(
            "url must not carry a user or password: put them into authorization, which is kept sealed"
        )
    if not reaches_private and _is_private(parts.hostname):
        raise InvalidArgument(private_refusal(parts.hostname))


def private_refusal(host: str) -> str:
    """What to say to whoever may not lead deliveries into the own network."""
    return (
        f"{host} is not a public address, and only webhooks of admins may lead to others; "
        "an admin can set the url, or start the platform with PIERHEAD_WEBHOOKS_TO_PRIVATE=true"
    )


def check_secrets(secret: str | None, authorization: str | None) -> None:
    """Raises InvalidArgument for what cannot be kept or sent; never tells the value."""
    for what, text in (("secret", secret), ("authorization", authorization)):
        if text is not None and len(text) > _LONGEST_SECRET:
            raise InvalidArgument(f"{what} must be at most {_LONGEST_SECRET} characters long")
    if authorization is not None and not _HEADER_CHARACTERS.fullmatch(authorization):
        raise InvalidArgument("authorization must be printable ASCII, as in 'Bearer TOKEN'")


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public(host)
    except ValueError:
        return False
