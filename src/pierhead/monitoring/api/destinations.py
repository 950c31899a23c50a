"""`/2.0/notification-destinations`, as `w.notification_destinations` speaks. Only admins change them and see more than
their names."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action, Platform
from pierhead.identity.services.access import Access
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument, NotFound, NotImplementedYet
from pierhead.kit.sealing import Seal
from pierhead.kit.web.routes import Call, Routes
from pierhead.monitoring.domain.destinations import Destination, DestinationDraft, DestinationKind
from pierhead.monitoring.services.destinations import Destinations

_ROOT = "/2.0/notification-destinations"
_CONFIGS = {
    "generic_webhook": DestinationKind.WEBHOOK,
    "email": DestinationKind.EMAIL,
    "slack": DestinationKind.SLACK,
}
_OTHERS = ("microsoft_teams", "pagerduty", "databricks_app_slack", "databricks_app_teams")
_SECRETS = ("username", "password", "secret")


def add_routes(routes: Routes, clock: Clock, seal: Seal) -> None:
    calls = DestinationCalls(clock, seal)
    routes.add("POST", _ROOT, calls.create, guard=_admins_only)
    routes.add("GET", _ROOT, calls.list, guard=_anybody)
    routes.add("GET", _ROOT + "/{id}", calls.get, guard=_anybody)
    routes.add("PATCH", _ROOT + "/{id}", calls.update, guard=_admins_only)
    routes.add("DELETE", _ROOT + "/{id}", calls.delete, guard=_admins_only)


class DestinationCalls:
    """Handlers."""

    def __init__(self, clock: Clock, seal: Seal) -> None:
        self._clock = clock
        self._seal = seal

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        draft = read_config(call.params.get("config"), call.text("display_name"))
        made = self._destinations(connection).create(draft, by=call.caller.user_name)
        return destination_json(made, is_admin=True)

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        is_admin, found = _is_admin(call, connection), self._destinations(connection).list_all()
        return {
            "results": [destination_json(each, is_admin=False) for each in found if is_admin or not each.is_address]
        }

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        found = self._destinations(connection).get(call.text("id"))
        is_admin = _is_admin(call, connection)
        if found.is_address and not is_admin:
            raise NotFound(f"notification destination '{call.text('id')}' does not exist")
        return destination_json(found, is_admin=is_admin)

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        destinations, config = self._destinations(connection), call.params.get("config")
        before, name = destinations.get(call.text("id")), call.find_text("display_name")
        draft = None if config is None else read_config(config, name or before.name, before)
        return destination_json(destinations.update(before.id, name, draft), is_admin=True)

    def delete(self, call: Call, connection: Connection) -> dict[str, Any]:
        self._destinations(connection).delete(call.text("id"))
        return {}

    def _destinations(self, connection: Connection) -> Destinations:
        return Destinations(connection, self._clock, self._seal)


def read_config(config: object, name: str, before: Destination | None = None) -> DestinationDraft:
    """`generic_webhook` (whose `secret`, which deliveries are signed with, is ours), `email` or `slack`; what is not
    said stays as it was before."""
    if not isinstance(config, Mapping) or len(config) != 1:
        raise InvalidArgument(f"config must have exactly one of {', '.join((*_CONFIGS, *_OTHERS))}")
    ((key, value),) = config.items()
    if key in _OTHERS:
        raise NotImplementedYet(f"destinations of type {key} are not served; use generic_webhook, email or slack")
    kind = _CONFIGS.get(str(key))
    if kind is None or not isinstance(value, Mapping):
        raise InvalidArgument(f"config must have exactly one of {', '.join((*_CONFIGS, *_OTHERS))}")
    if value.get("oauth_token") or value.get("channel_id"):
        raise NotImplementedYet("slack is told through the url of an incoming webhook, not with a token")
    addresses = value.get("addresses")
    return DestinationDraft(
        name=name,
        kind=kind,
        url=str(value.get("url") or (before.url if before else "")),
        addresses=tuple(map(str, addresses)) if isinstance(addresses, list) else (before.addresses if before else ()),
        secrets={each: str(value[each]) for each in _SECRETS if value.get(each)},
    )


def destination_json(destination: Destination, *, is_admin: bool) -> dict[str, Any]:
    plain = {
        "id": destination.id,
        "display_name": destination.name,
        "destination_type": destination.kind.value,
    }
    if not is_admin:
        return plain
    return plain | {"config": _config_json(destination)}


def _config_json(destination: Destination) -> dict[str, Any]:
    match destination.kind:
        case DestinationKind.EMAIL:
            return {"email": {"addresses": list(destination.addresses)}}
        case DestinationKind.SLACK:
            return {"slack": {"url_set": True}}
        case DestinationKind.WEBHOOK:
            said = {f"{each}_set": each in destination.sealed for each in _SECRETS}
            return {"generic_webhook": {"url_set": True} | said}


def _is_admin(call: Call, connection: Connection) -> bool:
    return Access(connection, call.caller).may(Action.MANAGE, Platform())


def _admins_only(call: Call, connection: Connection) -> None:
    Access(connection, call.caller).require(Action.MANAGE, Platform())


def _anybody(_call: Call, _connection: Connection) -> None:
    """Names are no secret; addresses of single people are left out of them."""
