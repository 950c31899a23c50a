"""SCIM's `Me`: the call that every Databricks client makes first."""

from typing import Any

from sqlalchemy import Connection

from pierhead.identity.api.scim import ROOT
from pierhead.identity.api.scim_queries import shown_to
from pierhead.identity.api.scim_wire import me_json
from pierhead.identity.services.accounts import Identities
from pierhead.kit.clock import Clock
from pierhead.kit.web.routes import Call, Routes


class Me:
    """Everybody reads who they are."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def add_routes(self, routes: Routes) -> None:
        routes.add("GET", f"{ROOT}/Me", self.get)

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        identities = Identities(connection, self._clock)
        account = identities.accounts.get_by_id(call.caller.user_id, call.caller.kind)
        return shown_to(call, me_json(account, identities.groups.list_ids(account.groups)))
