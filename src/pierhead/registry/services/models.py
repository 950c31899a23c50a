"""Registered models: what a name stands for."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from pierhead.catalog.services.places import Places
from pierhead.identity.services.directory import Accounts
from pierhead.identity.services.place_owners import PlaceOwners
from pierhead.kit.clock import Clock
from pierhead.kit.errors import NotFound
from pierhead.kit.ids import new_id
from pierhead.registry.domain.events import EventKind, RegistryEvent
from pierhead.registry.domain.models import ModelVersion, RegisteredModel
from pierhead.registry.domain.names import check_model_name, check_tag, check_text, find_namespace
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.tags import refuse_reserved_tags
from pierhead.registry.services.events import Events
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.versions import VersionStore


class Models:
    """Use cases on registered models, within the caller's transaction."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._accounts = Accounts(connection, clock)
        self._places = Places(connection, clock)
        self._place_owners = PlaceOwners(connection)
        self._models = ModelStore(connection)
        self._versions = VersionStore(connection)
        self._events = Events(connection, clock)
        self._clock = clock

    def create(
        self, name: str, *, by: str, description: str | None = None, tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        """Raises InvalidArgument, AlreadyExists, or PermissionDenied for a reserved tag."""
        check_model_name(name)
        check_text("description", description or "")
        for key, value in (tags or {}).items():
            check_tag(key, value)
        refuse_reserved_tags(tags or {})
        now = self._clock.now()
        model = RegisteredModel(new_id(), name, description, by, by, now, now, dict(tags or {}), {})
        self._ensure_place(name, by)
        self._models.add(model)
        self._events.emit(RegistryEvent(EventKind.MODEL_CREATED, model.id, model.name, by))
        return model

    def _ensure_place(self, name: str, by: str) -> None:
        namespace = find_namespace(name)
        if namespace is not None:
            self._places.ensure(namespace.catalog, namespace.schema, owner=by)

    def get(self, name: str) -> RegisteredModel:
        """Raises NotFound."""
        return _found(self._models.find(name), name)

    def set_description(self, name: str, description: str) -> RegisteredModel:
        """Raises NotFound or InvalidArgument."""
        check_text("description", description)
        model = self._locked(name)
        self._models.set_description(model.id, description, self._clock.now())
        return self.get(name)

    def give_to(self, name: str, owner: str) -> RegisteredModel:
        """The model with another owner, a user or service principal. Raises NotFound."""
        model = self._locked(name)
        self._models.set_owner(model.id, self._accounts.get(owner).name, self._clock.now())
        return self.get(name)

    def rename(self, name: str, new_name: str) -> RegisteredModel:
        """Raises NotFound, InvalidArgument, or AlreadyExists if the new name is taken.

        Doors rename by `Promotions.rename`, which asks the gate first.
        """
        check_model_name(new_name)
        model = self._locked(name)
        namespace = find_namespace(new_name)
        if namespace is not None:
            self._ensure_place(new_name, model.owner)
            self._place_owners.move_model(model.id, f"{namespace.catalog}.{namespace.schema}")
        self._models.rename(model.id, new_name, self._clock.now())
        return self.get(new_name)

    def delete(self, name: str) -> list[str]:
        """Delete the model with all its versions; their files stay in the artifact store.

        Doors delete by `Promotions.delete_model`, which asks the gate first.
        Gives the ids of versions that were PENDING. Raises NotFound.
        """
        model = self._locked(name)
        pending = self._versions.list_pending(model.id)
        self._models.delete(model.id)
        return pending

    def set_tag(self, name: str, key: str, value: str) -> None:
        """Raises NotFound, InvalidArgument, or PermissionDenied for a reserved tag."""
        check_tag(key, value)
        refuse_reserved_tags([key])
        self._models.set_tag(self._locked(name).id, key, value)

    def delete_tag(self, name: str, key: str) -> None:
        """Harmless if there is no such tag. Raises NotFound for the model, PermissionDenied for a reserved tag."""
        refuse_reserved_tags([key])
        self._models.delete_tag(self._locked(name).id, key)

    def latest_versions(self, models: Sequence[RegisteredModel]) -> Mapping[str, list[ModelVersion]]:
        """The newest READY version of each stage, by the id of the model."""
        found: dict[str, list[ModelVersion]] = {model.id: [] for model in models}
        for version in self._versions.latest(list(found), list(Stage)):
            found[version.model_id].append(version)
        return found

    def _locked(self, name: str) -> RegisteredModel:
        return _found(self._models.find_locked(name), name)


def _found(model: RegisteredModel | None, name: str) -> RegisteredModel:
    if model is None:
        raise NotFound(f"Registered Model with name={name} not found")
    return model
