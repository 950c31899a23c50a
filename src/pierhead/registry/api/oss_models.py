"""`/2.0/mlflow/registered-models/*`, and what the Databricks SDK adds to it."""

from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, Routes
from pierhead.registry.api.gated import GatedCalls, show_nothing
from pierhead.registry.api.guards import needs, needs_new, needs_nothing
from pierhead.registry.api.oss_wire import databricks_model_json, model_json, page_json, version_json
from pierhead.registry.api.read import read_number, read_tags, read_texts, read_version, refuse_deployment_job
from pierhead.registry.domain.models import ModelVersion, RegisteredModel
from pierhead.registry.domain.stages import parse_stage
from pierhead.registry.services.models import Models
from pierhead.registry.services.outcomes import Awaiting, Moved
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.services.search import Ask, Searches
from pierhead.registry.services.versions import Versions

_DEFAULT_PAGE = 100


class OssModels:
    """Handlers of MLflow's own dialect, which the workspace registry shares."""

    def __init__(self, clock: Clock, registrations: Registrations, gated: GatedCalls) -> None:
        self._clock = clock
        self._registrations = registrations
        self._gated = gated

    def add_routes(self, routes: Routes) -> None:
        delete = "/2.0/mlflow/registered-models/delete"
        routes.add_plain("DELETE", delete, self.delete, prefixes=MLFLOW_PREFIXES, guard=needs(Action.MANAGE))
        set_alias = self._gated.moving(read_version, self.set_alias, show_nothing)
        alias = "/2.0/mlflow/registered-models/alias"
        routes.add_plain("POST", alias, set_alias, prefixes=MLFLOW_PREFIXES, guard=needs(Action.READ))
        for method, path, handler, guard in (
            ("POST", "registered-models/create", self.create, needs_new()),
            ("GET", "registered-models/get", self.get, needs(Action.READ)),
            ("GET", "databricks/registered-models/get", self.get_databricks, needs(Action.READ)),
            ("GET", "registered-models/search", self.search, needs_nothing),
            ("GET", "registered-models/list", self.search, needs_nothing),
            ("PATCH", "registered-models/update", self.update, needs(Action.EDIT)),
            ("POST", "registered-models/rename", self.rename, needs(Action.MANAGE)),
            ("POST", "registered-models/set-tag", self.set_tag, needs(Action.TAG)),
            ("DELETE", "registered-models/delete-tag", self.delete_tag, needs(Action.TAG)),
            ("GET", "registered-models/alias", self.get_by_alias, needs(Action.READ)),
            ("DELETE", "registered-models/alias", self.delete_alias, needs(Action.READ)),
            ("GET", "registered-models/get-latest-versions", self.list_latest, needs(Action.READ)),
        ):
            routes.add(method, f"/2.0/mlflow/{path}", handler, prefixes=MLFLOW_PREFIXES, guard=guard)
        for path, handler, guard in (
            ("registered-models/search", self.search, needs_nothing),
            ("registered-models/get-latest-versions", self.list_latest, needs(Action.READ)),
        ):
            routes.add("POST", f"/2.0/mlflow/{path}", handler, prefixes=MLFLOW_PREFIXES, reads=True, guard=guard)

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_deployment_job(call)
        model = Models(connection, self._clock).create(
            call.text("name"),
            by=call.caller.user_name,
            description=call.find_text("description"),
            tags=read_tags(call.params.get("tags")),
        )
        return {"registered_model": model_json(model, [])}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        models = Models(connection, self._clock)
        return {"registered_model": _with_latest(models, models.get(call.text("name")))}

    def get_databricks(self, call: Call, connection: Connection) -> dict[str, Any]:
        models = Models(connection, self._clock)
        model = models.get(call.text("name"))
        level = ModelRights(connection, call.caller).level(model)
        return {"registered_model_databricks": databricks_model_json(model, _latest(models, model), level)}

    def search(self, call: Call, connection: Connection) -> dict[str, Any]:
        found, token = Searches(connection, ModelRights(connection, call.caller).readable()).find_models(
            Ask(
                limit=call.number("max_results", _DEFAULT_PAGE),
                filter=call.find_text("filter") or "",
                order_by=read_texts(call, "order_by"),
                token=call.find_text("page_token") or None,
            )
        )
        latest = Models(connection, self._clock).latest_versions(found)
        return page_json("registered_models", [model_json(model, latest[model.id]) for model in found], token)

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_deployment_job(call)
        models = Models(connection, self._clock)
        name, description = call.text("name"), call.find_text("description")
        model = models.get(name) if description is None else models.set_description(name, description)
        return {"registered_model": _with_latest(models, model)}

    def rename(self, call: Call, connection: Connection) -> dict[str, Any]:
        renamed = self._gated.promotions(call, connection).rename(call.text("name"), call.text("new_name"))
        return {"registered_model": _with_latest(Models(connection, self._clock), renamed)}

    def delete(self, call: Call) -> None:
        self._registrations.delete_model(call.text("name"), by=call.caller)

    def set_tag(self, call: Call, connection: Connection) -> None:
        models = Models(connection, self._clock)
        models.set_tag(call.text("name"), call.text("key"), call.find_text("value") or "")

    def delete_tag(self, call: Call, connection: Connection) -> None:
        Models(connection, self._clock).delete_tag(call.text("name"), call.text("key"))

    def set_alias(self, call: Call, promotions: Promotions) -> Moved | Awaiting:
        return promotions.set_alias(call.text("name"), call.text("alias"), read_number(call))

    def get_by_alias(self, call: Call, connection: Connection) -> dict[str, Any]:
        name, alias = call.text("name"), call.text("alias")
        Models(connection, self._clock).get(name)
        try:
            version = Versions(connection, self._clock).get_by_alias(name, alias)
        except NotFound as error:
            # In this dialect the model may be missing, an alias may only be wrong.
            raise InvalidArgument(error.message) from None
        return {"model_version": version_json(version)}

    def delete_alias(self, call: Call, connection: Connection) -> None:
        self._gated.promotions(call, connection).delete_alias(call.text("name"), call.text("alias"))

    def list_latest(self, call: Call, connection: Connection) -> dict[str, Any]:
        stages = [parse_stage(text) for text in read_texts(call, "stages")]
        latest = Versions(connection, self._clock).list_latest(call.text("name"), stages)
        return {"model_versions": [version_json(version) for version in latest]}


def _with_latest(models: Models, model: RegisteredModel) -> dict[str, Any]:
    return model_json(model, _latest(models, model))


def _latest(models: Models, model: RegisteredModel) -> list[ModelVersion]:
    return models.latest_versions([model])[model.id]
