"""`/2.0/mlflow/registered-models/*`, and what the Databricks SDK adds to it."""

from typing import Any

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, Routes
from pierhead.registry.api.oss_wire import databricks_model_json, model_json, page_json, version_json
from pierhead.registry.api.read import read_number, read_tags, read_texts, refuse_deployment_job
from pierhead.registry.domain.models import ModelVersion, RegisteredModel
from pierhead.registry.domain.stages import parse_stage
from pierhead.registry.services.models import Models
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.search import Ask, Searches
from pierhead.registry.services.versions import Versions

_DEFAULT_PAGE = 100


class OssModels:
    """Handlers of MLflow's own dialect, which the workspace registry shares."""

    def __init__(self, clock: Clock, registrations: Registrations) -> None:
        self._clock = clock
        self._registrations = registrations

    def add_routes(self, routes: Routes) -> None:
        routes.add_plain("DELETE", "/2.0/mlflow/registered-models/delete", self.delete, prefixes=MLFLOW_PREFIXES)
        for method, path, handler in (
            ("POST", "registered-models/create", self.create),
            ("GET", "registered-models/get", self.get),
            ("GET", "databricks/registered-models/get", self.get_databricks),
            ("GET", "registered-models/search", self.search),
            ("GET", "registered-models/list", self.search),
            ("PATCH", "registered-models/update", self.update),
            ("POST", "registered-models/rename", self.rename),
            ("POST", "registered-models/set-tag", self.set_tag),
            ("DELETE", "registered-models/delete-tag", self.delete_tag),
            ("POST", "registered-models/alias", self.set_alias),
            ("GET", "registered-models/alias", self.get_by_alias),
            ("DELETE", "registered-models/alias", self.delete_alias),
            ("GET", "registered-models/get-latest-versions", self.list_latest),
        ):
            routes.add(method, f"/2.0/mlflow/{path}", handler, prefixes=MLFLOW_PREFIXES)
        for path, handler in (
            ("registered-models/search", self.search),
            ("registered-models/get-latest-versions", self.list_latest),
        ):
            routes.add("POST", f"/2.0/mlflow/{path}", handler, prefixes=MLFLOW_PREFIXES, reads=True)

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
        return {"registered_model_databricks": databricks_model_json(model, _latest(models, model))}

    def search(self, call: Call, connection: Connection) -> dict[str, Any]:
        found, token = Searches(connection).find_models(
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
        models = Models(connection, self._clock)
        name, description = call.text("name"), call.find_text("description")
        model = models.get(name) if description is None else models.set_description(name, description)
        return {"registered_model": _with_latest(models, model)}

    def rename(self, call: Call, connection: Connection) -> dict[str, Any]:
        models = Models(connection, self._clock)
        return {"registered_model": _with_latest(models, models.rename(call.text("name"), call.text("new_name")))}

    def delete(self, call: Call) -> None:
        self._registrations.delete_model(call.text("name"))

    def set_tag(self, call: Call, connection: Connection) -> None:
        models = Models(connection, self._clock)
        models.set_tag(call.text("name"), call.text("key"), call.find_text("value") or "")

    def delete_tag(self, call: Call, connection: Connection) -> None:
        Models(connection, self._clock).delete_tag(call.text("name"), call.text("key"))

    def set_alias(self, call: Call, connection: Connection) -> None:
        promotions = Promotions(connection, self._clock)
        promotions.set_alias(call.text("name"), call.text("alias"), read_number(call), by=call.caller.user_name)

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
        promotions = Promotions(connection, self._clock)
        promotions.delete_alias(call.text("name"), call.text("alias"), by=call.caller.user_name)

    def list_latest(self, call: Call, connection: Connection) -> dict[str, Any]:
        stages = [parse_stage(text) for text in read_texts(call, "stages")]
        latest = Versions(connection, self._clock).list_latest(call.text("name"), stages)
        return {"model_versions": [version_json(version) for version in latest]}


def _with_latest(models: Models, model: RegisteredModel) -> dict[str, Any]:
    return model_json(model, _latest(models, model))


def _latest(models: Models, model: RegisteredModel) -> list[ModelVersion]:
    return models.latest_versions([model])[model.id]
