"""Databricks' serving-endpoints API, every method of it: done, or refused with a sentence."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import NotImplementedYet
from pierhead.kit.web.routes import Call, PlainHandler, Routes
from pierhead.serving.api import databricks_requests_wire as requests
from pierhead.serving.api import databricks_wire as wire
from pierhead.serving.api import openapi_wire, prometheus_wire
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.ports import ModelVersions, SnapshotPlace
from pierhead.serving.services.descriptions import describe
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.services.farewell import await_forgotten
from pierhead.serving.services.logs import WorkloadLogs
from pierhead.serving.services.traffic import read_traffic

_ENDPOINTS = "/2.0/serving-endpoints"
_ENDPOINT = _ENDPOINTS + "/{name}"
_MODEL = _ENDPOINT + "/served-models/{served_model_name}"
_PERMISSIONS = "/2.0/permissions/serving-endpoints/{serving_endpoint_id}"

_FAREWELL_S = 3.0

_NOT_YET = (
    ("PUT", _ENDPOINT + "/rate-limits", "put", "rate limits are not implemented yet"),
    ("PATCH", _ENDPOINT + "/notifications", "update_notifications", "notifications are not implemented yet"),
    ("PATCH", _ENDPOINT + "/telemetry-config", "patch_telemetry_config", "telemetry tables are not implemented yet"),
    ("PUT", _PERMISSIONS, "set_permissions", "permissions on endpoints are not implemented yet"),
    ("PATCH", _PERMISSIONS, "update_permissions", "permissions on endpoints are not implemented yet"),
    (
        "POST",
        _ENDPOINTS + "/pt",
        "create_provisioned_throughput_endpoint",
        "provisioned throughput is for foundation models, which are not implemented",
    ),
    (
        "PUT",
        _ENDPOINTS + "/pt/{name}/config",
        "update_provisioned_throughput_endpoint_config",
        "provisioned throughput is for foundation models, which are not implemented",
    ),
    ("POST", "/2.0/external-function", "http_request", "connections to other services are not implemented"),
)


def add_routes(
    routes: Routes,
    *,
    database: Database,
    clock: Clock,
    versions: ModelVersions,
    snapshots: SnapshotPlace,
    log_folder: Path,
    gateways_folder: Path,
) -> None:
    """`log_folder` holds `workers/` and `builds/`, `gateways_folder` one file of counters for each gateway."""
    api = _Api(clock, versions, WorkloadLogs(log_folder), gateways_folder)

    def delete(call: Call) -> None:
        with database.transaction() as connection:
            endpoint_id = api.delete(call, connection)
        await_forgotten(snapshots, endpoint_id, timeout_s=_FAREWELL_S)

    def openapi(call: Call) -> dict[str, Any]:
        with database.reading() as connection:
            endpoint = api.find(call, connection)
        # Outside the transaction: files may have to be laid out first.
        return api.openapi(call, endpoint)

    routes.add("POST", _ENDPOINTS, api.create)
    routes.add("GET", _ENDPOINTS, api.list_all)
    routes.add("GET", _ENDPOINT, api.get)
    routes.add_plain("DELETE", _ENDPOINT, delete)
    routes.add("PUT", _ENDPOINT + "/config", api.update_config)
    routes.add("PATCH", _ENDPOINT + "/tags", api.patch_tags)
    routes.add("PUT", _ENDPOINT + "/ai-gateway", api.put_ai_gateway)
    routes.add("GET", _MODEL + "/logs", api.logs)
    routes.add("GET", _MODEL + "/build-logs", api.build_logs)
    routes.add("GET", _ENDPOINT + "/metrics", api.metrics)
    routes.add_plain("GET", _ENDPOINT + "/openapi", openapi)
    routes.add("GET", _PERMISSIONS + "/permissionLevels", api.permission_levels)
    routes.add("GET", _PERMISSIONS, api.permissions)
    routes.add("GET", "/2.0/pierhead/serving-endpoints/{name}/events", api.events)
    for method, path, call, reason in _NOT_YET:
        routes.add_plain(method, path, _refuse(call, reason))


class _Api:
    def __init__(self, clock: Clock, versions: ModelVersions, logs: WorkloadLogs, gateways_folder: Path) -> None:
        self._clock = clock
        self._versions = versions
        self._logs = logs
        self._gateways_folder = gateways_folder

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        request = requests.read_create(call.params)
        endpoint = self._endpoints(connection).create(
            request.name,
            request.draft,
            creator=call.caller.user_name,
            description=request.description,
            tags=request.tags,
            ai_gateway=request.ai_gateway,
        )
        return wire.detailed(endpoint, call.base_url)

    def list_all(self, _call: Call, connection: Connection) -> dict[str, Any]:
        return {"endpoints": [wire.summary(endpoint) for endpoint in self._endpoints(connection).list_all()]}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return wire.detailed(self.find(call, connection), call.base_url)

    def find(self, call: Call, connection: Connection) -> Endpoint:
        return self._endpoints(connection).get(call.text("name"))

    def delete(self, call: Call, connection: Connection) -> str:
        return self._endpoints(connection).delete(call.text("name")).id

    def update_config(self, call: Call, connection: Connection) -> dict[str, Any]:
        draft = requests.read_update(call.params)
        endpoint = self._endpoints(connection).update_config(call.text("name"), draft, creator=call.caller.user_name)
        return wire.detailed(endpoint, call.base_url)

    def patch_tags(self, call: Call, connection: Connection) -> dict[str, Any]:
        added, deleted = requests.read_tags(call.params)
        tags = self._endpoints(connection).patch_tags(call.text("name"), add=added, delete=deleted)
        return {"tags": wire.tags(tags)}

    def put_ai_gateway(self, call: Call, connection: Connection) -> dict[str, Any]:
        asked = requests.read_ai_gateway(call.params)
        return wire.ai_gateway(self._endpoints(connection).set_ai_gateway(call.text("name"), asked))

    def logs(self, call: Call, connection: Connection) -> dict[str, Any]:
        endpoint = self._endpoints(connection).get(call.text("name"))
        return {"logs": self._logs.of_workers(endpoint, call.text("served_model_name"))}

    def build_logs(self, call: Call, connection: Connection) -> dict[str, Any]:
        endpoint = self._endpoints(connection).get(call.text("name"))
        return {"logs": self._logs.of_builds(endpoint, call.text("served_model_name"))}

    def metrics(self, call: Call, connection: Connection) -> Response:
        endpoint = self._endpoints(connection).get(call.text("name"))
        text = prometheus_wire.exposition(read_traffic(self._gateways_folder, endpoint.name))
        return Response(text, media_type=prometheus_wire.CONTENT_TYPE)

    def openapi(self, call: Call, endpoint: Endpoint) -> dict[str, Any]:
        config = endpoint.active or endpoint.newest
        busiest = max(config.entities, key=lambda entity: config.weight(entity.name))
        description = describe(self._versions, busiest.digest)
        return openapi_wire.document(endpoint.name, config.version, call.base_url, description)

    def permission_levels(self, call: Call, connection: Connection) -> dict[str, Any]:
        self._endpoints(connection).get_by_id(call.text("serving_endpoint_id"))
        return wire.permission_levels()

    def permissions(self, call: Call, connection: Connection) -> dict[str, Any]:
        return wire.permissions(self._endpoints(connection).get_by_id(call.text("serving_endpoint_id")))

    def events(self, call: Call, connection: Connection) -> dict[str, Any]:
        return wire.events(self._endpoints(connection).list_events(call.text("name")))

    def _endpoints(self, connection: Connection) -> Endpoints:
        return Endpoints(connection, self._clock, self._versions)


def _refuse(name: str, reason: str) -> PlainHandler:
    def handler(_call: Call) -> Any:
        raise NotImplementedYet(f"serving_endpoints.{name}: {reason}")

    return handler
