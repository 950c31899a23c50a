"""Serving's `RolloutGuard`, and that of rollouts: no version gets most of the traffic that never stood a canary."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.rollouts.domain.guard import (
    GuardFacts,
    RolloutPolicy,
    Rule,
    Ruling,
    RulingKind,
    Share,
    Version,
    is_laxer,
    judge,
)
from pierhead.rollouts.domain.proofs import Worth, canary_lacks, shadow_lacks
from pierhead.rollouts.domain.records import Override
from pierhead.rollouts.domain.rollouts import Rollout
from pierhead.rollouts.domain.specs import CANARY_POINTS, RolloutSpec, usual_spec
from pierhead.rollouts.ports import Stages
from pierhead.rollouts.services.guard_knowledge import REMEMBERED, GuardKnowledge, shares_of, version_of
from pierhead.rollouts.services.rollouts import Rollouts
from pierhead.rollouts.store.departures import DepartureStore
from pierhead.rollouts.store.guard import OverrideStore
from pierhead.serving.domain.candidates import candidate_of
from pierhead.serving.domain.endpoints import Endpoint, EndpointEvent
from pierhead.serving.domain.tags import UNIT_KEY, unit_of
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.store.events import EventStore

_HELD = (RulingKind.REFUSED, RulingKind.ROLLOUT)


@dataclass(frozen=True, slots=True)
class _Case:
    """An endpoint with all that a judgement needs; `override` is the leave to go past it, if there is one."""

    endpoint: Endpoint
    policy: RolloutPolicy
    facts: GuardFacts
    live: tuple[Share, ...]
    proved: set[Version]
    override: Override | None

    @property
    def rule(self) -> Rule:
        return self.policy.rule_of(self.facts)

    @property
    def has_unproved(self) -> bool:
        """Whether something answers that never stood a canary."""
        return any(share.version not in self.proved and share.points <= CANARY_POINTS for share in self.live)

    def ruling(self, asked: Sequence[Share]) -> Ruling:
        return judge(self.policy, self.live, asked, self.proved, self.facts)


class Guard:
    """Judges changes of endpoints by the policies in force, each in the transaction of the change."""

    def __init__(self, clock: Clock, endpoints: Callable[[Connection], Endpoints], stages: Stages) -> None:
        self._clock = clock
        self._endpoints = endpoints
        self._stages = stages

    def judge(self, connection: Connection, caller: Caller, before: Endpoint | None, after: Endpoint) -> None:  # noqa: ARG002
        """A new config. Raises PermissionDenied, or begins a rollout to the config that `after` has pending."""
        case = self._case(connection, caller, after)
        ruling = case.ruling(shares_of(after.newest))
        note(rollout_mode=ruling.mode.value)
        if ruling.is_overridden:
            self._spend(connection, caller, case, f"with config version {after.newest.version}")
        match ruling.kind:
            case RulingKind.REFUSED:
                raise PermissionDenied(ruling.message)
            case RulingKind.WARNED:
                self._warn(connection, after, ruling.message)
            case RulingKind.ROLLOUT:
                spec = ruling.spec or usual_spec()
                worth = self._worth(connection, caller, case, version_of(candidate_of(after)), spec)
                rollouts = Rollouts(connection, self._clock, self._endpoints(connection))
                rollouts.begin(after, spec, creator=caller.user_name, worth=worth)

    def vet(
        self, connection: Connection, caller: Caller, before: Endpoint, after: Endpoint, spec: RolloutSpec
    ) -> Worth:
        """A rollout to the config that `after` has pending, and what it would prove.

        Where the policies hold a version up its rollout must be as strict as they say, and nothing else may come along;
        what comes along in a config that was there before was let pass when it was asked for. Raises PermissionDenied,
        or InvalidArgument without exactly one candidate.
        """
        case, candidate = self._case(connection, caller, after), version_of(candidate_of(after))
        worth = self._worth(connection, caller, case, candidate, spec)
        asked = shares_of(after.newest)
        others = [share for share in asked if share.version != candidate]
        rest = case.ruling(others)
        if before.newest.version != after.newest.version and rest.kind in _HELD:
            raise PermissionDenied(rest.message)
        # Whatever the config says, the candidate gets what the steps say.
        most = max([step.points for step in spec.steps] + [share.points for share in asked if share not in others])
        ruling = case.ruling([*others, Share(candidate, most)]) if worth.canary else rest
        if ruling.kind in _HELD:
            raise PermissionDenied(
                f"the rollout policy holds {candidate} up at endpoint {after.name!r}, and these steps prove less "
                f"than it asks for: {worth.canary}. Leave out the spec, or make it as strict; see "
                "`pierhead rollouts policy show`"
            )
        if rest.is_overridden or ruling.is_overridden:
            self._spend(connection, caller, case, f"with a rollout to config version {after.newest.version}")
        return worth

    def judge_promotion(self, connection: Connection, caller: Caller, endpoint: Endpoint) -> None:
        """That somebody gives a candidate everything before its gates did. Raises PermissionDenied."""
        case = self._case(connection, caller, endpoint)
        ruling = case.ruling(shares_of(endpoint.newest))
        if ruling.kind in _HELD:
            names = ", ".join(map(str, ruling.versions))
            raise PermissionDenied(
                f"{names} has not stood its canary at endpoint {endpoint.name!r} yet, and the rollout policy lets "
                f"nothing else pass: let the rollout go on, or have {_names(case.rule)} give leave: pierhead rollouts "
                f"override {endpoint.name} --reason WHY"
            )
        if ruling.is_overridden:
            self._spend(
                connection, caller, case, f"with a promotion of config version {endpoint.newest.version} by hand"
            )
        if ruling.kind is RulingKind.WARNED:
            self._warn(connection, endpoint, ruling.message)

    def judge_tags(self, connection: Connection, caller: Caller, before: Endpoint, after: Endpoint) -> None:
        """That an endpoint gets other tags, by which another rule may speak of it. Raises PermissionDenied."""
        case = self._case(connection, caller, before)
        knowledge = self._knowledge(connection)
        rule, former = knowledge.policy.rule_of(knowledge.facts(after, caller.groups)), case.rule
        is_dealt_anew = unit_of(before.tags) != unit_of(after.tags) and case.has_unproved
        if not case.live or not (is_laxer(rule, former) or (former.mode.holds and is_dealt_anew)):
            return
        if case.override is None and is_dealt_anew:
            raise PermissionDenied(
                f"endpoint {before.name!r} serves a version that never stood a canary, and another {UNIT_KEY} may send "
                f"it more than its share; take the version out first, or have {_names(former)} give leave: pierhead "
                f"rollouts override {before.name} --reason WHY"
            )
        if case.override is None:
            raise PermissionDenied(
                f"by these tags the rollout policy would be laxer at endpoint {before.name!r}: {rule.mode.value} "
                f"instead of {former.mode.value}, or with less to prove; {_names(former)} can give leave: pierhead "
                f"rollouts override {before.name} --reason WHY"
            )
        self._spend(connection, caller, case, "with other tags")

    def why_not_promote(self, connection: Connection, endpoint: Endpoint, rollout: Rollout) -> str:
        """Why a rollout proves too little for the policies as they are now; "" if it may go on. They may have become
        stricter since it began. Leave that was given for its config counts on."""
        if not rollout.state.worth.canary:
            return ""
        knowledge = self._knowledge(connection)
        rule = knowledge.policy.rule_of(knowledge.facts(endpoint, frozenset()))
        lacks = canary_lacks(rollout.spec, rule.spec) if rule.mode.holds else ()
        if not lacks or any(
            each.config_version == rollout.config_version for each in OverrideStore(connection).list_of(endpoint.id)
        ):
            return ""
        return f"the rollout policy holds the version up by now, and this plan proves too little: {'; '.join(lacks)}"

    def remember(self, connection: Connection, endpoint: Endpoint) -> None:
        """Keep for a while what held for an endpoint that is deleted now: its name may come again."""
        departure = self._knowledge(connection).departure(endpoint)
        store = DepartureStore(connection)
        store.forget_before(self._clock.now() - REMEMBERED)
        if departure is not None:
            store.add(departure)

    def facts(self, connection: Connection, endpoint: Endpoint, groups: frozenset[str]) -> GuardFacts:
        """What the policies may ask of an endpoint and of who changes it."""
        return self._knowledge(connection).facts(endpoint, groups)

    def _case(self, connection: Connection, caller: Caller, endpoint: Endpoint) -> _Case:
        knowledge = self._knowledge(connection)
        facts = knowledge.facts(endpoint, caller.groups)
        override = OverrideStore(connection).find_open(endpoint.id, self._clock.now())
        if override is not None:
            # Whoever gave leave had the right to; whoever uses it needs the right to manage the endpoint alone.
            groups = caller.groups | knowledge.policy.rule_of(facts).override_groups
            facts = knowledge.facts(endpoint, groups, override.reason)
        return _Case(endpoint, knowledge.policy, facts, knowledge.live(endpoint), knowledge.proved(endpoint), override)

    def _knowledge(self, connection: Connection) -> GuardKnowledge:
        return GuardKnowledge(connection, self._clock, self._stages)

    def _worth(
        self, connection: Connection, caller: Caller, case: _Case, candidate: Version, spec: RolloutSpec
    ) -> Worth:
        may_vouch = self._stages.may_vouch(connection, caller, candidate.model)
        return Worth(
            canary="; ".join(canary_lacks(spec, case.rule.spec)),
            shadow="; ".join(shadow_lacks(spec, case.rule.spec)),
            report=""
            if may_vouch
            else f"{caller.user_name} may not move versions of {candidate.model} into Production",
        )

    def _spend(self, connection: Connection, caller: Caller, case: _Case, how: str) -> None:
        override, endpoint = case.override, case.endpoint
        assert override is not None, "nobody goes past the guard without leave"
        now, version = self._clock.now(), endpoint.newest.version
        if not OverrideStore(connection).use(override.id, by=caller.user_name, config_version=version, now=now):
            raise PermissionDenied(f"the override of endpoint {endpoint.name!r} was used by somebody else just now")
        leave = f"{override.granted_by} gave leave: {override.reason}"
        message = f"{caller.user_name} went past the rollout policy {how}; {leave}"
        note(rollout_override=override.id, rollout_override_reason=override.reason, granted_by=override.granted_by)
        self._tell(connection, endpoint, "guard overridden", message)

    def _warn(self, connection: Connection, endpoint: Endpoint, message: str) -> None:
        note(rollout_warning=message)
        self._tell(connection, endpoint, "not canaried", message)

    def _tell(self, connection: Connection, endpoint: Endpoint, kind: str, message: str) -> None:
        EventStore(connection).add(endpoint.id, EndpointEvent(self._clock.now(), kind, message))


def _names(rule: Rule) -> str:
    return ", ".join(sorted(rule.override_groups)) or "nobody"
