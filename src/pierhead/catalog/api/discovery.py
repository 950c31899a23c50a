"""What the Databricks clients ask before anything else, on every call anew."""

from starlette.requests import Request
from starlette.responses import Response

from pierhead.kit.web.render import json_response
from pierhead.kit.web.routes import Routes, base_url

# The clients copy it into their configuration and never send it back.
_ACCOUNT_ID = "00000000-0000-0000-0000-000000000000"


def add_routes(routes: Routes, *, workspace_id: str) -> None:
    """`workspace_id` is a string of digits. The path needs no token."""

    async def configuration(request: Request) -> Response:
        return json_response(
            {
                "oidc_endpoint": f"{base_url(request)}/oidc",
                "workspace_id": workspace_id,
                "account_id": _ACCOUNT_ID,
                "cloud": "aws",
            }
        )

    routes.add_streaming("GET", "/.well-known/databricks-config", configuration, prefixes=("",))
