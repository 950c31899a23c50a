"""The door to MLflow's server: who is on the list passes, in a form that fits the client's family."""

from contextlib import AsyncExitStack

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pierhead.kit.errors import NotImplementedYet, RouteNotFound
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Routes
from pierhead.tracking.api.inbound import Passing, failure
from pierhead.tracking.api.outbound import outbound_of, query_of
from pierhead.tracking.domain.doors import Verdict, child_path, classify
from pierhead.tracking.services.child import Child

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def add_routes(routes: Routes, child: Child) -> None:
    """Everything under MLflow's prefixes that no earlier route took: add these routes last."""
    proxy = TrackingProxy(child)
    for prefix in MLFLOW_PREFIXES:
        for begin in ("/2.0/mlflow", "/3.0/mlflow", "/3.0/jobs", "/2.0/mlflow-artifacts", "/2.0mlflow"):
            routes.routes.append(Route(f"{prefix}{begin}/{{path:path}}", proxy.handle, methods=_METHODS))
    for path in ("/version", "/v1/traces", "/mlflow/{path:path}"):
        routes.routes.append(Route(path, proxy.handle, methods=_METHODS))
    routes.routes.append(Route("/mlflow", _to_page, methods=["GET"]))
    routes.routes.append(Route("/ml/{path:path}", _to_view, methods=["GET"]))


async def _to_page(_request: Request) -> Response:
    return RedirectResponse("/mlflow/")


async def _to_view(request: Request) -> Response:
    """The links that Databricks clients print: `/ml/experiments/1/runs/...`."""
    return RedirectResponse(f"/mlflow/#/{request.path_params['path']}")


class TrackingProxy:
    """One endpoint for every call."""

    def __init__(self, child: Child) -> None:
        self._child = child

    async def handle(self, request: Request) -> Response:
        """Pass a call on, or refuse it in our own shape."""
        path: str = request.scope["path"]
        match classify(request.method, path):
            case Verdict.REFUSED:
                raise NotImplementedYet(f"{request.method} {path} is part of MLflow that is not offered here")
            case Verdict.OURS | Verdict.UNKNOWN:
                raise RouteNotFound(f"no such path: {request.method} {path}")
        return await self._forward(request, child_path(path))

    async def _forward(self, request: Request, path: str) -> Response:
        outbound = await outbound_of(request, path)
        call = self._child.ask(request.method, path, query_of(request), outbound.headers, outbound.body)
        async with AsyncExitStack() as stack:
            answer = await stack.enter_async_context(call)
            if answer.status >= 400:
                return await failure(answer)
            # From here on our answer keeps the connection, and gives it back when it is sent or given up.
            return Passing(request, answer, stack.pop_all())
