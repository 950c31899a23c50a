"""`/2.0/pierhead/models/NAME/versions/VERSION/compilation`: how a version is served, and the proof."""

from typing import Any

from sqlalchemy import Connection

from pierhead.compile.api.wire import compilation_json
from pierhead.compile.domain.compilations import Compilation
from pierhead.compile.services.certificates import is_genuine
from pierhead.compile.services.compilations import Compilations
from pierhead.identity.domain.objects import Action
from pierhead.identity.services.audit_keys import Verifier
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidState
from pierhead.kit.web.routes import Call, Routes
from pierhead.registry.api.guards import needs
from pierhead.registry.api.read import read_version
from pierhead.registry.domain.models import Ready
from pierhead.registry.services.versions import Versions

_PATH = "/2.0/pierhead/models/{name}/versions/{version}/compilation"


def add_routes(routes: Routes, clock: Clock, verifier: Verifier) -> None:
    def digest(call: Call, connection: Connection) -> str:
        name, number = read_version(call)
        version = Versions(connection, clock).get(name, number)
        if not isinstance(version.state, Ready):
            raise InvalidState(
                f"version {number} of {name!r} has no complete files yet, so there is nothing to compile"
            )
        return version.digest

    def get(call: Call, connection: Connection) -> dict[str, Any]:
        found = Compilations(connection, clock).get(digest(call, connection))
        return {"compilation": compilation_json(found, _is_genuine(found, verifier))}

    def ask(call: Call, connection: Connection) -> dict[str, Any]:
        asked = Compilations(connection, clock).ask(digest(call, connection), call.caller.user_name)
        return {"compilation": compilation_json(asked, None)}

    routes.add("GET", _PATH, get, guard=needs(Action.READ))
    routes.add("POST", _PATH, ask, guard=needs(Action.EDIT))


def _is_genuine(found: Compilation, verifier: Verifier) -> bool | None:
    if found.damage:
        return False
    return None if found.signed is None else is_genuine(found.signed, verifier)
