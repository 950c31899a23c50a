"""Webhooks as `w.model_registry` reads and writes them, and what Pierhead tells of them besides."""

import base64
import binascii
from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.kit.errors import InvalidArgument, NotImplementedYet
from pierhead.kit.web.routes import Call
from pierhead.registry.api.oss_wire import without_none
from pierhead.registry.domain.webhooks import Delivery, Webhook, WebhookStatus
from pierhead.registry.services.webhooks import Address


def webhook_json(webhook: Webhook) -> dict[str, Any]:
    """Without secret and authorization: those only go in."""
    return without_none(
        {
            "id": webhook.id,
            "model_name": webhook.model_name,
            "description": webhook.description,
            "events": [event.value for event in webhook.events],
            "http_url_spec": {
                "url": webhook.destination.url,
                "enable_ssl_verification": webhook.destination.verifies_tls,
            },
            "status": webhook.status.value,
            "creation_timestamp": to_ms(webhook.created_at),
            "last_updated_timestamp": to_ms(webhook.updated_at),
        }
    )


def watched_json(webhook: Webhook) -> dict[str, Any]:
    """With how it fares; the SDK has no place for that."""
    trouble = webhook.trouble
    times = {"failing_since": trouble.since, "next_try_at": _next_try(webhook)}
    return webhook_json(webhook) | without_none(
        {
            "creator": webhook.creator,
            "failures": trouble.failures,
            "disabled_because": trouble.disabled_because,
            **{key: None if moment is None else to_ms(moment) for key, moment in times.items()},
        }
    )


def _next_try(webhook: Webhook) -> Any:
    return webhook.trouble.next_try if webhook.status is WebhookStatus.ACTIVE else None


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    times = {"last_try_at": delivery.last_try, "delivered_at": delivery.delivered_at}
    return without_none(
        {
            "id": delivery.id,
            "webhook_id": delivery.webhook_id,
            "event": delivery.event.value,
            "event_timestamp": to_ms(delivery.happened_at),
            "state": "WAITING" if delivery.delivered_at is None else "DELIVERED",
            "tries": delivery.tries,
            "last_outcome": delivery.last_outcome,
            "body": delivery.body,
            **{key: None if moment is None else to_ms(moment) for key, moment in times.items()},
        }
    )


def read_address(call: Call) -> Address | None:
    """`http_url_spec`; None if the call has none. Raises InvalidArgument, or NotImplementedYet for a job."""
    if call.params.get("job_spec"):
        raise NotImplementedYet(
            "webhooks that run a job are not supported; use http_url_spec, with the address of something that runs it"
        )
    spec = call.params.get("http_url_spec")
    if spec is None:
        return None
    if not isinstance(spec, dict):
        raise InvalidArgument("parameter 'http_url_spec' must be an object with 'url'")
    for key in ("url", "secret", "authorization"):
        if not isinstance(spec.get(key), str | None):
            raise InvalidArgument(f"'{key}' of http_url_spec must be a string")
    if not isinstance(spec.get("enable_ssl_verification"), bool | None):
        raise InvalidArgument("'enable_ssl_verification' of http_url_spec must be true or false")
    return Address(spec.get("url"), spec.get("enable_ssl_verification"), spec.get("secret"), spec.get("authorization"))


def page_token(position: int) -> str:
    return base64.urlsafe_b64encode(f"webhooks:{position}".encode()).decode()


def read_page_token(text: str | None) -> int:
    """The position in a token, 0 for none.

    >>> read_page_token(page_token(12))
    12
    """
    if not text:
        return 0
    try:
        kind, _, position = base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode().partition(":")
        number = int(position) if kind == "webhooks" and position.isdigit() else -1
    except (binascii.Error, ValueError):
        number = -1
    if not 0 <= number < 2**63:
        raise InvalidArgument("Invalid page token; send the next_page_token of the answer before")
    return number
