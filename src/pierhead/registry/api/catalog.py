"""`/2.1/unity-catalog/models*`: what `w.registered_models`, `w.model_versions` and MLflow's native store speak."""

from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock, to_ms
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Routes
from pierhead.registry.api.catalog_wire import alias_json, model_json, version_json
from pierhead.registry.api.gated import GatedCalls
from pierhead.registry.api.guards import needs, needs_new, needs_nothing
from pierhead.registry.api.oss_wire import page_json
from pierhead.registry.api.read import read_draft, read_number, read_tags, refuse_changes, refuse_deployment_job
from pierhead.registry.api.uc import (
    CREDENTIALS_LIFETIME,
    MOST_MODELS_A_PAGE,
    MOST_VERSIONS_A_PAGE,
    full_new_name,
    may_update,
    read_ask,
    read_full_name,
)
from pierhead.registry.api.uc_wire import credentials_json
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.queries import Namespace
from pierhead.registry.services.models import Models
from pierhead.registry.services.outcomes import Awaiting, Moved
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.services.search import Searches
from pierhead.registry.services.versions import Versions

_ROOT = "/2.1/unity-catalog/"
_MODEL = "models/{full_name}"
_VERSION = "models/{full_name}/versions/{version}"
_ALIAS = "models/{full_name}/aliases/{alias}"

_FIXED = (
    "aliases",
    "catalog_name",
    "created_at",
    "created_by",
    "metastore_id",
    "schema_name",
    "storage_location",
    "updated_at",
    "updated_by",
)
_FIXED_IN_MODELS = (*_FIXED, "browse_only", "name")
_FIXED_IN_VERSIONS = (
    *_FIXED,
    "id",
    "model_name",
    "model_version_dependencies",
    "run_id",
    "run_workspace_id",
    "source",
    "status",
)


class CatalogModels:
    """Handlers for registered models, their aliases and tags."""

    def __init__(self, clock: Clock, registrations: Registrations, gated: GatedCalls) -> None:
        self._clock = clock
        self._registrations = registrations
        self._gated = gated

    def add_routes(self, routes: Routes) -> None:
        routes.add_plain("DELETE", _ROOT + _MODEL, self.delete, guard=needs(Action.MANAGE, _full_name))
        set_alias = self._gated.moving(_read_aliased, self.set_alias, self.show_alias)
        routes.add_plain("PUT", _ROOT + _ALIAS, set_alias, guard=needs(Action.READ, _full_name))
        for method, path, handler, guard in (
            ("POST", "models", self.create, needs_new(lambda call: read_parts(call, "name"))),
            ("GET", "models", self.list_models, needs_nothing),
            ("GET", _MODEL, self.get, needs(Action.READ, _full_name)),
            ("PATCH", _MODEL, self.update, may_update(_full_name)),
            ("GET", _ALIAS, self.get_by_alias, needs(Action.READ, _full_name)),
            ("DELETE", _ALIAS, self.delete_alias, needs(Action.READ, _full_name)),
            ("PATCH", "securable-tags/{securable_type}/{full_name}", self.change_tags, needs(Action.TAG, _full_name)),
        ):
            routes.add(method, _ROOT + path, handler, guard=guard)

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_deployment_job(call)
        model = Models(connection, self._clock).create(
            read_parts(call, "name"),
            by=call.caller.user_name,
            description=call.find_text("comment"),
            tags=read_tags(call.params.get("tags")),
        )
        return model_json(model)

    def list_models(self, call: Call, connection: Connection) -> dict[str, Any]:
        within = Namespace(call.find_text("catalog_name"), call.find_text("schema_name"))
        found, token = Searches(connection, ModelRights(connection, call.caller).readable()).find_models(
            read_ask(call, MOST_MODELS_A_PAGE), within
        )
        return page_json("registered_models", [model_json(model) for model in found], token)

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return model_json(Models(connection, self._clock).get(read_full_name(call, "full_name")))

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_deployment_job(call)
        models = Models(connection, self._clock)
        model = models.get(read_full_name(call, "full_name"))
        refuse_changes(call, _FIXED_IN_MODELS, model_json(model))
        comment, new_name, owner = (call.find_text(key) for key in ("comment", "new_name", "owner"))
        if comment is not None:
            model = models.set_description(model.name, comment)
        if owner and owner != model.owner:
            ModelRights(connection, call.caller).require(Action.MANAGE, model.name)
            model = models.give_to(model.name, owner)
        if new_name:
            new_full_name = full_new_name(model.name, new_name)
            model = self._gated.promotions(call, connection).rename(model.name, new_full_name)
        return model_json(model)

    def delete(self, call: Call) -> None:
        self._registrations.delete_model(read_full_name(call, "full_name"), by=call.caller)

    def set_alias(self, call: Call, promotions: Promotions) -> Moved | Awaiting:
        name, number = _read_aliased(call)
        return promotions.set_alias(name, call.text("alias"), number)

    def show_alias(self, call: Call, _connection: Connection, moved: Moved) -> dict[str, Any]:
        return alias_json(FullName.parse(moved.version.model_name), call.text("alias"), moved.version.number)

    def get_by_alias(self, call: Call, connection: Connection) -> dict[str, Any]:
        versions = Versions(connection, self._clock)
        return version_json(versions.get_by_alias(read_full_name(call, "full_name"), call.text("alias")))

    def delete_alias(self, call: Call, connection: Connection) -> None:
        self._gated.promotions(call, connection).delete_alias(read_full_name(call, "full_name"), call.text("alias"))

    def change_tags(self, call: Call, connection: Connection) -> None:
        refuse_other_types(call)
        models = Models(connection, self._clock)
        name = read_full_name(call, "full_name")
        removed, added = read_tag_changes(call)
        for key in removed:
            models.delete_tag(name, key)
        for key, value in added.items():
            models.set_tag(name, key, value)


