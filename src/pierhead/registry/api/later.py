"""Calls of the official clients that are known and not answered yet: they say so, instead of a 404 that reads like a
wrong address."""

from typing import Any

from pierhead.kit.errors import NotImplementedYet
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, PlainHandler, Routes

_MLFLOW = (
    ("POST", "transition-requests/create"),
    ("GET", "transition-requests/list"),
    ("POST", "transition-requests/approve"),
    ("POST", "transition-requests/reject"),
    ("DELETE", "transition-requests/delete"),
    ("POST", "comments/create"),
    ("PATCH", "comments/update"),
    ("DELETE", "comments/delete"),
    ("POST", "registry-webhooks/create"),
    ("GET", "registry-webhooks/list"),
    ("PATCH", "registry-webhooks/update"),
    ("DELETE", "registry-webhooks/delete"),
    ("POST", "registry-webhooks/test"),
)
_PERMISSIONS = "/2.0/permissions/registered-models/{registered_model_id}"
_OTHERS = (
    ("GET", _PERMISSIONS),
    ("PUT", _PERMISSIONS),
    ("PATCH", _PERMISSIONS),
    ("GET", _PERMISSIONS + "/permissionLevels"),
    ("GET", "/2.1/unity-catalog/permissions/{securable_type}/{full_name}"),
    ("PATCH", "/2.1/unity-catalog/permissions/{securable_type}/{full_name}"),
    ("GET", "/2.1/unity-catalog/effective-permissions/{securable_type}/{full_name}"),
)


def add_routes(routes: Routes) -> None:
    for method, path in _MLFLOW:
        routes.add_plain(method, f"/2.0/mlflow/{path}", _refuse(f"{method} {path}"), prefixes=MLFLOW_PREFIXES)
    for method, path in _OTHERS:
        routes.add_plain(method, path, _refuse(f"{method} {path}"))


def _refuse(name: str) -> PlainHandler:
    def refuse(_call: Call) -> Any:
        raise NotImplementedYet(f"{name} is not implemented yet")

    return refuse
