"""The one metastore, for clients that ask for its id."""

from typing import Any

from pierhead.catalog.api.rights import needs_nothing
from pierhead.catalog.domain.places import FIRST_PLACE
from pierhead.kit.web.routes import Call, Routes

_NAME = "pierhead"


def add_routes(routes: Routes, *, workspace_id: str, metastore_id: str) -> None:
    """`w.metastores.current()` and `.summary()`."""

    def current(_call: Call) -> dict[str, Any]:
        return {
            "workspace_id": int(workspace_id),
            "metastore_id": metastore_id,
            "default_catalog_name": FIRST_PLACE.catalog,
        }

    def summary(_call: Call) -> dict[str, Any]:
        return {"metastore_id": metastore_id, "global_metastore_id": metastore_id, "name": _NAME}

    root = "/2.1/unity-catalog/"
    routes.add_plain("GET", root + "current-metastore-assignment", current, guard=needs_nothing)
    routes.add_plain("GET", root + "metastore_summary", summary, guard=needs_nothing)
