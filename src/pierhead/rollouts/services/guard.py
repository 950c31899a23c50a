"""Serving's `RolloutGuard`: no version gets most of the traffic that was never in a canary."""

from collections.abc import Callable

from sqlalchemy import Connection

from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.rollouts.domain.guard import GuardFacts, RolloutPolicy, Ruling, RulingKind, Share, Version, judge
from pierhead.rollouts.domain.records import Override
from pierhead.rollouts.domain.specs import CANARY_POINTS, usual_spec
from pierhead.rollouts.ports import Stages
from pierhead.rollouts.services.policies import GuardPolicies
from pierhead.rollouts.services.rollouts import Rollouts
from pierhead.rollouts.store.guard import CanariedStore, OverrideStore
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig, EndpointEvent
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.store.events import EventStore
from pierhead.serving.store.history import ConfigHistory


class Guard:
    """Judges new configs by the policies in force."""

    def __init__(self, clock: Clock, endpoints: Callable[[Connection], Endpoints], stages: Stages) -> None:
        self._clock = clock
        self._endpoints = endpoints
        self._stages = stages

    def judge(self, connection: Connection, caller: Caller, before: Endpoint | None, after: Endpoint) -> None:
        """Raises PermissionDenied, or begins a rollout to the config that `after` has pending."""
        policy = GuardPolicies(connection, self._clock).active()
        override = OverrideStore(connection).find_open(after.id, self._clock.now())
        ruling = self._rule(connection, policy, caller, before, after, override)
        note(rollout_mode=ruling.mode.value)
        if ruling.is_overridden and override is not None:
            self._spend(connection, caller, after, override)
        match ruling.kind:
            case RulingKind.REFUSED:
                raise PermissionDenied(ruling.message)
            case RulingKind.WARNED:
                note(rollout_warning=ruling.message)
                self._tell(connection, after, "not canaried", ruling.message)
            case RulingKind.ROLLOUT:
                endpoints = self._endpoints(connection)
                Rollouts(connection, self._clock, endpoints).begin(
                    after, ruling.spec or usual_spec(), creator=caller.user_name
                )

    def _rule(
        self,
        connection: Connection,
        policy: RolloutPolicy,
        caller: Caller,
        before: Endpoint | None,
        after: Endpoint,
        override: Override | None,
    ) -> Ruling:
        live = before.active if before is not None else None
        facts = self.facts(connection, after, caller.groups)
        if override is not None:
            # Whoever gave leave had the right to; whoever uses it needs the right to manage the endpoint alone.
            groups = caller.groups | policy.rule_of(facts).override_groups
            facts = self.facts(connection, after, groups, override.reason)
        proved = self._proved(connection, after)
        return judge(policy, () if live is None else _shares(live), _shares(after.newest), proved, facts)

    def facts(
        self, connection: Connection, endpoint: Endpoint, groups: frozenset[str], override: str | None = None
    ) -> GuardFacts:
        """What the policies may ask of an endpoint and of who changes it."""
        configs = [endpoint.newest] if endpoint.active is None else [endpoint.active, endpoint.newest]
        versions = {(share.version.model, share.version.version) for config in configs for share in _shares(config)}
        return GuardFacts(
            endpoint=endpoint.name,
            tags={tag.key: tag.value or "" for tag in endpoint.tags},
            serves_production=any(self._stages.is_in_production(connection, *version) for version in sorted(versions)),
            groups=groups,
            override=override,
        )

    def _proved(self, connection: Connection, endpoint: Endpoint) -> set[Version]:
        """What a rollout found good, and what had more traffic than a canary before."""
        shares = [share for config in ConfigHistory(connection).list_live(endpoint.id) for share in _shares(config)]
        had_traffic = {share.version for share in shares if share.points > CANARY_POINTS}
        asked = {share.version for share in _shares(endpoint.newest)}
        known = CanariedStore(connection).digests_of(endpoint.id, [version.digest for version in asked])
        return had_traffic | {version for version in asked if version.digest in known}

    def _spend(self, connection: Connection, caller: Caller, endpoint: Endpoint, override: Override) -> None:
        now = self._clock.now()
        used = OverrideStore(connection).use(
            override.id, by=caller.user_name, config_version=endpoint.newest.version, now=now
        )
        if not used:
            raise PermissionDenied(f"the override of endpoint {endpoint.name!r} was used by somebody else just now")
        message = (
            f"{caller.user_name} went past the rollout policy with config version {endpoint.newest.version}; "
            f"{override.granted_by} gave leave: {override.reason}"
        )
        note(rollout_override=override.id, rollout_override_reason=override.reason, granted_by=override.granted_by)
        self._tell(connection, endpoint, "guard overridden", message)

    def _tell(self, connection: Connection, endpoint: Endpoint, kind: str, message: str) -> None:
        EventStore(connection).add(endpoint.id, EndpointEvent(self._clock.now(), kind, message))


def _shares(config: EndpointConfig) -> tuple[Share, ...]:
    return tuple(
        Share(Version(entity.model_name, entity.model_version, entity.digest), config.points(entity.name))
        for entity in config.entities
        if config.points(entity.name)
    )
