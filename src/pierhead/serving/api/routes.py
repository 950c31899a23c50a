"""Databricks' serving-endpoints API, every method of it: done, or refused with a sentence."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from pierhead.identity.domain.objects import Action
from pierhead.identity.services.access import Access
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import NotImplementedYet
from pierhead.kit.web.routes import Call, PlainHandler, Routes
from pierhead.serving.api import databricks_requests_wire as requests
from pierhead.serving.api import databricks_wire as wire
from pierhead.serving.api import openapi_wire, prometheus_wire, traffic_wire
from pierhead.serving.api.admission import Admission
from pierhead.serving.api.guards import needs, needs_new, needs_nothing, target_of
from pierhead.serving.domain.capacity import Machine
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.ports import ModelVersions, RolloutGuard, ServingGate, SnapshotPlace
from pierhead.serving.services.descriptions import describe
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.services.farewell import await_forgotten
from pierhead.serving.services.logs import WorkloadLogs
from pierhead.serving.services.machine import this_machine
from pierhead.serving.services.traffic import read_all_traffic, read_traffic

_ENDPOINTS = "/2.0/serving-endpoints"
_ENDPOINT = _ENDPOINTS + "/{name}"
_MODEL = _ENDPOINT + "/served-models/{served_model_name}"

_TRAFFIC = "/2.0/pierhead/endpoints/{name}/traffic"

_FAREWELL_S = 3.0

_NOT_YET = (
    ("PATCH", _ENDPOINT + "/notifications", "update_notifications", "notifications are not implemented yet"),
    ("PATCH", _ENDPOINT + "/telemetry-config", "patch_telemetry_config", "telemetry tables are not implemented yet"),
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


@dataclass(frozen=True, slots=True)
class Folders:
    """`logs` holds `workers/` and `builds/`, `gateways` one file of counters for each gateway."""

    logs: Path
    gateways: Path


def add_routes(  # noqa: PLR0913 - filled by name, once, in the wiring
    routes: Routes,
    *,
    database: Database,
    clock: Clock,
    versions: ModelVersions,
    gate: ServingGate,
    rollouts: RolloutGuard | None = None,
    snapshots: SnapshotPlace,
    folders: Folders,
) -> None:
    """Without `rollouts` every config that the gate lets pass goes live at once."""
    admission = Admission(clock, gate, rollouts)
    api = _Api(clock, versions, admission, this_machine(), WorkloadLogs(folders.logs), folders.gateways)

    def delete(call: Call) -> None:
        with database.transaction() as connection:
            endpoint_id = api.delete(call, connection)
        await_forgotten(snapshots, endpoint_id, timeout_s=_FAREWELL_S)

    def openapi(call: Call) -> dict[str, Any]:
        with database.reading() as connection:
            endpoint = api.find(call, connection)
        # Outside the transaction: files may have to be laid out first.
        return api.openapi(call, endpoint)

    reads, manages = needs(Action.READ), needs(Action.MANAGE)
    routes.add("POST", _ENDPOINTS, api.create, guard=needs_new)
    routes.add("GET", _ENDPOINTS, api.list_all, guard=needs_nothing)
    routes.add("GET", _ENDPOINT, api.get, guard=reads)
    routes.add_plain("DELETE", _ENDPOINT, delete, guard=manages)
    routes.add("PUT", _ENDPOINT + "/config", api.update_config, guard=manages)
    routes.add("PATCH", _ENDPOINT + "/tags", api.patch_tags, guard=manages)
    routes.add("PUT", _ENDPOINT + "/ai-gateway", api.put_ai_gateway, guard=manages)
    routes.add("PUT", _ENDPOINT + "/rate-limits", api.put_rate_limits, guard=manages)
    routes.add("GET", _MODEL + "/logs", api.logs, guard=reads)
    routes.add("GET", _MODEL + "/build-logs", api.build_logs, guard=reads)
    routes.add("GET", _ENDPOINT + "/metrics", api.metrics, guard=reads)
    routes.add("GET", "/metrics", api.all_metrics, prefixes=("",), guard=needs_nothing)
    routes.add_plain("GET", _ENDPOINT + "/openapi", openapi, guard=reads)
    routes.add("GET", "/2.0/pierhead/serving-endpoints/{name}/events", api.events, guard=reads)
    routes.add("GET", _TRAFFIC, api.traffic, guard=reads)
    routes.add("PUT", _TRAFFIC, api.put_traffic, guard=manages)
    for method, path, call, reason in _NOT_YET:
        routes.add_plain(method, path, _refuse(call, reason))


class _Api:
    def __init__(
        self,
        clock: Clock,
        versions: ModelVersions,
        admission: Admission,
        machine: Machine,
        logs: WorkloadLogs,
        gateways_folder: Path,
    ) -> None:
        self._clock = clock
        self._machine = machine
        self._versions = versions
        self._admission = admission
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
        self._admission.admit_config(connection, call.caller, None, endpoint)
        return self._detailed(endpoint, call, connection)

    def list_all(self, call: Call, connection: Connection) -> dict[str, Any]:
        access = Access(connection, call.caller)
        found = self._endpoints(connection).list_all()
        return {
            "endpoints": [wire.summary(endpoint) for endpoint in found if access.may(Action.READ, target_of(endpoint))]
        }

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return self._detailed(self.find(call, connection), call, connection)

    def find(self, call: Call, connection: Connection) -> Endpoint:
        return self._endpoints(connection).get(call.text("name"))

    def delete(self, call: Call, connection: Connection) -> str:
        self._admission.admit_deletion(connection, call.caller, self._find_locked(call, connection))
        return self._endpoints(connection).delete(call.text("name")).id

    def update_config(self, call: Call, connection: Connection) -> dict[str, Any]:
        draft = requests.read_update(call.params)
        before = self._find_locked(call, connection)
        return self._detailed(self._change_config(before, draft, call, connection), call, connection)

    def patch_tags(self, call: Call, connection: Connection) -> dict[str, Any]:
        added, deleted = requests.read_tags(call.params)
        before = self._find_locked(call, connection)
        tags = self._endpoints(connection).patch_tags(before.name, add=added, delete=deleted)
        self._admission.admit_tags(connection, call.caller, before, self.find(call, connection))
        return {"tags": wire.tags(tags)}

    def put_ai_gateway(self, call: Call, connection: Connection) -> dict[str, Any]:
        asked = requests.read_ai_gateway(call.params)
        before = self._find_locked(call, connection)
        settings = self._endpoints(connection).set_ai_gateway(before.name, asked)
        self._admission.admit(connection, call.caller, before, self.find(call, connection))
        return wire.ai_gateway(settings)

    def put_rate_limits(self, call: Call, connection: Connection) -> dict[str, Any]:
        asked = requests.read_rate_limits(call.params)
        before = self._find_locked(call, connection)
        limits = self._endpoints(connection).set_rate_limits(before.name, asked)
        self._admission.admit(connection, call.caller, before, self.find(call, connection))
        return {"rate_limits": wire.rate_limits(limits)}

    def logs(self, call: Call, connection: Connection) -> dict[str, Any]:
        endpoint = self._endpoints(connection).get(call.text("name"))
        return {"logs": self._logs.of_workers(endpoint, call.text("served_model_name"))}

    def build_logs(self, call: Call, connection: Connection) -> dict[str, Any]:
        endpoint = self._endpoints(connection).get(call.text("name"))
        return {"logs": self._logs.of_builds(endpoint, call.text("served_model_name"))}

    def metrics(self, call: Call, connection: Connection) -> Response:
        endpoint = self._endpoints(connection).get(call.text("name"))
        found = read_traffic(self._gateways_folder, endpoint.name)
        text = prometheus_wire.exposition([found], records_dropped=found.records_dropped)
        return Response(text, media_type=prometheus_wire.CONTENT_TYPE)

    def all_metrics(self, call: Call, connection: Connection) -> Response:
        access, traffic = Access(connection, call.caller), read_all_traffic(self._gateways_folder)
        found = [
            traffic[endpoint.name]
            for endpoint in self._endpoints(connection).list_all()
            if endpoint.name in traffic and access.may(Action.READ, target_of(endpoint))
        ]
        dropped = max((each.records_dropped for each in traffic.values()), default=0)
        text = prometheus_wire.exposition(found, records_dropped=dropped)
        return Response(text, media_type=prometheus_wire.CONTENT_TYPE)

    def openapi(self, call: Call, endpoint: Endpoint) -> dict[str, Any]:
        config = endpoint.active or endpoint.newest
        busiest = max(config.entities, key=lambda entity: config.points(entity.name))
        description = describe(self._versions, busiest.digest)
        return openapi_wire.document(endpoint.name, config.version, call.base_url, description)

    def events(self, call: Call, connection: Connection) -> dict[str, Any]:
        return wire.events(self._endpoints(connection).list_events(call.text("name")))

    def traffic(self, call: Call, connection: Connection) -> dict[str, Any]:
        return traffic_wire.traffic(self.find(call, connection))

    def put_traffic(self, call: Call, connection: Connection) -> dict[str, Any]:
        draft = traffic_wire.read_routes(call.params)
        before = self._find_locked(call, connection)
        return traffic_wire.traffic(self._change_config(before, draft, call, connection))

    def _change_config(self, before: Endpoint, draft: ConfigDraft, call: Call, connection: Connection) -> Endpoint:
        endpoints = self._endpoints(connection)
        after = endpoints.update_config(before.name, draft, creator=call.caller.user_name)
        self._admission.admit_config(connection, call.caller, before, after)
        # It may have got a ramp by that.
        return endpoints.get(before.name)

    def _find_locked(self, call: Call, connection: Connection) -> Endpoint:
        """What the gate judges a change by must not change meanwhile."""
        return self._endpoints(connection).get_locked(call.text("name"))

    def _detailed(self, endpoint: Endpoint, call: Call, connection: Connection) -> dict[str, Any]:
        level = Access(connection, call.caller).level(target_of(endpoint))
        return wire.detailed(endpoint, call.base_url, level)

    def _endpoints(self, connection: Connection) -> Endpoints:
        return Endpoints(connection, self._clock, self._versions, self._machine)


def _refuse(name: str, reason: str) -> PlainHandler:
    def handler(_call: Call) -> Any:
        raise NotImplementedYet(f"serving_endpoints.{name}: {reason}")

    return handler
