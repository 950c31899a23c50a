"""Model versions: what a name and a number stand for."""

from collections.abc import Sequence

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.kit.errors import NotFound
from pierhead.kit.ids import new_id
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.events import EventKind, RegistryEvent
from pierhead.registry.domain.models import ModelVersion, Pending, Ready, RegisteredModel, State, VersionDraft
from pierhead.registry.domain.names import check_tag, check_text
from pierhead.registry.domain.sources import ByAlias, ByNumber, Newest, VersionSource
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.tags import refuse_reserved_tags
from pierhead.registry.domain.targets import canonical_alias
from pierhead.registry.services.events import Events
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.versions import VersionStore

_ID_LIMIT = 256


class Versions:
    """Use cases on model versions, within the caller's transaction. Stages and aliases are `Promotions`' business."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._models = ModelStore(connection)
        self._versions = VersionStore(connection)
        self._events = Events(connection, clock)
        self._clock = clock

    def add(self, draft: VersionDraft, state: State, *, by: Caller) -> ModelVersion:
        """A new version with the next number of its model, in no stage, whatever it is a copy of.

        Raises NotFound, InvalidArgument, or PermissionDenied for a reserved tag.
        """
        check_draft(draft)
        refuse_reserved_tags(draft.tags)
        model = self._models.find_locked(draft.model_name)
        if model is None:
            raise _no_model(draft.model_name)
        now = self._clock.now()
        version = ModelVersion(
            id=new_id(),
            model_id=model.id,
            model_name=model.name,
            number=self._models.next_number(model.id, now),
            stage=Stage.NONE,
            state=state,
            source=draft.source,
            run_id=draft.run_id,
            run_link=draft.run_link,
            run_workspace_id=draft.run_workspace_id,
            logged_model_id=draft.logged_model_id,
            description=draft.description,
            user_name=by.user_name,
            person=by.person,
            authors=draft.authors,
            created_at=now,
            updated_at=now,
            tags=dict(draft.tags),
            aliases=(),
        )
        self._versions.add(version)
        self._tell_if_ready(version)
        return version

    def get(self, name: str, number: int) -> ModelVersion:
        """Raises NotFound."""
        version = self._versions.find(name, number)
        if version is None:
            raise NotFound(f"Model Version (name={name}, version={number}) not found")
        return version

    def get_by_id(self, version_id: str) -> ModelVersion:
        """Raises NotFound."""
        version = self._versions.find_by_id(version_id)
        if version is None:
            raise NotFound(f"Model Version (id={version_id}) not found")
        return version

    def get_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Raises NotFound. `latest` is the newest READY version, whatever its stage."""
        if alias.lower() == "latest":
            return self._newest(name, None)
        version = self._versions.find_by_alias(self._model(name).id, canonical_alias(alias))
        if version is None:
            raise NotFound(f"Registered model alias {alias} not found.")
        return version

    def get_source(self, source: VersionSource) -> ModelVersion:
        """The version that a `models:/` source names. Raises NotFound."""
        match source:
            case ByNumber(name, number):
                return self.get(name, number)
            case ByAlias(name, alias):
                return self.get_by_alias(name, alias)
            case Newest(name, stage):
                return self._newest(name, stage)

    def list_latest(self, name: str, stages: Sequence[Stage]) -> list[ModelVersion]:
        """The newest READY version in each of these stages, in each of all stages if none is given. Raises NotFound."""
        return self._versions.latest([self._model(name).id], list(stages) or list(Stage))

    def set_description(self, name: str, number: int, description: str) -> ModelVersion:
        """Raises NotFound or InvalidArgument."""
        check_text("description", description)
        self._versions.set_description(self._locked(name, number).id, description, self._clock.now())
        return self.get(name, number)

    def delete(self, name: str, number: int) -> ModelVersion:
        """Its number is not given again; its files stay in the artifact store. Gives what it was. Raises NotFound.

        Doors delete by `Promotions.delete_version`, which asks the gate first.
        """
        version = self._locked(name, number)
        self._versions.delete(version.id)
        self._models.touch(version.model_id, self._clock.now())
        return version

    def set_tag(self, name: str, number: int, key: str, value: str, *, by: str) -> None:
        """Raises NotFound, InvalidArgument, or PermissionDenied for a reserved tag."""
        check_tag(key, value)
        refuse_reserved_tags([key])
        version = self._locked(name, number)
        self._versions.set_tag(version.id, key, value)
        self._events.emit(
            RegistryEvent(
                EventKind.VERSION_TAG_SET,
                version.model_id,
                version.model_name,
                by,
                version.number,
                tag_key=key,
                tag_value=value,
            )
        )

    def delete_tag(self, name: str, number: int, key: str) -> None:
        """Harmless if there is no such tag. Raises NotFound for the version, PermissionDenied for a reserved tag."""
        refuse_reserved_tags([key])
        self._versions.delete_tag(self._locked(name, number).id, key)

    def leave_pending(self, version: ModelVersion, state: State) -> ModelVersion:
        """Give a PENDING version its final state; one that has its final state already keeps it."""
        was_pending = self._locked(version.model_name, version.number).state == Pending()
        self._versions.leave_pending(version.id, state, self._clock.now())
        final = self.get(version.model_name, version.number)
        if was_pending:
            self._tell_if_ready(final)
        return final

    def _tell_if_ready(self, version: ModelVersion) -> None:
        """Nobody can do anything with a version before."""
        if isinstance(version.state, Ready):
            created = EventKind.VERSION_CREATED
            self._events.emit(
                RegistryEvent(created, version.model_id, version.model_name, version.user_name, version.number)
            )

    def _newest(self, name: str, stage: Stage | None) -> ModelVersion:
        found = self.list_latest(name, [] if stage is None else [stage])
        if not found:
            where = "" if stage is None else f" in stage {stage.value}"
            raise NotFound(f"model {name} has no READY version{where}")
        return max(found, key=lambda version: version.number)

    def _model(self, name: str) -> RegisteredModel:
        model = self._models.find(name)
        if model is None:
            raise _no_model(name)
        return model

    def _locked(self, name: str, number: int) -> ModelVersion:
        self._models.find_locked(name)
        return self.get(name, number)


def check_draft(draft: VersionDraft) -> None:
    """Raises InvalidArgument for anything in a new version that cannot be kept."""
    for key, value in draft.tags.items():
        check_tag(key, value)
    check_text("source", draft.source)
    check_text("run_link", draft.run_link or "")
    check_text("description", draft.description or "")
    check_text("run_id", draft.run_id or "", _ID_LIMIT)
    check_text("model_id", draft.logged_model_id or "", _ID_LIMIT)
    check_text("run_tracking_server_id", draft.run_workspace_id or "", _ID_LIMIT)


def _no_model(name: str) -> NotFound:
    return NotFound(f"Registered Model with name={name} not found")
