"""What makes a version live or frees the name of one that is: stages, aliases, rename, deletion.

Every door comes through here, and through nothing else; nothing moves before the gate has opened.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from pierhead.kit.audit_context import note
from pierhead.kit.errors import Conflict, NotFound, PermissionDenied
from pierhead.kit.ids import new_id
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.activities import Activity, ActivityKind
from pierhead.registry.domain.gate import AliasTarget, Approval, Closed, Counted, StageTarget
from pierhead.registry.domain.models import ModelVersion, RegisteredModel
from pierhead.registry.domain.names import check_model_name, check_text, find_namespace
from pierhead.registry.domain.policies import words_of
from pierhead.registry.domain.requests import Closing, GivenApproval, RequestState, TransitionRequest, open_ones
from pierhead.registry.domain.stages import Stage, check_archiving
from pierhead.registry.domain.targets import Place, place_of_alias, place_text
from pierhead.registry.services.activities import Activities
from pierhead.registry.services.gatekeeping import Gate, GateSources, Passage, Verdict
from pierhead.registry.services.models import Models
from pierhead.registry.services.moves import Cause, Moves
from pierhead.registry.services.outcomes import Awaiting, Moved
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.services.versions import Versions
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.placements import PlacementStore
from pierhead.registry.store.requests import RequestStore
from pierhead.registry.store.versions import VersionStore

log = structlog.get_logger()

_PRODUCTION, _STAGING = StageTarget(Stage.PRODUCTION), StageTarget(Stage.STAGING)


class Promotions:
    """Use cases of one caller, within the caller's transaction."""

    def __init__(self, connection: Connection, caller: Caller, sources: GateSources) -> None:
        self._caller = caller
        self._clock = sources.clock
        self._gate = Gate(connection, caller, sources)
        self._rights = ModelRights(connection, caller)
        self._models = Models(connection, sources.clock)
        self._versions = Versions(connection, sources.clock)
        self._activities = Activities(connection, sources.clock)
        self._moves = Moves(connection, sources.clock)
        self._model_rows = ModelStore(connection)
        self._version_rows = VersionStore(connection)
        self._request_rows = RequestStore(connection)
        self._placement_rows = PlacementStore(connection)

    def move(
        self,
        name: str,
        number: int,
        place: Place,
        *,
        archive_existing: bool = False,
        comment: str | None = None,
        break_glass: str | None = None,
    ) -> Moved | Awaiting:
        """Bring a version to a place; an open request of somebody else for it is approved by that.

        With `archive_existing` the versions that were in that stage become Archived. `break_glass` is the reason for
        going past a closed gate, where the policy lets the caller. Raises NotFound, InvalidArgument, InvalidState
        unless the version is READY, GateClosed or ChecksFailed.
        """
        check_text("comment", comment or "")
        if archive_existing and isinstance(place, StageTarget):
            check_archiving(place.stage)
        version = self._ready(name, number)
        if self._is_done(version, place, archive_existing=archive_existing):
            self._require_right(version, place)
            return Moved(version, None)
        return self._bring(version, place, self._candidates(version, place), archive_existing, comment, break_glass)

    def preview(self, name: str, number: int, place: Place) -> tuple[ModelVersion, Verdict]:
        """What the gate would say to `move`, without asking it to open. Raises NotFound or InvalidState."""
        version = self._versions.get(name, number)
        _ = version.digest
        verdict = self._gate.look(version, place, self._candidates(version, place))
        if _leaves_production(version, place):
            leaving = self._gate.look_leaving(version, _PRODUCTION)
            verdict = verdict.closed_by(leaving) if isinstance(leaving, Closed) else verdict
        return version, verdict

    def approve(
        self, name: str, number: int, place: Place, *, archive_existing: bool = False, comment: str | None = None
    ) -> Moved | Awaiting:
        """Approve the open request for a move; the last approval that is needed makes the move.

        Raises as `move`, and NotFound or Conflict if there is no such request, or none any more.
        """
        check_text("comment", comment or "")
        if archive_existing and isinstance(place, StageTarget):
            check_archiving(place.stage)
        version = self._ready(name, number)
        requests = self._open_requests(version, place)
        if not requests:
            raise self._nothing_to_approve(version, place)
        return self._bring(version, place, requests, archive_existing, comment, None)

    def set_alias(self, name: str, alias: str, number: int) -> Moved | Awaiting:
        """Point an alias to a version; the alias of a stage is the transition to it, and archives who was there.

        Raises as `move`.
        """
        place = place_of_alias(alias)
        return self.move(name, number, place, archive_existing=isinstance(place, StageTarget))

    def delete_alias(self, name: str, alias: str) -> None:
        """Harmless if there is no such alias. Without the alias of a stage nothing stays in that stage.

        Raises NotFound for the model, InvalidArgument, or GateClosed.
        """
        place = place_of_alias(alias)
        model = self._locked(name)
        cause = Cause(self._caller.user_name, self._caller.person, None)
        if isinstance(place, StageTarget):
            for version in self._version_rows.list_in_stage(model.id, place.stage):
                self._gate.require_leaving(version, place)
                self._moves.archive(version, f"the alias {alias} was deleted", cause)
        else:
            holder = self._version_rows.find_by_alias(model.id, place.alias)
            if holder is None:
                return
            self._gate.require_leaving(holder, place)
            self._moves.off_alias(holder, place.alias, "the alias was deleted", cause)
        log.info("alias deleted", model=name, alias=alias, by=self._caller.user_name)

    def rename(self, name: str, new_name: str) -> RegisteredModel:
        """Rename a model. What is live or staged has to leave the old name, and to be let in under the new one.

        Raises NotFound, InvalidArgument, AlreadyExists if the new name is taken, PermissionDenied if the caller could
        not make a model there, GateClosed or ChecksFailed.
        """
        check_model_name(new_name)
        model = self._locked(name)
        if _place_of_name(name) != _place_of_name(new_name):
            self._rights.require_new(new_name)
        passages: dict[tuple[str, str], Passage] = {}
        staged = [(version, _STAGING) for version in self._version_rows.list_in_stage(model.id, Stage.STAGING)]
        for version, place in [*self._live(model), *staged]:
            if self._gate.is_gated(name, place):
                self._gate.require_leaving(version, place)
            if self._gate.is_gated(new_name, place):
                # Under the new name it stands nowhere yet.
                newcomer = replace(version, model_name=new_name, stage=Stage.NONE, aliases=())
                passages[version.id, place_text(place)] = self._gate.require(newcomer, place).passage
        renamed = self._models.rename(name, new_name)
        self._moves.rename(model.id, new_name, passages, Cause(self._caller.user_name, self._caller.person, None))
        return renamed

    def delete_version(self, name: str, number: int) -> ModelVersion:
        """Delete a version, and give what it was. Raises NotFound, or GateClosed if it is live."""
        model = self._locked(name)
        version = self._versions.get(name, number)
        for live, place in self._live(model):
            if live.id == version.id and self._gate.is_gated(name, place):
                self._gate.require_leaving(version, place)
        self._versions.delete(name, number)
        self._moves.forget_version(version, self._caller.user_name)
        self._supersede(self._request_rows.list_for_version(version.id), "the version was deleted")
        return version

    def delete_model(self, name: str) -> list[str]:
        """Delete a model with all its versions, and give the ids of those that were PENDING.

        Raises NotFound, or GateClosed if one of them is live.
        """
        model = self._locked(name)
        for version, place in self._live(model):
            if self._gate.is_gated(name, place):
                self._gate.require_leaving(version, place)
        self._supersede(self._request_rows.list_not_closed(model.id), "the model was deleted")
        self._moves.forget_model(model.id, self._caller.user_name)
        return self._models.delete(name)

    def _bring(
        self,
        version: ModelVersion,
        place: Place,
        candidates: Sequence[TransitionRequest | None],
        archive_existing: bool,
        comment: str | None,
        break_glass: str | None,
    ) -> Moved | Awaiting:
        note(
            object=f"{version.model_name}/{version.number}",
            before=version.stage.value,
            after=place_text(place),
        )
        leaving = None
        if _leaves_production(version, place):
            leaving = self._gate.require_leaving(version, _PRODUCTION, break_glass=break_glass)
        verdict = self._gate.require(version, place, candidates, break_glass=break_glass)
        request = verdict.request
        decision = verdict.examination.decision
        if request is not None and not verdict.breaks_glass:
            assert not isinstance(decision, Closed)
            self._record_approval(request, decision.subject_digest, comment)
        if isinstance(decision, Counted):
            assert request is not None
            activity = self._tell_approved(version, request, comment, f"{decision.missing} more needed")
            return Awaiting(version, activity, request, decision.missing)
        if request is not None and not verdict.breaks_glass:
            self._tell_approved(version, request, comment, None)
        passage = verdict.passage if leaving is None else verdict.passage.after(leaving, break_glass or "")
        note(remarks=list(passage.notes))
        activity = self._apply(version, place, verdict.request, passage, archive_existing, comment)
        return Moved(self._versions.get(version.model_name, version.number), activity)

    def _apply(
        self,
        version: ModelVersion,
        place: Place,
        request: TransitionRequest | None,
        passage: Passage,
        archive_existing: bool,
        comment: str | None,
    ) -> Activity:
        request_id = None if request is None else request.id
        cause = Cause(self._caller.user_name, self._caller.person, comment, request_id)
        if isinstance(place, StageTarget):
            activity = self._moves.to_stage(version, place.stage, passage, cause, archive_existing=archive_existing)
        else:
            activity = self._moves.to_alias(version, place.alias, passage, cause)
        now = self._clock.now()
        if request_id is not None:
            self._request_rows.close([request_id], Closing(RequestState.APPLIED, now, cause.by, comment))
        self._supersede(self._open_requests(version, place), "the version is there now")
        log.info(
            "version moved",
            model=version.model_name,
            version=version.number,
            to=place_text(place),
            by=cause.by,
            policy=passage.policy,
            passed=passage.passed,
        )
        return activity

    def _record_approval(self, request: TransitionRequest, digest: str, comment: str | None) -> None:
        approval = Approval(self._caller.person, self._caller.groups, self._clock.now(), digest)
        self._request_rows.add_approval(request.id, GivenApproval(new_id(), self._caller.user_name, comment, approval))

    def _tell_approved(
        self, version: ModelVersion, request: TransitionRequest, comment: str | None, remark: str | None
    ) -> Activity:
        return self._activities.add(
            ActivityKind.APPROVED,
            version,
            by=self._caller.user_name,
            from_place=version.stage.value,
            to_place=place_text(request.place),
            comment=comment,
            system_comment="; ".join(filter(None, (f"requested by {request.creator}", remark))),
        )

    def _is_done(self, version: ModelVersion, place: Place, *, archive_existing: bool) -> bool:
        if isinstance(place, AliasTarget):
            return place.alias in version.aliases
        return version.stage is place.stage and not (archive_existing and self._moves.others_in(version, place.stage))

    def _require_right(self, version: ModelVersion, place: Place) -> None:
        if not self._gate.may_move(version, place):
            raise PermissionDenied(
                f"{self._caller.user_name} may not move versions of model '{version.model_name}' to {words_of(place)}"
            )

    def _live(self, model: RegisteredModel) -> list[tuple[ModelVersion, Place]]:
        """Every version that stands in Production or has an alias, with where."""
        found: list[tuple[ModelVersion, Place]] = [
            (version, _PRODUCTION) for version in self._version_rows.list_in_stage(model.id, Stage.PRODUCTION)
        ]
        for alias, number in model.aliases.items():
            place = place_of_alias(alias)
            if isinstance(place, AliasTarget):
                found.append((self._versions.get(model.name, number), place))
        return found

    def _candidates(self, version: ModelVersion, place: Place) -> Sequence[TransitionRequest | None]:
        """The open requests that a move could fulfil; None, for going without one, only where nobody asked: else who
        asked would approve it by moving it."""
        return self._open_requests(version, place) or [None]

    def _open_requests(self, version: ModelVersion, place: Place) -> list[TransitionRequest]:
        return open_ones(self._request_rows.list_at(version.id, place), self._clock.now())

    def _nothing_to_approve(self, version: ModelVersion, place: Place) -> NotFound | Conflict:
        what = f"request to move version {version.number} of model '{version.model_name}' to {words_of(place)}"
        former = self._request_rows.list_at(version.id, place)
        if not former:
            return NotFound(
                f"there is no open {what}; somebody asks for it with "
                f"`pierhead models request {version.model_name} {version.number} --to {place_text(place)}`"
            )
        last = former[-1]
        state = last.state(self._clock.now()).value.lower()
        how = "" if last.closing is None else f" by {last.closing.by} at {last.closing.at:%Y-%m-%d %H:%M:%S} UTC"
        return Conflict(f"there is no open {what} any more: the last one, by {last.creator}, was {state}{how}")

    def _supersede(self, requests: Sequence[TransitionRequest], why: str) -> None:
        closing = Closing(RequestState.SUPERSEDED, self._clock.now(), self._caller.user_name, why)
        self._request_rows.close([request.id for request in requests], closing)

    def _ready(self, name: str, number: int) -> ModelVersion:
        self._model_rows.find_locked(name)
        version = self._versions.get(name, number)
        # Asking for the digest is what refuses a version without files.
        _ = version.digest
        return version

    def _locked(self, name: str) -> RegisteredModel:
        self._model_rows.find_locked(name)
        return self._models.get(name)


def _leaves_production(version: ModelVersion, place: Place) -> bool:
    return isinstance(place, StageTarget) and version.stage is Stage.PRODUCTION and place != _PRODUCTION


def _place_of_name(name: str) -> tuple[str, str] | None:
    """Catalog and schema; None for a name that lies in none."""
    namespace = find_namespace(name)
    return None if namespace is None else (namespace.catalog, namespace.schema)
