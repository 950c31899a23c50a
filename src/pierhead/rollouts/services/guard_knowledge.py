"""What the guard knows of an endpoint when it judges: what policies ask, what is live, what was proved, what was."""

from datetime import timedelta

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.rollouts.domain.guard import GuardFacts, RolloutPolicy, Share, Version
from pierhead.rollouts.domain.records import Departure
from pierhead.rollouts.domain.specs import CANARY_POINTS
from pierhead.rollouts.ports import Stages
from pierhead.rollouts.services.policies import GuardPolicies
from pierhead.rollouts.store.departures import DepartureStore
from pierhead.rollouts.store.guard import CanariedStore
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig, ServedEntity
from pierhead.serving.store.history import ConfigHistory

REMEMBERED = timedelta(days=1)
"""How long what held for a deleted endpoint holds for its name."""


class GuardKnowledge:
    """Reads within one transaction."""

    def __init__(self, connection: Connection, clock: Clock, stages: Stages) -> None:
        self._connection = connection
        self._clock = clock
        self._stages = stages
        self.policy: RolloutPolicy = GuardPolicies(connection, clock).active()

    def facts(self, endpoint: Endpoint, groups: frozenset[str], override: str | None = None) -> GuardFacts:
        """What the policies may ask of an endpoint and of who changes it."""
        return GuardFacts(
            endpoint=endpoint.name,
            tags={tag.key: tag.value or "" for tag in endpoint.tags},
            serves_production=self._serves_production(endpoint),
            groups=groups,
            override=override,
            is_live=endpoint.active is not None,
            former=tuple(_facts_of(each) for each in self._departures(endpoint.name)),
        )

    def live(self, endpoint: Endpoint) -> tuple[Share, ...]:
        """What answers, or did at endpoints of this name that were held and deleted lately, if nothing does."""
        if endpoint.active is not None:
            return shares_of(endpoint.active)
        return tuple(share for each in self._held(endpoint.name) for share in each.live)

    def proved(self, endpoint: Endpoint) -> set[Version]:
        """What a rollout found good, and what had more traffic than a canary before, here or under this name."""
        shares = [
            share for config in ConfigHistory(self._connection).list_live(endpoint.id) for share in shares_of(config)
        ]
        asked = {share.version for share in shares_of(endpoint.newest)}
        known = CanariedStore(self._connection).digests_of(endpoint.id, [version.digest for version in asked])
        former = {version for each in self._held(endpoint.name) for version in each.proved}
        return former | _well_tried(shares) | {version for version in asked if version.digest in known}

    def departure(self, endpoint: Endpoint) -> Departure | None:
        """What is to be remembered of an endpoint that is deleted now; None where nothing was held up."""
        facts = self.facts(endpoint, frozenset())
        if endpoint.active is None or not self.policy.rule_of(facts).mode.holds:
            return None
        live = shares_of(endpoint.active)
        proved = self.proved(endpoint) | _well_tried(live)
        return Departure(
            endpoint_id=endpoint.id,
            endpoint_name=endpoint.name,
            at=self._clock.now(),
            tags=facts.tags,
            serves_production=facts.serves_production,
            live=live,
            proved=tuple(sorted(proved, key=str)),
        )

    def _serves_production(self, endpoint: Endpoint) -> bool:
        configs = [endpoint.newest] if endpoint.active is None else [endpoint.active, endpoint.newest]
        versions = {(share.version.model, share.version.version) for config in configs for share in shares_of(config)}
        return any(self._stages.is_in_production(self._connection, *version) for version in sorted(versions))

    def _departures(self, endpoint_name: str) -> list[Departure]:
        return DepartureStore(self._connection).list_since(endpoint_name, self._clock.now() - REMEMBERED)

    def _held(self, endpoint_name: str) -> list[Departure]:
        """Those that the policies in force would hold."""
        found = self._departures(endpoint_name)
        return [each for each in found if self.policy.rule_of(_facts_of(each)).mode.holds]


def shares_of(config: EndpointConfig) -> tuple[Share, ...]:
    """Only entities that get traffic."""
    return tuple(
        Share(version_of(entity), config.points(entity.name))
        for entity in config.entities
        if config.points(entity.name)
    )


def version_of(entity: ServedEntity) -> Version:
    return Version(entity.model_name, entity.model_version, entity.digest)


def _well_tried(shares: list[Share] | tuple[Share, ...]) -> set[Version]:
    return {share.version for share in shares if share.points > CANARY_POINTS}


def _facts_of(departure: Departure) -> GuardFacts:
    return GuardFacts(departure.endpoint_name, departure.tags, departure.serves_production)
