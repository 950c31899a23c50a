"""`/2.0/pierhead/openapi`: the document of Pierhead's own API."""

from typing import Any

from pierhead.kit.web.routes import Call, Routes
from pierhead.wiring.own_api.descriptions import topics
from pierhead.wiring.own_api.document import document


def add_routes(routes: Routes) -> None:
    """Everybody with a token may read it."""

    def get(call: Call) -> dict[str, Any]:
        return document(topics(), call.base_url)

    routes.add_plain("GET", "/2.0/pierhead/openapi", get)
