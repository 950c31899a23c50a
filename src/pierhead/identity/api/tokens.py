"""Tokens: one's own (`/2.0/token`), and those that one manages (`/2.0/token-management`)."""

from typing import Any

from sqlalchemy import Connection

from pierhead.identity.api.tokens_wire import find_lifetime, managed_token_json, read_comment, refuse_scopes, token_json
from pierhead.identity.services.managed_tokens import ManagedTokens
from pierhead.kit.clock import Clock
from pierhead.kit.web.routes import Call, Routes


class OwnTokens:
    """Handlers of `w.tokens`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def add_routes(self, routes: Routes) -> None:
        routes.add("POST", "/2.0/token/create", self.create)
        routes.add("GET", "/2.0/token/list", self.list)
        routes.add("POST", "/2.0/token/delete", self.delete)
        routes.add("PATCH", "/2.0/token/{token_id}", self.update)

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_scopes(call)
        tokens = ManagedTokens(connection, self._clock, call.caller)
        token, value = tokens.create_own(call.find_text("comment") or "", find_lifetime(call))
        return {"token_value": value, "token_info": token_json(token)}

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        tokens = ManagedTokens(connection, self._clock, call.caller)
        return {"token_infos": [token_json(token) for token, _ in tokens.list_own()]}

    def delete(self, call: Call, connection: Connection) -> None:
        ManagedTokens(connection, self._clock, call.caller).revoke(call.text("token_id"), is_own=True)

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        tokens = ManagedTokens(connection, self._clock, call.caller)
        token, _ = tokens.set_comment(call.text("token_id"), read_comment(call), is_own=True)
        return token_json(token)


class TokenManagement:
    """Handlers of `w.token_management`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def add_routes(self, routes: Routes) -> None:
        path = "/2.0/token-management"
        routes.add("POST", f"{path}/on-behalf-of/tokens", self.create)
        routes.add("GET", f"{path}/tokens", self.list)
        routes.add("GET", f"{path}/tokens/{{token_id}}", self.get)
        routes.add("DELETE", f"{path}/tokens/{{token_id}}", self.delete)
        routes.add("PATCH", f"{path}/tokens/{{token_id}}", self.update)

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_scopes(call)
        tokens = ManagedTokens(connection, self._clock, call.caller)
        comment = call.find_text("comment") or ""
        token, account, value = tokens.create_for(call.text("application_id"), comment, find_lifetime(call))
        return {"token_value": value, "token_info": managed_token_json(token, account)}

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        tokens = ManagedTokens(connection, self._clock, call.caller)
        found = tokens.list_managed(call.find_text("created_by_username"), call.find_text("created_by_id"))
        return {"token_infos": [managed_token_json(token, account) for token, account in found]}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        tokens = ManagedTokens(connection, self._clock, call.caller)
        return {"token_info": managed_token_json(*tokens.get(call.text("token_id")))}

    def delete(self, call: Call, connection: Connection) -> None:
        ManagedTokens(connection, self._clock, call.caller).revoke(call.text("token_id"))

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        tokens = ManagedTokens(connection, self._clock, call.caller)
        return managed_token_json(*tokens.set_comment(call.text("token_id"), read_comment(call)))
