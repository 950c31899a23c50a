"""Registry webhooks as people keep them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection

from pierhead.identity.domain.accounts import ADMINS
from pierhead.identity.domain.objects import Action, Platform
from pierhead.identity.services.access import Access
from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock, to_ms
from pierhead.kit.errors import InvalidArgument, InvalidState, NotFound
from pierhead.kit.ids import new_id
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.events import EventName
from pierhead.registry.domain.names import check_text
from pierhead.registry.domain.webhook_bodies import body_of, example_of
from pierhead.registry.domain.webhooks import (
    MOST_PER_MODEL,
    Delivery,
    Destination,
    Trouble,
    Webhook,
    WebhookStatus,
    check_secrets,
    check_url,
    parse_events,
    parse_status,
)
from pierhead.registry.services.rights import ModelRights, target_of
from pierhead.registry.services.webhook_sender import WebhookSender
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.webhook_deliveries import DeliveryStore
from pierhead.registry.store.webhooks import WebhookStore

_MOST_DELIVERIES = 200


@dataclass(frozen=True, slots=True)
class Address:
    """What a client says of where to deliver; None is what it does not say, an empty text takes away."""

    url: str | None
    verifies_tls: bool | None
    secret: str | None
    authorization: str | None


class Webhooks:
    """Use cases of one caller, within the caller's transaction.

    A webhook of one model belongs to whoever manages that model; those of the whole registry belong to admins.
    """

    def __init__(self, connection: Connection, clock: Clock, caller: Caller, sender: WebhookSender) -> None:
        self._clock = clock
        self._caller = caller
        self._sender = sender
        self._models = ModelStore(connection)
        self._rights = ModelRights(connection, caller)
        self._access = Access(connection, caller)
        self._rows = WebhookStore(connection)
        self._deliveries = DeliveryStore(connection)

    def create(
        self,
        model_name: str | None,
        events: Sequence[str],
        address: Address,
        *,
        description: str | None = None,
        status: str | None = None,
    ) -> Webhook:
        """Raises NotFound, PermissionDenied or InvalidArgument."""
        model_id = self._managed(model_name)
        check_text("description", description or "")
        if self._rows.count(model_id) >= MOST_PER_MODEL:
            raise InvalidArgument(f"there are {MOST_PER_MODEL} webhooks like this one already; delete one first")
        now = self._clock.now()
        webhook = Webhook(
            id=new_id(),
            model_id=model_id,
            model_name=model_name,
            description=description or "",
            events=parse_events(events, of_model=model_id is not None),
            destination=self._destination(address, None),
            status=WebhookStatus.ACTIVE if status is None else parse_status(status),
            creator=self._caller.user_name,
            created_at=now,
            updated_at=now,
        )
        self._rows.add(webhook)
        return webhook

    def get(self, webhook_id: str) -> Webhook:
        """Raises NotFound or PermissionDenied."""
        webhook = self._rows.find(webhook_id)
        if webhook is None:
            raise NotFound(f"Webhook with id={webhook_id[:64]} not found")
        self._managed(webhook.model_name)
        return webhook

    def page(
        self, model_name: str | None, events: Sequence[EventName], *, after: int = 0, limit: int
    ) -> tuple[list[Webhook], int | None]:
        """At most `limit` webhooks that the caller manages, behind the position `after`, and the position of the last
        one if there may be more. Raises NotFound or PermissionDenied for the model that is named."""
        model_id = None if model_name is None else self._managed(model_name)
        found: list[Webhook] = []
        while True:
            rows = self._rows.page(model_id, events, after, limit)
            for position, webhook in rows:
                if len(found) == limit:
                    return found, after
                if self._manages(webhook):
                    found.append(webhook)
                after = position
            if len(rows) < limit:
                return found, None

    def update(
        self,
        webhook_id: str,
        *,
        events: Sequence[str] | None = None,
        address: Address | None = None,
        description: str | None = None,
        status: str | None = None,
    ) -> Webhook:
        """What is None stays as it is; one that becomes ACTIVE starts anew. Raises as `get`, or InvalidArgument."""
        self.get(webhook_id)
        present = self._rows.find_locked(webhook_id)
        if present is None:
            raise NotFound(f"Webhook with id={webhook_id} not found")
        changed = replace(present, updated_at=self._clock.now())
        if events is not None:
            changed = replace(changed, events=parse_events(events, of_model=present.model_id is not None))
        if address is not None:
            changed = replace(changed, destination=self._destination(address, present.destination))
        if description is not None:
            check_text("description", description)
            changed = replace(changed, description=description)
        if status is not None:
            changed = replace(changed, status=parse_status(status), trouble=Trouble())
        self._rows.update(changed)
        self._rows.set_trouble(webhook_id, changed.trouble)
        return changed

    def delete(self, webhook_id: str) -> None:
        """With what waits for it. Raises as `get`."""
        self.get(webhook_id)
        self._rows.delete([webhook_id])

    def list_deliveries(self, webhook_id: str, limit: int) -> list[Delivery]:
        """The newest first, at most 200. Raises as `get`."""
        self.get(webhook_id)
        return self._deliveries.list(webhook_id, min(limit, _MOST_DELIVERIES))

    def retry(self, webhook_id: str) -> Webhook:
        """Try what waits at once, also if the platform had given up.

        Raises as `get`, or InvalidState for one that somebody disabled or that is in TEST_MODE.
        """
        webhook = self.get(webhook_id)
        if webhook.status is not WebhookStatus.ACTIVE and webhook.trouble.disabled_because is None:
            raise InvalidState(f"webhook {webhook_id} is {webhook.status.value}: update its status to ACTIVE first")
        return self.update(webhook_id, status=WebhookStatus.ACTIVE.value)

    def example(self, webhook_id: str, event: EventName | None) -> tuple[Webhook, Delivery]:
        """A delivery to try the webhook with, that is kept nowhere: of `event`, or of the first that it hears of.

        Raises as `get`.
        """
        webhook = self.get(webhook_id)
        name = event or webhook.events[0]
        now = self._clock.now()
        body = body_of(example_of(name, webhook.model_name, self._caller.user_name), name, webhook.id, to_ms(now))
        body["text"] = f"Test of webhook {webhook.id}: {body['text']}"
        note(event=name.value)
        return webhook, Delivery(new_id(), webhook.id, name, orjson.dumps(body).decode(), now)

    def _destination(self, address: Address, present: Destination | None) -> Destination:
        check_secrets(address.secret, address.authorization)
        url = address.url or (None if present is None else present.url)
        if url is None:
            raise InvalidArgument("Missing value for required parameter 'http_url_spec': it must have a url")
        is_admin = ADMINS in self._caller.groups
        check_url(url, reaches_private=is_admin or self._sender.others_reach_private)
        if present is not None and present.url != url:
            # What opens the one place is not carried to another.
            present = replace(present, sealed_secret=None, sealed_authorization=None)
        kept = present or Destination(url, verifies_tls=True, reaches_private=is_admin)
        # An admin who changes something else has not chosen the url.
        reaches_private = is_admin and (address.url is not None or kept.reaches_private)
        return Destination(
            url=url,
            verifies_tls=kept.verifies_tls if address.verifies_tls is None else address.verifies_tls,
            reaches_private=reaches_private,
            sealed_secret=self._sealed(address.secret, kept.sealed_secret),
            sealed_authorization=self._sealed(address.authorization, kept.sealed_authorization),
        )

    def _sealed(self, text: str | None, present: str | None) -> str | None:
        if text is None:
            return present
        return self._sender.seal.close(text) if text else None

    def _managed(self, model_name: str | None) -> str | None:
        """The model's id. Raises NotFound or PermissionDenied."""
        if model_name is None:
            self._access.require(Action.MANAGE, Platform())
            return None
        self._rights.require(Action.MANAGE, model_name)
        model = self._models.find(model_name)
        return None if model is None else model.id

    def _manages(self, webhook: Webhook) -> bool:
        if webhook.model_id is None:
            return self._access.may(Action.MANAGE, Platform())
        model = self._models.find_by_id(webhook.model_id)
        return model is not None and self._access.may(Action.MANAGE, target_of(model))
