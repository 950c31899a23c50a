"""What callers may do with registered models."""

from sqlalchemy import Connection

from pierhead.identity.domain.levels import Level
from pierhead.identity.domain.objects import Action, Kind, Model, New, Platform, Readable, Schema
from pierhead.identity.services.access import Access
from pierhead.kit.errors import NotFound
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.models import RegisteredModel
from pierhead.registry.domain.names import find_namespace
from pierhead.registry.store.models import ModelStore


class ModelRights:
    """Answers for one caller, within one transaction."""

    def __init__(self, connection: Connection, caller: Caller) -> None:
        self._models = ModelStore(connection)
        self._access = Access(connection, caller)

    def require(self, action: Action, name: str) -> None:
        """Raises NotFound if there is no such model, PermissionDenied if the caller may not."""
        model = self._models.find(name)
        if model is None:
            raise NotFound(f"Registered Model with name={name} not found")
        self._access.require(action, target_of(model))

    def may(self, action: Action, model: RegisteredModel) -> bool:
        return self._access.may(action, target_of(model))

    def level(self, model: RegisteredModel) -> Level | None:
        """The caller's permission level; None for no right at all."""
        return self._access.level(target_of(model))

    def require_new(self, name: str) -> None:
        """Raises PermissionDenied if the caller may not make a model of this name."""
        namespace = find_namespace(name)
        within = Platform() if namespace is None else Schema(namespace.catalog, namespace.schema)
        self._access.require(Action.CREATE, New(Kind.MODEL, name, within))

    def readable(self) -> Readable:
        """Which models searches may show."""
        return self._access.readable(Kind.MODEL)


def target_of(model: RegisteredModel) -> Model:
    """The model as rights see it."""
    namespace = find_namespace(model.name)
    if namespace is None:
        return Model(model.id, model.name, model.owner)
    return Model(model.id, model.name, model.owner, namespace.catalog, namespace.schema)
