"""`/2.0/mlflow/model-versions/*`, and what the Databricks SDK adds to it."""

from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, Routes
from pierhead.registry.api.gated import GatedCalls
from pierhead.registry.api.guards import needs, needs_nothing
from pierhead.registry.api.oss_wire import databricks_version_json, page_json, version_json
from pierhead.registry.api.read import read_draft, read_number, read_texts, read_version
from pierhead.registry.api.transition_requests import actions_on
from pierhead.registry.api.transition_requests_wire import open_request_json
from pierhead.registry.domain.addresses import path_by_name
from pierhead.registry.domain.gate import StageTarget
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.stages import parse_stage
from pierhead.registry.services.models import Models
from pierhead.registry.services.outcomes import Awaiting, Moved
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.services.search import Ask, Searches
from pierhead.registry.services.versions import Versions

_DEFAULT_PAGE = 10_000


class OssVersions:
    """Handlers of MLflow's own dialect, which the workspace registry shares."""

    def __init__(self, clock: Clock, registrations: Registrations, gated: GatedCalls) -> None:
        self._clock = clock
        self._registrations = registrations
        self._gated = gated

    def add_routes(self, routes: Routes) -> None:
        search = "/2.0/mlflow/model-versions/search"
        routes.add("POST", search, self.search, prefixes=MLFLOW_PREFIXES, reads=True, guard=needs_nothing)
        for method, path, plain, guard in (
            ("DELETE", "model-versions/delete", self.delete, needs(Action.MANAGE)),
            ("POST", "model-versions/create", self.create, needs(Action.ADD_VERSION)),
        ):
            routes.add_plain(method, f"/2.0/mlflow/{path}", plain, prefixes=MLFLOW_PREFIXES, guard=guard)
        for path, show in (
            ("model-versions/transition-stage", self.show_moved),
            ("databricks/model-versions/transition-stage", self.show_moved_databricks),
        ):
            move = self._gated.moving(read_version, self.transition, show)
            routes.add_plain("POST", f"/2.0/mlflow/{path}", move, prefixes=MLFLOW_PREFIXES, guard=needs(Action.READ))
        for method, path, handler, guard in (
            ("GET", "model-versions/get", self.get, needs(Action.READ)),
            ("GET", "model-versions/search", self.search, needs_nothing),
            ("PATCH", "model-versions/update", self.update, needs(Action.EDIT)),
            ("GET", "model-versions/get-download-uri", self.get_download_uri, needs(Action.READ)),
            ("POST", "model-versions/set-tag", self.set_tag, needs(Action.TAG)),
            ("DELETE", "model-versions/delete-tag", self.delete_tag, needs(Action.TAG)),
        ):
            routes.add(method, f"/2.0/mlflow/{path}", handler, prefixes=MLFLOW_PREFIXES, guard=guard)

    def create(self, call: Call) -> dict[str, Any]:
        version = self._registrations.register(read_draft(call, call.text("name")), by=call.caller)
        return {"model_version": version_json(version)}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return {"model_version": version_json(self._get(call, connection))}

    def search(self, call: Call, connection: Connection) -> dict[str, Any]:
        found, token = Searches(connection, ModelRights(connection, call.caller).readable()).find_versions(
            Ask(
                limit=call.number("max_results", _DEFAULT_PAGE),
                filter=call.find_text("filter") or "",
                order_by=read_texts(call, "order_by"),
                token=call.find_text("page_token") or None,
            )
        )
        return page_json("model_versions", [version_json(version) for version in found], token)

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        description = call.find_text("description")
        if description is None:
            return self.get(call, connection)
        versions = Versions(connection, self._clock)
        version = versions.set_description(call.text("name"), read_number(call), description)
        return {"model_version": version_json(version)}

    def delete(self, call: Call) -> None:
        self._registrations.delete_version(call.text("name"), read_number(call), by=call.caller)

    def transition(self, call: Call, promotions: Promotions) -> Moved | Awaiting:
        return promotions.move(
            *read_version(call),
            StageTarget(parse_stage(call.text("stage"))),
            archive_existing=call.flag("archive_existing_versions"),
            comment=call.find_text("comment"),
        )

    def show_moved(self, _call: Call, _connection: Connection, moved: Moved) -> dict[str, Any]:
        return {"model_version": version_json(moved.version)}

    def show_moved_databricks(self, call: Call, connection: Connection, moved: Moved) -> dict[str, Any]:
        requests = self._gated.requests(call, connection)
        shown = [
            open_request_json(each, actions_on(each, call, requests)) for each in requests.list_open(moved.version)
        ]
        model = Models(connection, self._clock).get(moved.version.model_name)
        level = ModelRights(connection, call.caller).level(model)
        return {
            # Newer SDKs read the first key, older ones the second.
            "model_version_databricks": databricks_version_json(moved.version, shown, level),
            "model_version": version_json(moved.version),
        }

    def get_download_uri(self, call: Call, connection: Connection) -> dict[str, Any]:
        version = self._get(call, connection)
        path = path_by_name(version.model_name, version.model_id, version.number)
        return {"artifact_uri": f"mlflow-artifacts:/registered-models/{path}"}

    def set_tag(self, call: Call, connection: Connection) -> None:
        versions = Versions(connection, self._clock)
        key, value = call.text("key"), call.find_text("value") or ""
        versions.set_tag(call.text("name"), read_number(call), key, value, by=call.caller.user_name)

    def delete_tag(self, call: Call, connection: Connection) -> None:
        Versions(connection, self._clock).delete_tag(call.text("name"), read_number(call), call.text("key"))

    def _get(self, call: Call, connection: Connection) -> ModelVersion:
        return Versions(connection, self._clock).get(call.text("name"), read_number(call))
