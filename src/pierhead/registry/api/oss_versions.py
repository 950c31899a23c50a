"""`/2.0/mlflow/model-versions/*`, and what the Databricks SDK adds to it."""

from typing import Any

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, Routes
from pierhead.registry.api.oss_wire import databricks_version_json, page_json, version_json
from pierhead.registry.api.read import read_draft, read_number, read_texts
from pierhead.registry.domain.addresses import path_by_name
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.stages import parse_stage
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.search import Ask, Searches
from pierhead.registry.services.versions import Versions

_DEFAULT_PAGE = 10_000


class OssVersions:
    """Handlers of MLflow's own dialect, which the workspace registry shares."""

    def __init__(self, clock: Clock, registrations: Registrations) -> None:
        self._clock = clock
        self._registrations = registrations

    def add_routes(self, routes: Routes) -> None:
        search = "/2.0/mlflow/model-versions/search"
        routes.add("POST", search, self.search, prefixes=MLFLOW_PREFIXES, reads=True)
        routes.add_plain("DELETE", "/2.0/mlflow/model-versions/delete", self.delete, prefixes=MLFLOW_PREFIXES)
        routes.add_plain("POST", "/2.0/mlflow/model-versions/create", self.create, prefixes=MLFLOW_PREFIXES)
        for method, path, handler in (
            ("GET", "model-versions/get", self.get),
            ("GET", "model-versions/search", self.search),
            ("PATCH", "model-versions/update", self.update),
            ("POST", "model-versions/transition-stage", self.transition),
            ("POST", "databricks/model-versions/transition-stage", self.transition_databricks),
            ("GET", "model-versions/get-download-uri", self.get_download_uri),
            ("POST", "model-versions/set-tag", self.set_tag),
            ("DELETE", "model-versions/delete-tag", self.delete_tag),
        ):
            routes.add(method, f"/2.0/mlflow/{path}", handler, prefixes=MLFLOW_PREFIXES)

    def create(self, call: Call) -> dict[str, Any]:
        version = self._registrations.register(read_draft(call, call.text("name")), by=call.caller.user_name)
        return {"model_version": version_json(version)}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return {"model_version": version_json(self._get(call, connection))}

    def search(self, call: Call, connection: Connection) -> dict[str, Any]:
        found, token = Searches(connection).find_versions(
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
        self._registrations.delete_version(call.text("name"), read_number(call))

    def transition(self, call: Call, connection: Connection) -> dict[str, Any]:
        return {"model_version": version_json(self._transition(call, connection))}

    def transition_databricks(self, call: Call, connection: Connection) -> dict[str, Any]:
        version = self._transition(call, connection)
        # Newer SDKs read the first key, older ones the second.
        return {"model_version_databricks": databricks_version_json(version), "model_version": version_json(version)}

    def get_download_uri(self, call: Call, connection: Connection) -> dict[str, Any]:
        version = self._get(call, connection)
        path = path_by_name(version.model_name, version.model_id, version.number)
        return {"artifact_uri": f"mlflow-artifacts:/registered-models/{path}"}

    def set_tag(self, call: Call, connection: Connection) -> None:
        versions = Versions(connection, self._clock)
        versions.set_tag(call.text("name"), read_number(call), call.text("key"), call.find_text("value") or "")

    def delete_tag(self, call: Call, connection: Connection) -> None:
        Versions(connection, self._clock).delete_tag(call.text("name"), read_number(call), call.text("key"))

    def _get(self, call: Call, connection: Connection) -> ModelVersion:
        return Versions(connection, self._clock).get(call.text("name"), read_number(call))

    def _transition(self, call: Call, connection: Connection) -> ModelVersion:
        return Promotions(connection, self._clock).transition(
            call.text("name"),
            read_number(call),
            parse_stage(call.text("stage")),
            archive_existing=call.flag("archive_existing_versions"),
            by=call.caller.user_name,
            comment=call.find_text("comment"),
        )
