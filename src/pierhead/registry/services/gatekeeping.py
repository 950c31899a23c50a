"""Asking the gate: gathers all that it wants to know, within the transaction that will do what it allows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.identity.services.directory import Accounts
from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.authorize import Examination, authorize_leaving, authorize_request, examine_promotion
from pierhead.registry.domain.digests import content_digest
from pierhead.registry.domain.evidence_json import evidence_json
from pierhead.registry.domain.examination import Case
from pierhead.registry.domain.findings import unmet
from pierhead.registry.domain.gate import (
    Actor,
    AliasTarget,
    Closed,
    Counted,
    EndpointTarget,
    Evidence,
    Open,
    PromotionTarget,
    Requestable,
    Review,
    StageTarget,
    Subject,
    WasLive,
)
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.policies import PolicySet
from pierhead.registry.domain.refusals import refusal
from pierhead.registry.domain.requests import GivenApproval, TransitionRequest
from pierhead.registry.domain.sources import find_version_source
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.targets import Place
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.placements import PlacementStore
from pierhead.registry.store.versions import VersionStore


@dataclass(frozen=True, slots=True)
class GateSources:
    """Where the gate's knowledge comes from; the same for every call, filled by wiring.

    `authors` gives the persons behind a version's run. `refresh` is called with a model's name and a version's number
    before the transaction: it gathers what takes time.
    """

    clock: Clock
    policies: Callable[[Connection], PolicySet]
    evidence: Callable[[Connection, ModelVersion, PromotionTarget], Evidence]
    authors: Callable[[Connection, ModelVersion], frozenset[str]]
    refresh: Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Passage:
    """The gate opened, and on what: see `Open`. `reason` is that of a break-glass, which `review` belongs to.

    `evidence` tells besides who the version's `authors` were, and in `approved_by` whose approvals counted.
    """

    policy: str | None
    subject_digest: str
    content_digest: str
    passed: bool
    notes: tuple[str, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict)
    review: Review | None = None
    reason: str = ""

    def after(self, leaving: Open, reason: str) -> "Passage":
        """The passage of a version that had to leave somewhere for it, which may have taken breaking the glass."""
        if leaving.review is None:
            return self
        return replace(
            self, notes=(*leaving.notes, *self.notes), passed=False, review=self.review or leaving.review, reason=reason
        )

    @property
    def remarks(self) -> str:
        """What the gate remarked, for people."""
        said = (f"policy {self.policy}", *self.notes) if self.policy else self.notes
        return "; ".join(said)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a promotion by `person`, and the request that it says it of."""

    examination: Examination
    evidence: Evidence
    request: TransitionRequest | None
    person: str
    authors: frozenset[str]
    reason: str = ""

    def closed_by(self, closed: Closed) -> "Verdict":
        """The same verdict where something else stands in the way besides."""
        findings = tuple(unmet(each.code, each.message, is_check=each.is_check) for each in closed.conditions)
        examination = Examination(closed.policy, (*findings, *self.examination.findings), closed)
        return replace(self, examination=examination)

    @property
    def approvers(self) -> frozenset[str]:
        """The persons who let the version in; nobody did if the glass was broken."""
        counted = self.examination.approvers
        return counted if self.breaks_glass else counted | {self.person}

    @property
    def breaks_glass(self) -> bool:
        """Whether it opens only because somebody goes past the policy."""
        decision = self.examination.decision
        return isinstance(decision, Open) and decision.review is not None

    @property
    def passage(self) -> Passage:
        """Only of a decision that is Open."""
        decision = self.examination.decision
        assert isinstance(decision, Open)
        return Passage(
            policy=decision.policy,
            subject_digest=decision.subject_digest,
            content_digest=content_digest(self.evidence),
            # Where no policy spoke, nothing was looked at, and there is nothing to come back to.
            passed=decision.passed and decision.policy is not None,
            notes=decision.notes,
            evidence={
                **evidence_json(self.evidence),
                "authors": sorted(self.authors),
                "approved_by": sorted(self.approvers),
            },
            review=decision.review,
            reason=self.reason,
        )


