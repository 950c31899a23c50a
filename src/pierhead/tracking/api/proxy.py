"""The door to MLflow's server: who is on the list passes, in a form that fits the client's family."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pierhead.kit.errors import NotImplementedYet, RouteNotFound
from pierhead.kit.web.render import json_response
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Routes
from pierhead.tracking.api.inbound import Passing, failure
from pierhead.tracking.api.listing import Listings
from pierhead.tracking.api.outbound import Outbounds
from pierhead.tracking.domain.doors import Door, Rule, Verdict, child_path, classify, find_door
from pierhead.tracking.services.child import Child
from pierhead.tracking.services.rights import ExperimentRights

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


_LISTS = (Rule.LIST_EXPERIMENTS, Rule.LIST_DATASETS)


def add_routes(routes: Routes, child: Child, rights: ExperimentRights) -> None:
    """Everything under MLflow's prefixes that no earlier route took: add these routes last."""
    proxy = TrackingProxy(child, rights)
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

    def __init__(self, child: Child, rights: ExperimentRights) -> None:
        self._child = child
        self._rights = rights
        self._outbounds = Outbounds(rights)
        self._listings = Listings(child, rights)

    async def handle(self, request: Request) -> Response:
        """Pass a call on, or refuse it in our own shape."""
        path: str = request.scope["path"]
        found = find_door(request.method, path)
        if found is not None:
            return await self._forward(request, *found, child_path(path))
        if classify(request.method, path) is Verdict.REFUSED:
            raise NotImplementedYet(f"{request.method} {path} is part of MLflow that is not offered here")
        raise RouteNotFound(f"no such path: {request.method} {path}")

    async def _forward(self, request: Request, door: Door, stars: Sequence[str], path: str) -> Response:
        if not self._rights.whereabouts.is_there():
            await self._child.warm_up()
        outbound = await self._outbounds.of(request, door, stars)
        if outbound is None:
            return json_response({})
        if door.rule in _LISTS:
            answer = await self._listings.filtered(request, door, outbound, path)
            if answer is not None:
                return answer
        call = self._child.ask(request.method, path, outbound.query, outbound.headers, outbound.body)
        async with AsyncExitStack() as stack:
            given = await stack.enter_async_context(call)
            if given.status >= 400:
                return await failure(given)
            # From here on our answer keeps the connection, and gives it back when it is sent or given up.
            return Passing(request, given, stack.pop_all())
