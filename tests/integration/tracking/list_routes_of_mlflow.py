"""Print every route of MLflow's server as `METHOD path`, parameters as `<name>`. Run with the server's own settings."""

import re
import warnings

warnings.simplefilter("ignore")

from mlflow.server import app as flask_app  # noqa: E402 - the filter must come first
from mlflow.server.handlers import get_endpoints  # noqa: E402


def listed() -> set[tuple[str, str]]:
    routes = {(method, path) for path, _handler, methods in get_endpoints() for method in methods}
    for rule in flask_app.url_map.iter_rules():
        routes |= {(method, rule.rule) for method in rule.methods or () if method not in ("HEAD", "OPTIONS")}
    return routes


def native() -> set[tuple[str, str]]:
    """The routes beside Flask's; read from the routers, as an application may hide what it includes."""
    from mlflow.server import artifact_router, gateway_api, job_api, mcp_server_api, otel_api, server_info_api
    from mlflow.server.assistant import api as assistant_api

    routers = {
        "": [artifact_router.artifact_router],
        "/mlflow": [
            otel_api.otel_router,
            job_api.job_api_router,
            gateway_api.gateway_router,
            assistant_api.assistant_router,
            server_info_api.server_info_router,
        ],
        **{prefix: [mcp_server_api.mcp_server_router] for prefix in mcp_server_api.get_mcp_server_api_route_prefixes()},
    }
    return {
        (method, prefix + re.sub(r"\{(\w+)(?::\w+)?\}", r"<\1>", route.path))
        for prefix, group in routers.items()
        for router in group
        for route in router.routes
        for method in route.methods
    }


for method, path in sorted(listed() | native()):
    print(method, path)
