"""Asking for a move, and taking the question back; approving is `Promotions`' business."""

from collections.abc import Sequence

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import ADMINS
from pierhead.identity.domain.objects import Action
from pierhead.kit.audit_context import note
from pierhead.kit.errors import AlreadyExists, InvalidArgument, NotFound, PermissionDenied, Unavailable
from pierhead.kit.ids import new_id
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.activities import Activity, ActivityKind
from pierhead.registry.domain.events import EventKind, RegistryEvent
from pierhead.registry.domain.gate import Closed, Condition, StageTarget
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.names import check_text
from pierhead.registry.domain.policies import words_of
from pierhead.registry.domain.refusals import GateClosed
from pierhead.registry.domain.requests import Closing, RequestState, TransitionRequest, open_ones
from pierhead.registry.domain.targets import Place, place_text
from pierhead.registry.services.activities import Activities
from pierhead.registry.services.events import Events
from pierhead.registry.services.gatekeeping import Gate, GateSources
from pierhead.registry.services.models import Models
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.services.taking_part import require_taking_part
from pierhead.registry.services.versions import Versions
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.requests import RequestStore


class Requests:
    """Use cases of one caller, within the caller's transaction."""

    def __init__(self, connection: Connection, caller: Caller, sources: GateSources) -> None:
        self._connection = connection
        self._caller = caller
        self._clock = sources.clock
        self._sources = sources
        self._rows = RequestStore(connection)
        self._rights = ModelRights(connection, caller)
        self._models = Models(connection, sources.clock)
        self._versions = Versions(connection, sources.clock)
        self._activities = Activities(connection, sources.clock)

    def create(
        self, name: str, number: int, place: Place, comment: str | None
    ) -> tuple[TransitionRequest, tuple[Condition, ...]]:
        """The request, and the checks that the version would fail today.

        Raises NotFound, PermissionDenied for who only reads, InvalidArgument, InvalidState unless the version is READY,
        or AlreadyExists if the caller has asked for the same before.
        """
        check_text("comment", comment or "")
        version = self._locked(name, number)
        _ = version.digest
        require_taking_part(self._rights, self._caller, self._models.get(name), "ask for its promotion")
        if _stands_at(version, place):
            raise InvalidArgument(f"version {number} of model '{name}' is at {words_of(place)} already")
        mine = [request for request in self.list_open(version, place) if request.creator == self._caller.user_name]
        if mine:
            raise AlreadyExists(
                f"you have asked for {words_of(place)} of version {number} of model '{name}' already, at "
                f"{mine[0].created_at:%Y-%m-%d %H:%M} UTC; approvers see it with `pierhead models requests {name}`"
            )
        word = Gate(self._connection, self._caller, self._sources).require_request(version, place)
        request = TransitionRequest(
            id=new_id(),
            model_id=version.model_id,
            model_name=version.model_name,
            version_id=version.id,
            number=version.number,
            from_stage=version.stage,
            place=place,
            creator=self._caller.user_name,
            person=self._caller.person,
            comment=comment,
            created_at=self._clock.now(),
            expires_at=word.expires_at,
            closing=None,
        )
        self._rows.add(request)
        note(decision="requested", policy=word.policy, subject_digest=word.subject_digest, request=request.id)
        failed = "; ".join(f"{condition.code}: {condition.message}" for condition in word.unmet)
        self._tell(
            ActivityKind.REQUESTED, version, request.place, comment, f"not met today: {failed}" if failed else None
        )
        Events(self._connection, self._clock).emit(
            RegistryEvent(
                EventKind.TRANSITION_REQUESTED,
                version.model_id,
                version.model_name,
                self._caller.user_name,
                version.number,
                from_stage=version.stage,
                to_stage=place.stage if isinstance(place, StageTarget) else None,
                comment=comment or "",
            )
        )
        return request, word.unmet

    def list_open(self, version: ModelVersion, place: Place | None = None) -> list[TransitionRequest]:
        """What waits for an approval now, the oldest first."""
        found = self._rows.list_for_version(version.id) if place is None else self._rows.list_at(version.id, place)
        return open_ones(found, self._clock.now())

    def list_of_model(self, name: str | None) -> list[TransitionRequest]:
        """What waits for an approval now, of one model or of all that the caller may read. Raises NotFound."""
        model = None if name is None else self._models.get(name)
        found = open_ones(self._rows.list_not_closed(None if model is None else model.id), self._clock.now())
        return self._readable(found)

    def may_approve(self, request: TransitionRequest) -> bool:
        """Whether an approval by the caller would count now."""
        version = self._versions.get_by_id(request.version_id)
        try:
            verdict = Gate(self._connection, self._caller, self._sources).look(version, request.place, [request])
        except Unavailable:
            return False
        return not isinstance(verdict.examination.decision, Closed)

    def may_reject(self, request: TransitionRequest) -> bool:
        """Whether the caller has the right to make the move."""
        version = self._versions.get_by_id(request.version_id)
        return Gate(self._connection, self._caller, self._sources).may_move(version, request.place)

    def reject(self, name: str, number: int, place: Place, comment: str | None) -> Activity:
        """End every open request for this move. Raises NotFound, or PermissionDenied for who could not make it."""
        check_text("comment", comment or "")
        version = self._locked(name, number)
        requests = self._some_open(version, place)
        if not Gate(self._connection, self._caller, self._sources).may_move(version, place):
            raise GateClosed(
                f"{self._caller.user_name} may not reject requests for {words_of(place)} of model '{name}': that is "
                "for who may make the move; the requester can take it back with "
                f"`pierhead models request {name} {number} --to {place_text(place)} --cancel`"
            )
        self._close(requests, RequestState.REJECTED, comment)
        return self._tell(ActivityKind.REJECTED, version, place, comment, None)

    def cancel(self, name: str, number: int, place: Place, creator: str, comment: str | None) -> Activity:
        """Take back what `creator` asked for. Raises NotFound, or PermissionDenied unless that is the caller or the
        caller is an admin or manages the model."""
        check_text("comment", comment or "")
        version = self._locked(name, number)
        model = self._models.get(name)
        is_own = creator == self._caller.user_name
        if not is_own and ADMINS not in self._caller.groups and not self._rights.may(Action.MANAGE, model):
            raise PermissionDenied(
                f"the request is {creator}'s: only they, or who manages model '{name}', can cancel it"
            )
        theirs = [request for request in self._some_open(version, place) if request.creator == creator]
        if not theirs:
            raise NotFound(f"{creator} has no open request for {words_of(place)} of version {number} of model '{name}'")
        self._close(theirs, RequestState.CANCELLED, comment)
        return self._tell(ActivityKind.CANCELLED, version, place, comment, None)

    def _locked(self, name: str, number: int) -> ModelVersion:
        ModelStore(self._connection).find_locked(name)
        return self._versions.get(name, number)

    def _some_open(self, version: ModelVersion, place: Place) -> list[TransitionRequest]:
        found = self.list_open(version, place)
        if not found:
            raise NotFound(
                f"version {version.number} of model '{version.model_name}' has no open request for {words_of(place)}"
            )
        return found

    def _readable(self, requests: Sequence[TransitionRequest]) -> list[TransitionRequest]:
        allowed: dict[str, bool] = {}
        models = ModelStore(self._connection)
        for model_id in {request.model_id for request in requests}:
            model = models.find_by_id(model_id)
            allowed[model_id] = model is not None and self._rights.may(Action.READ, model)
        return [request for request in requests if allowed[request.model_id]]

    def _close(self, requests: Sequence[TransitionRequest], state: RequestState, comment: str | None) -> None:
        closing = Closing(state, self._clock.now(), self._caller.user_name, comment)
        self._rows.close([request.id for request in requests], closing)
        note(decision=state.value.lower(), requests=[request.id for request in requests])

    def _tell(
        self, kind: ActivityKind, version: ModelVersion, place: Place, comment: str | None, system_comment: str | None
    ) -> Activity:
        return self._activities.add(
            kind,
            version,
            by=self._caller.user_name,
            from_place=version.stage.value,
            to_place=place_text(place),
            comment=comment,
            system_comment=system_comment,
        )


def _stands_at(version: ModelVersion, place: Place) -> bool:
    if isinstance(place, StageTarget):
        return version.stage is place.stage
    return place.alias in version.aliases
