"""`/2.0/pierhead/models/NAME/versions/VERSION/lineage`."""

from typing import Any

from pierhead.identity.domain.objects import Action
from pierhead.kit.web.routes import Call, Routes
from pierhead.registry.api.guards import needs
from pierhead.registry.api.lineage_wire import lineage_json
from pierhead.registry.api.read import read_version
from pierhead.registry.services.lineage import Lineages


def add_routes(routes: Routes, lineages: Lineages) -> None:
    def get(call: Call) -> dict[str, Any]:
        name, number = read_version(call)
        return {"lineage": lineage_json(lineages.get(name, number, call.caller))}

    path = "/2.0/pierhead/models/{name}/versions/{version}/lineage"
    routes.add_plain("GET", path, get, guard=needs(Action.READ))
