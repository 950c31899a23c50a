"""`/2.0/mlflow/registry-webhooks/*`, as `w.model_registry` speaks; `/2.0/pierhead/webhooks*` for how they fare."""

from typing import Any

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, InvalidState
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, Routes
from pierhead.registry.api.guards import needs_nothing
from pierhead.registry.api.oss_wire import page_json
from pierhead.registry.api.read import read_texts
from pierhead.registry.api.webhooks_wire import (
    delivery_json,
    page_token,
    read_address,
    read_page_token,
    watched_json,
    webhook_json,
)
from pierhead.registry.domain.webhooks import Webhook, parse_event
from pierhead.registry.ports import Unreached
from pierhead.registry.services.webhook_sender import WebhookSender
from pierhead.registry.services.webhooks import Address, Webhooks

_ROOT = "/2.0/mlflow/registry-webhooks/"
_OWN = "/2.0/pierhead/webhooks"
_DEFAULT_PAGE, _LARGEST_PAGE = 100, 1000
_NOWHERE = Address(None, None, None, None)


class WebhookCalls:
    """Handlers. Whose webhook it is, is known when its row is: the service asks for the right."""

    def __init__(self, database: Database, clock: Clock, sender: WebhookSender) -> None:
        self._database = database
        self._clock = clock
        self._sender = sender

    def add_routes(self, routes: Routes) -> None:
        for method, path, handler in (
            ("POST", "create", self.create),
            ("GET", "list", self.list_webhooks),
            ("PATCH", "update", self.update),
            ("DELETE", "delete", self.delete),
        ):
            routes.add(method, _ROOT + path, handler, prefixes=MLFLOW_PREFIXES, guard=needs_nothing)
        routes.add_plain("POST", _ROOT + "test", self.test, prefixes=MLFLOW_PREFIXES, guard=needs_nothing)
        routes.add("GET", _OWN, self.list_watched, guard=needs_nothing)
        routes.add("GET", _OWN + "/{id}/deliveries", self.list_deliveries, guard=needs_nothing)
        routes.add("POST", _OWN + "/{id}/retry", self.retry, guard=needs_nothing)

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        webhook = self._webhooks(call, connection).create(
            call.find_text("model_name") or None,
            read_texts(call, "events"),
            read_address(call) or _NOWHERE,
            description=call.find_text("description"),
            status=call.find_text("status"),
        )
        return {"webhook": webhook_json(webhook)}

    def list_webhooks(self, call: Call, connection: Connection) -> dict[str, Any]:
        found, token = self._page(call, connection)
        return page_json("webhooks", [webhook_json(webhook) for webhook in found], token)

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        webhook = self._webhooks(call, connection).update(
            call.text("id"),
            events=read_texts(call, "events") or None,
            address=read_address(call),
            description=call.find_text("description"),
            status=call.find_text("status"),
        )
        return {"webhook": webhook_json(webhook)}

    def delete(self, call: Call, connection: Connection) -> None:
        self._webhooks(call, connection).delete(call.text("id"))

    def test(self, call: Call) -> dict[str, Any]:
        event = call.find_text("event")
        # It is on record before it goes out, and no transaction waits for a stranger's answer.
        with self._database.transaction() as connection:
            webhooks = self._webhooks(call, connection)
            webhook, example = webhooks.example(call.text("id"), parse_event(event) if event else None)
        outcome = self._sender.send(webhook.destination, example)
        if isinstance(outcome, Unreached):
            raise InvalidState(f"webhook {webhook.id} could not be tried: {outcome.reason}")
        return {"status_code": outcome.status, "body": outcome.body}

    def list_watched(self, call: Call, connection: Connection) -> dict[str, Any]:
        found, token = self._page(call, connection)
        return page_json("webhooks", [watched_json(webhook) for webhook in found], token)

    def list_deliveries(self, call: Call, connection: Connection) -> dict[str, Any]:
        found = self._webhooks(call, connection).list_deliveries(call.text("id"), _limit(call))
        return {"deliveries": [delivery_json(delivery) for delivery in found]}

    def retry(self, call: Call, connection: Connection) -> dict[str, Any]:
        return {"webhook": watched_json(self._webhooks(call, connection).retry(call.text("id")))}

    def _page(self, call: Call, connection: Connection) -> tuple[list[Webhook], str | None]:
        found, last = self._webhooks(call, connection).page(
            call.find_text("model_name") or None,
            [parse_event(text) for text in read_texts(call, "events")],
            after=read_page_token(call.find_text("page_token")),
            limit=_limit(call),
        )
        return found, None if last is None else page_token(last)

    def _webhooks(self, call: Call, connection: Connection) -> Webhooks:
        return Webhooks(connection, self._clock, call.caller, self._sender)


def _limit(call: Call) -> int:
    number = call.number("max_results", _DEFAULT_PAGE)
    if number < 0:
        raise InvalidArgument(f"parameter 'max_results' must not be negative, got {number}")
    return min(number or _DEFAULT_PAGE, _LARGEST_PAGE)
