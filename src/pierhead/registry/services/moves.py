"""What a move does, once the gate has opened: stages and aliases, and the memory of it. Only `Promotions` moves."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.kit.ids import new_id
from pierhead.registry.domain.activities import Activity, ActivityKind
from pierhead.registry.domain.events import EventKind, RegistryEvent
from pierhead.registry.domain.gate import AliasTarget, StageTarget
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.placements import Emergency, Placement
from pierhead.registry.domain.policies import PRODUCTION_ALIAS
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.targets import Place, place_text
from pierhead.registry.services.activities import Activities
from pierhead.registry.services.events import Events
from pierhead.registry.services.gatekeeping import Passage
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.placements import PlacementStore
from pierhead.registry.store.versions import VersionStore

_PRODUCTION = StageTarget(Stage.PRODUCTION)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a version moves: who does it (and the human behind), what they say, and the request that it fulfils."""

    by: str
    person: str
    comment: str | None
    request_id: str | None = None


class Moves:
    """Effects, within the caller's transaction, on a model whose row is locked."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._clock = clock
        self._models = ModelStore(connection)
        self._versions = VersionStore(connection)
        self._placements = PlacementStore(connection)
        self._activities = Activities(connection, clock)
        self._events = Events(connection, clock)

    def to_stage(
        self, version: ModelVersion, stage: Stage, passage: Passage, cause: Cause, *, archive_existing: bool
    ) -> Activity:
        """Move one version; with `archive_existing` the others that were there become Archived."""
        now = self._clock.now()
        if archive_existing:
            for other in self.others_in(version, stage):
                self._archive(other, f"version {version.number} took its place in {stage.value}", cause, now)
        self._versions.set_stage(version.id, stage, now)
        self._placements.end(version.id, StageTarget(version.stage), now, cause.by)
        if stage.is_active:
            self._placements.begin(self._placement(version, StageTarget(stage), passage, cause, now))
        self._point_production_alias(version.model_id)
        self._models.touch(version.model_id, now)
        self._tell(version, stage, cause)
        return self._activities.add(
            ActivityKind.APPLIED,
            version,
            by=cause.by,
            from_place=version.stage.value,
            to_place=stage.value,
            comment=cause.comment,
            system_comment=passage.remarks or None,
        )

    def others_in(self, version: ModelVersion, stage: Stage) -> list[ModelVersion]:
        """The other versions of the same model in this stage."""
        return [other for other in self._versions.list_in_stage(version.model_id, stage) if other.id != version.id]

    def archive(self, version: ModelVersion, why: str, cause: Cause) -> None:
        """Move a version to Archived as a side effect of something else."""
        self._archive(version, why, cause, self._clock.now())
        self._point_production_alias(version.model_id)

    def _archive(self, version: ModelVersion, why: str, cause: Cause, now: datetime) -> None:
        self._versions.set_stage(version.id, Stage.ARCHIVED, now)
        self._placements.end(version.id, StageTarget(version.stage), now, cause.by)
        self._tell(version, Stage.ARCHIVED, cause)
        self._activities.add(
            ActivityKind.SYSTEM,
            version,
            by=cause.by,
            from_place=version.stage.value,
            to_place=Stage.ARCHIVED.value,
            system_comment=why,
        )

    def to_alias(self, version: ModelVersion, alias: str, passage: Passage, cause: Cause) -> Activity:
        """Point an alias, which is not a stage's, to a version."""
        former = self._versions.find_by_alias(version.model_id, alias)
        if former is not None and former.id != version.id:
            self.off_alias(former, alias, f"the alias went to version {version.number}", cause)
        now = self._clock.now()
        self._models.set_alias(version.model_id, alias, version.id)
        target = AliasTarget(alias)
        self._placements.end(version.id, target, now, cause.by)
        self._placements.begin(self._placement(version, target, passage, cause, now))
        return self._activities.add(
            ActivityKind.APPLIED,
            version,
            by=cause.by,
            to_place=place_text(target),
            comment=cause.comment,
            system_comment=passage.remarks or None,
        )

    def off_alias(self, version: ModelVersion, alias: str, why: str, cause: Cause) -> None:
        """Take an alias, which is not a stage's, away from a version."""
        target = AliasTarget(alias)
        self._models.delete_alias(version.model_id, alias)
        self._placements.end(version.id, target, self._clock.now(), cause.by)
        self._activities.add(
            ActivityKind.SYSTEM, version, by=cause.by, from_place=place_text(target), system_comment=why
        )

    def forget_version(self, version: ModelVersion, by: str) -> None:
        """The version stands nowhere any more; it was deleted."""
        self._placements.end_all_of_version(version.id, self._clock.now(), by)
        self._point_production_alias(version.model_id)

    def forget_model(self, model_id: str, by: str) -> None:
        """None of the model's versions stands anywhere any more."""
        self._placements.end_all_of_model(model_id, self._clock.now(), by)

    def rename(self, model_id: str, new_name: str, passages: dict[tuple[str, str], Passage], cause: Cause) -> None:
        """What stood under the old name stands under the new one from now on.

        `passages` has the gate's word on the new name, by version id and place, where the gate was asked. Where it was
        not, requests and approvals are those of the old name.
        """
        now = self._clock.now()
        standing = self._placements.list_standing(model_id)
        self._placements.end_all_of_model(model_id, now, cause.by)
        for placement in standing:
            passage = passages.get((placement.version_id, place_text(placement.place)))
            again = replace(
                placement,
                id=new_id(),
                model_name=new_name,
                since=now,
                by=cause.by,
                person=cause.person,
                comment=None,
                emergency=None,
                passed=False,
            )
            if passage is not None:
                again = replace(
                    again,
                    request_id=None,
                    policy=passage.policy,
                    subject_digest=passage.subject_digest,
                    content_digest=passage.content_digest,
                    passed=passage.passed,
                    evidence=passage.evidence,
                    notes=passage.notes,
                )
            self._placements.begin(again)

    def _point_production_alias(self, model_id: str) -> None:
        """The alias goes to the version that went to Production last, or goes away with the last of them."""
        live = self._versions.list_in_stage(model_id, Stage.PRODUCTION)
        if not live:
            self._models.delete_alias(model_id, PRODUCTION_ALIAS)
            return
        order = [placement.version_id for placement in self._placements.list_standing(model_id, _PRODUCTION)]
        newest = max(live, key=lambda version: (_last_index(order, version.id), version.number))
        self._models.set_alias(model_id, PRODUCTION_ALIAS, newest.id)

    def _placement(
        self, version: ModelVersion, place: Place, passage: Passage, cause: Cause, now: datetime
    ) -> Placement:
        review = passage.review
        return Placement(
            id=new_id(),
            model_id=version.model_id,
            model_name=version.model_name,
            version_id=version.id,
            number=version.number,
            place=place,
            since=now,
            until=None,
            by=cause.by,
            person=cause.person,
            ended_by=None,
            comment=cause.comment,
            request_id=cause.request_id,
            policy=passage.policy,
            subject_digest=passage.subject_digest,
            content_digest=passage.content_digest,
            passed=passage.passed,
            evidence=passage.evidence,
            notes=passage.notes,
            emergency=None if review is None else Emergency(passage.reason, review.groups, review.due),
        )

    def _tell(self, version: ModelVersion, stage: Stage, cause: Cause) -> None:
        self._events.emit(
            RegistryEvent(
                EventKind.STAGE_CHANGED,
                version.model_id,
                version.model_name,
                cause.by,
                version.number,
                from_stage=version.stage,
                to_stage=stage,
                comment=cause.comment or "",
            )
        )


def _last_index(ids: list[str], wanted: str) -> int:
    """Where an id stands last; -1 for one that is not there, as after an upgrade."""
    return max((index for index, each in enumerate(ids) if each == wanted), default=-1)