class CatalogVersions:
    """Handlers for model versions."""

    def __init__(self, clock: Clock, registrations: Registrations) -> None:
        self._clock = clock
        self._registrations = registrations

    def add_routes(self, routes: Routes) -> None:
        credentials = _ROOT + "temporary-model-version-credentials"
        tags = "subentity-tags/{securable_type}/{full_name}/{version}"
        routes.add_plain("DELETE", _ROOT + _VERSION, self.delete, guard=needs(Action.MANAGE, _full_name))
        finalize = _ROOT + _VERSION + "/finalize"
        routes.add_plain("POST", _ROOT + "models/versions", self.create, guard=needs(Action.ADD_VERSION, _model_name))
        routes.add_plain("PATCH", finalize, self.finalize, guard=needs(Action.ADD_VERSION, _full_name))
        routes.add("POST", credentials, self.give_credentials, reads=True, guard=needs(Action.READ, _model_name))
        for method, path, handler, guard in (
            ("GET", "models/{full_name}/versions", self.list_versions, needs(Action.READ, _full_name)),
            ("GET", _VERSION, self.get, needs(Action.READ, _full_name)),
            ("PATCH", _VERSION, self.update, needs(Action.EDIT, _full_name)),
            ("PATCH", tags, self.change_tags, needs(Action.TAG, _full_name)),
        ):
            routes.add(method, _ROOT + path, handler, guard=guard)

    def create(self, call: Call) -> dict[str, Any]:
        draft = read_draft(call, read_parts(call, "model_name"), description="comment")
        return version_json(self._registrations.announce(draft, by=call.caller))

    def finalize(self, call: Call) -> dict[str, Any]:
        name, number = read_full_name(call, "full_name"), read_number(call)
        return version_json(self._registrations.finalize(name, number, by=call.caller))

    def list_versions(self, call: Call, connection: Connection) -> dict[str, Any]:
        name = read_full_name(call, "full_name")
        Models(connection, self._clock).get(name)
        found, token = Searches(connection, ModelRights(connection, call.caller).readable()).list_versions(
            name, read_ask(call, MOST_VERSIONS_A_PAGE)
        )
        return page_json("model_versions", [version_json(version) for version in found], token)

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return version_json(self._get(call, connection))

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        version = self._get(call, connection)
        refuse_changes(call, _FIXED_IN_VERSIONS, version_json(version))
        comment = call.find_text("comment")
        if comment is not None:
            versions = Versions(connection, self._clock)
            version = versions.set_description(version.model_name, version.number, comment)
        return version_json(version)

    def delete(self, call: Call) -> None:
        self._registrations.delete_version(read_full_name(call, "full_name"), read_number(call), by=call.caller)

    def change_tags(self, call: Call, connection: Connection) -> None:
        refuse_other_types(call)
        versions = Versions(connection, self._clock)
        name, number = read_full_name(call, "full_name"), read_number(call)
        removed, added = read_tag_changes(call)
        for key in removed:
            versions.delete_tag(name, number, key)
        for key, value in added.items():
            versions.set_tag(name, number, key, value, by=call.caller.user_name)

    def give_credentials(self, call: Call, connection: Connection) -> dict[str, Any]:
        Versions(connection, self._clock).get(read_parts(call, "model_name"), read_number(call))
        return credentials_json(to_ms(self._clock.now() + CREDENTIALS_LIFETIME))

    def _get(self, call: Call, connection: Connection) -> ModelVersion:
        return Versions(connection, self._clock).get(read_full_name(call, "full_name"), read_number(call))


def _full_name(call: Call) -> str:
    return read_full_name(call, "full_name")


def _model_name(call: Call) -> str:
    return read_parts(call, "model_name")


def _read_aliased(call: Call) -> tuple[str, int]:
    return read_full_name(call, "full_name"), read_number(call, "version_num")


def read_parts(call: Call, last: str) -> str:
    """A name that is sent in three parameters."""
    return str(FullName.parse(f"{call.text('catalog_name')}.{call.text('schema_name')}.{call.text(last)}"))


def refuse_other_types(call: Call) -> None:
    """Raises InvalidArgument unless the tags are those of a model, which Unity Catalog governs as a function."""
    given = call.text("securable_type")
    if given.upper() not in ("FUNCTION", "REGISTERED_MODEL", "MODEL"):
        raise InvalidArgument(f"tags of a {given!r} are not kept here; write FUNCTION for a registered model")


def read_tag_changes(call: Call) -> tuple[list[str], dict[str, str]]:
    """Keys to remove, and tags to set."""
    changes = call.params.get("changes")
    if not isinstance(changes, dict):
        raise InvalidArgument("parameter 'changes' must be an object with 'add_tags' and 'remove'")
    removed = changes.get("remove") or []
    if not isinstance(removed, list) or not all(isinstance(key, str) for key in removed):
        raise InvalidArgument("parameter 'changes.remove' must be a list of keys")
    return removed, read_tags(changes.get("add_tags"))
