"""Calls of the Databricks clients on files that we know and do not offer."""

from starlette.requests import Request
from starlette.responses import Response

from pierhead.kit.errors import NotImplementedYet
from pierhead.kit.web.routes import Routes

_METHODS = ("GET", "PUT", "POST", "DELETE")


def add_routes(routes: Routes) -> None:
    """The older DBFS API, which also kept files."""
    for method in _METHODS:
        routes.add_streaming(method, "/2.0/dbfs/{path:path}", refuse_dbfs)
        routes.add_streaming(method, "/dbfs/{path:path}", refuse_dbfs, prefixes=("",))


async def refuse_dbfs(request: Request) -> Response:
    raise NotImplementedYet(
        f"DBFS is not offered ({request.url.path}); use the file API under /api/2.0/fs. If this was a registration in "
        "the registry 'databricks', set the tracking URI to 'databricks' too, or the registry URI to the tracking URI"
    )