class Gate:
    """The gate before one caller, within one transaction."""

    def __init__(self, connection: Connection, caller: Caller, sources: GateSources) -> None:
        self._connection = connection
        self._caller = caller
        self._sources = sources
        self._policies = sources.policies(connection)

    def is_gated(self, model_name: str, target: PromotionTarget) -> bool:
        """Whether a policy speaks of this."""
        return self.find_policy(model_name, target) is not None

    def find_policy(self, model_name: str, target: PromotionTarget) -> str | None:
        """The name of the policy that speaks of this."""
        policy = self._policies.find(model_name, target)
        return None if policy is None else policy.name

    def look(
        self,
        version: ModelVersion,
        target: PromotionTarget,
        candidates: Sequence[TransitionRequest | None],
        *,
        break_glass: str | None = None,
    ) -> Verdict:
        """What the gate says of bringing a version to `target`; nothing is refused or remembered yet.

        `candidates` are the open requests that this could fulfil, None for going without one; the first that opens the
        gate counts, else the first that an approval could be counted for, else the first. The glass is broken only if
        none opens.
        """
        evidence = self._sources.evidence(self._connection, version, target)
        authors = self._authors(version) if self.is_gated(version.model_name, target) else frozenset()
        verdicts = [self._judge(version, target, evidence, authors, request, None) for request in candidates]
        for kind in (Open, Counted):
            for verdict in verdicts:
                if isinstance(verdict.examination.decision, kind):
                    return verdict
        if break_glass is None:
            return verdicts[0]
        return self._judge(version, target, evidence, authors, candidates[0], break_glass)

    def require(
        self,
        version: ModelVersion,
        target: PromotionTarget,
        candidates: Sequence[TransitionRequest | None] = (None,),
        *,
        break_glass: str | None = None,
    ) -> Verdict:
        """As `look`. Raises GateClosed or ChecksFailed with everything that stands in the way."""
        verdict = self.look(version, target, candidates, break_glass=break_glass)
        decision = verdict.examination.decision
        _note(decision)
        if isinstance(decision, Closed):
            raise refusal(decision, version.model_name, version.number, target)
        return verdict

    def look_leaving(
        self, version: ModelVersion, target: PromotionTarget, *, break_glass: str | None = None
    ) -> Open | Closed:
        """What the gate says of taking a version away from where it is."""
        actor = replace(self._actor(version, target), break_glass=break_glass)
        # Who made the version does not matter, so that nobody has to be asked: what is wrong must be able to go.
        subject = self._subject(version, frozenset())
        return authorize_leaving(self._policies, subject, target, actor, self._sources.clock.now())

    def require_leaving(
        self, version: ModelVersion, target: PromotionTarget, *, break_glass: str | None = None
    ) -> Open:
        """As `look_leaving`. Raises GateClosed or ChecksFailed."""
        decision = self.look_leaving(version, target, break_glass=break_glass)
        _note(decision)
        if isinstance(decision, Closed):
            raise refusal(decision, version.model_name, version.number, target, is_leaving=True)
        return decision

    def require_leaving_of_gone(self, model_name: str, number: int, target: PromotionTarget) -> None:
        """As `require_leaving`, for a version that was deleted: there are no rights on it left, but approvers are."""
        actor = Actor(self._caller.user_name, self._caller.person, self._caller.groups, may_move=True)
        subject = Subject("", model_name, "", number, Stage.NONE, (), "", frozenset())
        decision = authorize_leaving(self._policies, subject, target, actor, self._sources.clock.now())
        _note(decision)
        if isinstance(decision, Closed):
            raise refusal(decision, model_name, number, target, is_leaving=True)

    def require_request(self, version: ModelVersion, target: Place) -> Requestable:
        """The gate's word on asking for a move. Raises GateClosed."""
        evidence = self._sources.evidence(self._connection, version, target)
        decision = authorize_request(
            self._policies,
            self._subject(version, frozenset()),
            target,
            self._actor(version, target),
            evidence,
            self._sources.clock.now(),
        )
        if isinstance(decision, Closed):
            _note(decision)
            raise refusal(decision, version.model_name, version.number, target, is_asking=True)
        return decision

    def may_move(self, version: ModelVersion, target: PromotionTarget) -> bool:
        """Whether rights alone would allow it."""
        return self._actor(version, target).may_move

    def _judge(
        self,
        version: ModelVersion,
        target: PromotionTarget,
        evidence: Evidence,
        authors: frozenset[str],
        request: TransitionRequest | None,
        break_glass: str | None,
    ) -> Verdict:
        case = Case(
            subject=self._subject(version, authors),
            target=target,
            actor=replace(self._actor(version, target), break_glass=break_glass),
            request=None if request is None else self._as_of_now(request).as_gate_sees_it(),
            evidence=evidence,
            history=self._history(version, target),
            now=self._sources.clock.now(),
        )
        examination = examine_promotion(self._policies, case)
        return Verdict(examination, evidence, request, self._caller.person, authors, break_glass or "")

    def _as_of_now(self, request: TransitionRequest) -> TransitionRequest:
        """The request with the approvals of those who are still here, in the groups that they are still in."""
        approvals = (self._find_approval_as_of_now(given) for given in request.approvals)
        return replace(request, approvals=tuple(given for given in approvals if given is not None))

    def _find_approval_as_of_now(self, given: GivenApproval) -> GivenApproval | None:
        accounts = Accounts(self._connection, self._sources.clock)
        account = accounts.find(given.approver)
        if account is None or not accounts.may_act(account):
            return None
        return replace(given, approval=replace(given.approval, groups=given.approval.groups & account.groups))

    def _actor(self, version: ModelVersion, target: PromotionTarget) -> Actor:
        action, permission = self._right_for(version, target)
        model = ModelStore(self._connection).find_by_id(version.model_id)
        may_move = model is not None and ModelRights(self._connection, self._caller).may(action, model)
        return Actor(self._caller.user_name, self._caller.person, self._caller.groups, may_move, permission)

    def _right_for(self, version: ModelVersion, target: PromotionTarget) -> tuple[Action, str]:
        match target:
            case EndpointTarget():
                return Action.READ, "CAN_READ"
            case StageTarget(Stage.PRODUCTION):
                is_live = True
            case StageTarget():
                is_live = version.stage is Stage.PRODUCTION
            case AliasTarget():
                is_live = self.is_gated(version.model_name, target)
        if is_live:
            return Action.MOVE_TO_PRODUCTION, "CAN_MANAGE_PRODUCTION_VERSIONS"
        return Action.MOVE_TO_STAGING, "CAN_MANAGE_STAGING_VERSIONS"

    def _subject(self, version: ModelVersion, authors: frozenset[str]) -> Subject:
        return Subject(
            model_id=version.model_id,
            model_name=version.model_name,
            version_id=version.id,
            number=version.number,
            stage=version.stage,
            aliases=version.aliases,
            created_by=version.user_name,
            authors=authors,
        )

    def _authors(self, version: ModelVersion) -> frozenset[str]:
        """The creator, the human behind it then and now, and who is behind the run; of a copy, those of what holds the
        same files since before, too."""
        accounts = Accounts(self._connection, self._sources.clock)
        made = [version]
        if find_version_source(version.source) is not None:
            made += VersionStore(self._connection).list_older_with_files(version)
        persons: set[str] = set()
        for each in made:
            creator = accounts.find_ever(each.user_name)
            persons |= {each.user_name, each.person or "", (creator.owner or "") if creator else "", *each.authors}
        return frozenset(persons - {""}) | self._sources.authors(self._connection, version)

    def _history(self, version: ModelVersion, target: PromotionTarget) -> list[WasLive]:
        """Former lives at the target under the name that the model has now: under another, other rules held."""
        if isinstance(target, EndpointTarget):
            return []
        lives = PlacementStore(self._connection).list_of_version(version.id, target)
        return [
            WasLive(life.version_id, life.content_digest, life.since, life.passed)
            for life in lives
            if life.model_name == version.model_name
        ]


def _note(decision: Open | Counted | Closed) -> None:
    word = type(decision).__name__.lower()
    if isinstance(decision, Closed):
        unmet = [f"{condition.code}: {condition.message}" for condition in decision.conditions]
        note(decision=word, policy=decision.policy, unmet=unmet)
        return
    note(decision=word, policy=decision.policy, subject_digest=decision.subject_digest, remarks=list(decision.notes))
