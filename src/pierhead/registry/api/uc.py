"""`/2.0/mlflow/unity-catalog/*`: what `registry_uri="databricks-uc"` speaks."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock, to_ms
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, Guard, Routes
from pierhead.registry.api.gated import GatedCalls, show_nothing
from pierhead.registry.api.guards import Named, needs, needs_new, needs_nothing
from pierhead.registry.api.oss_wire import page_json
from pierhead.registry.api.read import read_draft, read_number, read_tags, refuse_deployment_job
from pierhead.registry.api.uc_wire import credentials_json, model_json, storage_location, version_json
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.queries import Namespace
from pierhead.registry.services.models import Models
from pierhead.registry.services.outcomes import Awaiting, Moved
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.services.search import Ask, Searches
from pierhead.registry.services.versions import Versions

_ROOT = "/2.0/mlflow/unity-catalog/"
_DEFAULT_PAGE = 100
MOST_MODELS_A_PAGE = 1000
MOST_VERSIONS_A_PAGE = 10_000
CREDENTIALS_LIFETIME = timedelta(hours=1)


class UnityCatalogModels:
    """Handlers for registered models; names have three parts."""

    def __init__(self, clock: Clock, registrations: Registrations, gated: GatedCalls) -> None:
        self._clock = clock
        self._registrations = registrations
        self._gated = gated

    def add_routes(self, routes: Routes) -> None:
        delete = _ROOT + "registered-models/delete"
        routes.add_plain("DELETE", delete, self.delete, prefixes=MLFLOW_PREFIXES, guard=full(Action.MANAGE))
        set_alias = self._gated.moving(_read_version, self.set_alias, show_nothing)
        alias = _ROOT + "registered-models/alias"
        routes.add_plain("POST", alias, set_alias, prefixes=MLFLOW_PREFIXES, guard=full(Action.READ))
        flag = "registered-models:is-databricks-sdk-models-artifact-repository-enabled"
        for method, path, handler, guard in (
            ("POST", "registered-models/create", self.create, needs_new(read_full_name)),
            ("GET", "registered-models/get", self.get, full(Action.READ)),
            ("GET", "registered-models/search", self.search, needs_nothing),
            ("PATCH", "registered-models/update", self.update, may_update(read_full_name)),
            ("POST", "registered-models/set-tag", self.set_tag, full(Action.TAG)),
            ("DELETE", "registered-models/delete-tag", self.delete_tag, full(Action.TAG)),
            ("GET", "registered-models/alias", self.get_by_alias, full(Action.READ)),
            ("DELETE", "registered-models/alias", self.delete_alias, full(Action.READ)),
            ("GET", flag, self.uses_files_api, needs_nothing),
        ):
            routes.add(method, _ROOT + path, handler, prefixes=MLFLOW_PREFIXES, guard=guard)

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_deployment_job(call)
        model = Models(connection, self._clock).create(
            read_full_name(call),
            by=call.caller.user_name,
            description=call.find_text("description"),
            tags=read_tags(call.params.get("tags")),
        )
        return {"registered_model": model_json(model)}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return {"registered_model": model_json(Models(connection, self._clock).get(read_full_name(call)))}

    def search(self, call: Call, connection: Connection) -> dict[str, Any]:
        found, token = Searches(connection, ModelRights(connection, call.caller).readable()).find_models(
            read_ask(call, MOST_MODELS_A_PAGE), Namespace()
        )
        return page_json("registered_models", [model_json(model) for model in found], token)

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_deployment_job(call)
        models = Models(connection, self._clock)
        model = models.get(read_full_name(call))
        description, new_name = call.find_text("description"), call.find_text("new_name")
        if description is not None:
            model = models.set_description(model.name, description)
        if new_name:
            new_full_name = full_new_name(model.name, new_name)
            model = self._gated.promotions(call, connection).rename(model.name, new_full_name)
        return {"registered_model": model_json(model)}

    def delete(self, call: Call) -> None:
        self._registrations.delete_model(read_full_name(call), by=call.caller)

    def set_tag(self, call: Call, connection: Connection) -> None:
        models = Models(connection, self._clock)
        models.set_tag(read_full_name(call), call.text("key"), call.find_text("value") or "")

    def delete_tag(self, call: Call, connection: Connection) -> None:
        Models(connection, self._clock).delete_tag(read_full_name(call), call.text("key"))

    def set_alias(self, call: Call, promotions: Promotions) -> Moved | Awaiting:
        return promotions.set_alias(read_full_name(call), call.text("alias"), read_number(call))

    def get_by_alias(self, call: Call, connection: Connection) -> dict[str, Any]:
        version = Versions(connection, self._clock).get_by_alias(read_full_name(call), call.text("alias"))
        return {"model_version": version_json(version)}

    def delete_alias(self, call: Call, connection: Connection) -> None:
        self._gated.promotions(call, connection).delete_alias(read_full_name(call), call.text("alias"))

    def uses_files_api(self, _call: Call, _connection: Connection) -> dict[str, Any]:
        return {"is_databricks_sdk_models_artifact_repository_enabled": True}


class UnityCatalogVersions:
    """Handlers for model versions: created PENDING, filled through the Files API, finalized."""

    def __init__(self, clock: Clock, registrations: Registrations) -> None:
        self._clock = clock
        self._registrations = registrations

    def add_routes(self, routes: Routes) -> None:
        for method, path, plain, guard in (
            ("DELETE", "model-versions/delete", self.delete, full(Action.MANAGE)),
            ("POST", "model-versions/create", self.create, full(Action.ADD_VERSION)),
            ("POST", "model-versions/finalize", self.finalize, full(Action.ADD_VERSION)),
        ):
            routes.add_plain(method, _ROOT + path, plain, prefixes=MLFLOW_PREFIXES, guard=guard)
        for method, path, handler, guard in (
            ("GET", "model-versions/get", self.get, full(Action.READ)),
            ("GET", "model-versions/search", self.search, needs_nothing),
            ("PATCH", "model-versions/update", self.update, full(Action.EDIT)),
            ("POST", "model-versions/set-tag", self.set_tag, full(Action.TAG)),
            ("DELETE", "model-versions/delete-tag", self.delete_tag, full(Action.TAG)),
            ("GET", "model-versions/get-download-uri", self.get_download_uri, full(Action.READ)),
        ):
            routes.add(method, _ROOT + path, handler, prefixes=MLFLOW_PREFIXES, guard=guard)
        for path, handler in (
            ("model-versions/generate-temporary-credentials", self.give_credentials),
            ("model-versions/emit-lineage", self.emit_lineage),
        ):
            guard = full(Action.READ)
            routes.add("POST", _ROOT + path, handler, prefixes=MLFLOW_PREFIXES, reads=True, guard=guard)

    def create(self, call: Call) -> dict[str, Any]:
        version = self._registrations.announce(read_draft(call, read_full_name(call)), by=call.caller)
        return {"model_version": version_json(version)}

    def finalize(self, call: Call) -> dict[str, Any]:
        version = self._registrations.finalize(read_full_name(call), read_number(call), by=call.caller)
        return {"model_version": version_json(version)}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return {"model_version": version_json(self._get(call, connection))}

    def search(self, call: Call, connection: Connection) -> dict[str, Any]:
        found, token = Searches(connection, ModelRights(connection, call.caller).readable()).find_versions(
            read_ask(call, MOST_VERSIONS_A_PAGE), Namespace()
        )
        return page_json("model_versions", [version_json(version) for version in found], token)

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        description = call.find_text("description")
        if description is None:
            return self.get(call, connection)
        versions = Versions(connection, self._clock)
        version = versions.set_description(read_full_name(call), read_number(call), description)
        return {"model_version": version_json(version)}

    def delete(self, call: Call) -> None:
        self._registrations.delete_version(read_full_name(call), read_number(call), by=call.caller)

    def set_tag(self, call: Call, connection: Connection) -> None:
        versions = Versions(connection, self._clock)
        key, value = call.text("key"), call.find_text("value") or ""
        versions.set_tag(read_full_name(call), read_number(call), key, value, by=call.caller.user_name)

    def delete_tag(self, call: Call, connection: Connection) -> None:
        Versions(connection, self._clock).delete_tag(read_full_name(call), read_number(call), call.text("key"))

    def get_download_uri(self, call: Call, connection: Connection) -> dict[str, Any]:
        return {"artifact_uri": storage_location(self._get(call, connection))}

    def give_credentials(self, call: Call, connection: Connection) -> dict[str, Any]:
        self._get(call, connection)
        return {"credentials": credentials_json(to_ms(self._clock.now() + CREDENTIALS_LIFETIME))}

    def emit_lineage(self, call: Call, connection: Connection) -> None:
        self._get(call, connection)

    def _get(self, call: Call, connection: Connection) -> ModelVersion:
        return Versions(connection, self._clock).get(read_full_name(call), read_number(call))


def read_full_name(call: Call, key: str = "name") -> str:
    """A name of three parts."""
    return str(FullName.parse(call.text(key)))


def _read_version(call: Call) -> tuple[str, int]:
    return read_full_name(call), read_number(call)


def full(action: Action) -> Guard:
    """The right to do this to the model that `name` names with three parts."""
    return needs(action, read_full_name)


def may_update(named: Named) -> Guard:
    """A new name needs more than a new description."""

    def guard(call: Call, connection: Connection) -> None:
        needs(Action.MANAGE if call.find_text("new_name") else Action.EDIT, named)(call, connection)

    return guard


def full_new_name(name: str, new_name: str) -> str:
    """The name after a rename: clients write all three parts, or the last one alone."""
    old = FullName.parse(name)
    return str(FullName.parse(new_name if "." in new_name else f"{old.catalog}.{old.schema}.{new_name}"))


def read_ask(call: Call, most: int) -> Ask:
    """A page of a listing; 0 leaves its size to the server."""
    asked = call.number("max_results", 0)
    limit = min(asked, most) if asked > 0 else _DEFAULT_PAGE
    return Ask(limit, filter=call.find_text("filter") or "", token=call.find_text("page_token") or None)
