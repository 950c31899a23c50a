"""SCIM's `Me`: the call that every Databricks client makes first."""

from sqlalchemy import Connection

from pierhead.kit.web.routes import Call, Routes


def add_routes(routes: Routes) -> None:
    routes.add("GET", "/2.0/preview/scim/v2/Me", me)


def me(call: Call, _connection: Connection) -> dict[str, object]:
    caller = call.caller
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": caller.user_id,
        "userName": caller.user_name,
        "displayName": caller.user_name,
        "active": True,
        "groups": [{"display": name, "value": name} for name in sorted(caller.groups)],
    }
