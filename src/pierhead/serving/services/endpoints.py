"""What people do with endpoints: each change is one config, which the reconciler makes true."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from pierhead.kit.clock import Clock
from pierhead.kit.errors import AlreadyExists, Conflict, InvalidArgument, NotFound
from pierhead.kit.ids import new_id
from pierhead.serving.domain.capacity import Machine, room_problems
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.drafts import ConfigDraft, SettledConfig, settle
from pierhead.serving.domain.endpoints import (
    AiGateway,
    Endpoint,
    EndpointEvent,
    Tag,
)
from pierhead.serving.domain.ramps import Observer, Ramp
from pierhead.serving.domain.rate_limits import CallLimit, limit_problems
from pierhead.serving.domain.tags import UNIT_KEY, tag_problems, unit_of
from pierhead.serving.ports import ModelVersions
from pierhead.serving.services.configs import base_of, describe, first_config, next_config, settled_of
from pierhead.serving.services.ramps import Ramps, being_rolled_out
from pierhead.serving.store.endpoints import EndpointStore
from pierhead.serving.store.events import EventStore


class Endpoints:
    """Use cases on endpoints, inside one transaction."""

    def __init__(
        self, connection: Connection, clock: Clock, versions: ModelVersions, machine: Machine | None = None
    ) -> None:
        """`machine` is where workers run; without it nobody asks whether they fit."""
        self._machine = machine
        self._store = EndpointStore(connection)
        self._ramps = Ramps(connection, clock)
        self._events = EventStore(connection)
        self._clock = clock
        self._versions = versions

    def create(
        self,
        name: str,
        draft: ConfigDraft,
        *,
        creator: str,
        description: str | None = None,
        tags: Sequence[Tag] = (),
        ai_gateway: AiGateway | None = None,
    ) -> Endpoint:
        """Accept an endpoint; its first config is pending.

        Raises AlreadyExists; InvalidArgument with everything that is wrong; NotFound or InvalidState for a model
        version that cannot be served.
        """
        if self._store.find(name) is not None:
            raise AlreadyExists(f"endpoint {name!r} exists already; update its config, or delete it first")
        settled = settle(name, draft)
        _refuse_two_tables(name, settled.capture, ai_gateway)
        _refuse(name, [*tag_problems(tags), *limit_problems(ai_gateway.rate_limits if ai_gateway else ())])
        digests = self._digests(name, settled)
        now = self._clock.now()
        endpoint_id = new_id()
        config = first_config(endpoint_id, settled, digests, creator, now)
        endpoint = Endpoint(
            endpoint_id, name, creator, description, _replace_tags((), tags, ()), ai_gateway, now, now, None, config
        )
        try:
            self._store.add(endpoint)
        except IntegrityError:
            raise AlreadyExists(f"endpoint {name!r} exists already: somebody else was faster") from None
        self._tell(endpoint_id, "created", f"{creator} created the endpoint with {describe(config)}")
        return endpoint

    def get(self, name: str) -> Endpoint:
        """Raises NotFound."""
        return _existing(name, self._store.find(name))

    def get_locked(self, name: str) -> Endpoint:
        """As `get`; nobody else changes the endpoint until the transaction ends."""
        return _existing(name, self._store.find_locked(name))

    def get_by_id(self, endpoint_id: str) -> Endpoint:
        """Raises NotFound."""
        endpoint = self._store.find_by_id(endpoint_id)
        if endpoint is None:
            raise NotFound(f"no endpoint has the id {endpoint_id!r}; this call wants the id, not the name")
        return endpoint

    def list_all(self) -> list[Endpoint]:
        """Every endpoint, by name."""
        return self._store.list_all()

    def update_config(self, name: str, draft: ConfigDraft, *, creator: str) -> Endpoint:
        """Accept a new config; what the draft leaves out stays as it is.

        Raises NotFound; Conflict while another config is pending or rolled out; InvalidArgument with everything that
        is wrong; NotFound or InvalidState for a model version that cannot be served.
        """
        endpoint = self.get_locked(name)
        if endpoint.ramp is not None:
            raise Conflict(being_rolled_out(endpoint, endpoint.ramp))
        if endpoint.pending is not None:
            raise Conflict(
                f"endpoint {name!r} is currently being updated to config version {endpoint.pending.version}; "
                "wait until that update has completed or failed"
            )
        base = base_of(endpoint)
        settled = settle(name, draft, settled_of(base))
        _refuse_moved_table(name, base.capture, settled.capture)
        _refuse_two_tables(name, settled.capture, endpoint.ai_gateway)
        # Entities that nobody speaks of stay what they are, whatever became of their versions in the registry.
        kept = {entity.name: entity.digest for entity in base.entities}
        digests = kept if draft.entities is None else self._digests(name, settled)
        now = self._clock.now()
        config = next_config(endpoint, settled, digests, creator, now)
        try:
            self._store.add_config(config)
        except IntegrityError:
            raise Conflict(f"endpoint {name!r} is currently being updated by somebody else; read it again") from None
        self._store.touch(endpoint.id, now)
        self._tell(endpoint.id, "update accepted", f"{creator} asked for {describe(config)}")
        return self.get(name)

    def delete(self, name: str) -> Endpoint:
        """Forget the endpoint; its workers finish what they have. Gives what it was. Raises NotFound."""
        endpoint = self.get_locked(name)
        self._store.delete(endpoint.id)
        return endpoint

    def patch_tags(self, name: str, *, add: Sequence[Tag], delete: Sequence[str]) -> tuple[Tag, ...]:
        """The tags after taking `delete` away and setting `add`.

        Raises NotFound; InvalidArgument; Conflict for another unit key while somebody compares what units got.
        """
        endpoint = self.get_locked(name)
        _refuse(name, tag_problems(add))
        tags = _replace_tags(endpoint.tags, add, delete)
        if unit_of(tags) != unit_of(endpoint.tags) and (endpoint.ramp is not None or endpoint.observers):
            raise Conflict(
                f"endpoint {name!r} has a rollout or an A/B test, which deals out its requests by {UNIT_KEY}; "
                "change that tag when it has ended"
            )
        self._store.set_tags(endpoint.id, tags, self._clock.now())
        return tags

    def set_ai_gateway(self, name: str, ai_gateway: AiGateway) -> AiGateway:
        """Raises NotFound, or InvalidArgument if the table or a limit cannot be."""
        endpoint = self.get_locked(name)
        _refuse(name, limit_problems(ai_gateway.rate_limits))
        _refuse_two_tables(name, (endpoint.active or endpoint.newest).capture, ai_gateway)
        self._store.set_ai_gateway(endpoint.id, ai_gateway, self._clock.now())
        return ai_gateway

    def set_rate_limits(self, name: str, limits: Sequence[CallLimit]) -> tuple[CallLimit, ...]:
        """Change these of the AI gateway's settings alone. Raises NotFound, or InvalidArgument."""
        before = self.get_locked(name).ai_gateway or AiGateway()
        return self.set_ai_gateway(name, replace(before, rate_limits=tuple(limits))).rate_limits

    def start_ramp(self, name: str, ramp: Ramp) -> Endpoint:
        """Hold the pending config back, and let gateways send a part of the traffic to its candidate.

        Raises NotFound; Conflict if there is a ramp already or another config is pending; InvalidArgument if nothing is
        live or pending, the config has not exactly one candidate, or a number cannot be.
        """
        self._ramps.start(self.get_locked(name), ramp)
        return self.get(name)

    def set_ramp(self, name: str, ramp: Ramp) -> Endpoint:
        """Other numbers for the ramp of the same rollout.

        Raises NotFound; Conflict if that ramp is gone or finished, or would get another salt or config;
        InvalidArgument.
        """
        self._ramps.set(self.get_locked(name), ramp)
        return self.get(name)

    def finish_ramp(self, name: str, *, rollout_id: str | None = None) -> Endpoint:
        """Let the config become active as soon as it is complete; until then the ramp goes on as it is.

        Raises NotFound, or Conflict if there is no ramp, or none of this rollout.
        """
        self._ramps.finish(self.get_locked(name), rollout_id)
        return self.get(name)

    def give_up_ramp(self, name: str, reason: str, *, rollout_id: str | None = None) -> Endpoint:
        """Fail the config for this reason; the active config, which was there all the time, answers everybody.

        Raises as `finish_ramp`; also Conflict if the config is active already.
        """
        self._ramps.give_up(self.get_locked(name), reason, rollout_id)
        return self.get(name)

    def observe(self, endpoint_id: str, observer_id: str, rate: float = 1.0) -> None:
        """Have invocations recorded for a rollout or an A/B test: of those that are not the candidate's a share `rate`.

        Again with another rate changes it. Raises NotFound, InvalidArgument for a rate outside of 0-1, or Conflict if
        as many observe the endpoint as may.
        """
        self._ramps.observe(endpoint_id, Observer(observer_id, rate))

    def stop_observing(self, endpoint_id: str, observer_id: str) -> None:
        """Harmless if nobody does, or the endpoint is gone."""
        self._ramps.stop_observing(endpoint_id, observer_id)

    def list_events(self, name: str) -> list[EndpointEvent]:
        """What happened lately, oldest first. Raises NotFound."""
        return self._events.list_of(self.get(name).id)

    def _digests(self, endpoint_name: str, settled: SettledConfig) -> dict[str, str]:
        """The digest of each entity's version as it is now, by the entity's name.

        Raises InvalidArgument if the machine cannot hold the fewest workers that an entity must have.
        """
        named = {name: (spec.model_name, spec.model_version) for name, spec in settled.entities.items()}
        found = {version: self._versions.get(*version) for version in sorted(set(named.values()))}
        problems = [
            problem
            for name, spec in settled.entities.items()
            if self._machine is not None
            for problem in room_problems(name, spec, found[named[name]].files_bytes, self._machine)
        ]
        _refuse(endpoint_name, problems)
        return {name: found[version].digest for name, version in named.items()}

    def _tell(self, endpoint_id: str, kind: str, message: str) -> None:
        self._events.add(endpoint_id, EndpointEvent(self._clock.now(), kind, message))


def _existing(name: str, endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise NotFound(f"endpoint {name!r} does not exist; `w.serving_endpoints.list()` names those that do")
    return endpoint


def _replace_tags(tags: Sequence[Tag], add: Sequence[Tag], delete: Sequence[str]) -> tuple[Tag, ...]:
    by_key = {tag.key: tag for tag in tags if tag.key not in set(delete)}
    by_key.update({tag.key: tag for tag in add})
    return tuple(by_key.values())


def _refuse(name: str, problems: Sequence[str]) -> None:
    if problems:
        raise InvalidArgument(f"endpoint {name!r}: {'; '.join(problems)}")


def _refuse_two_tables(name: str, capture: CaptureConfig | None, ai_gateway: AiGateway | None) -> None:
    table = ai_gateway.inference_table if ai_gateway else None
    if table is None or not table.is_enabled:
        return
    problems = table.problems(name)
    if capture is not None and capture.is_enabled:
        problems.append("auto_capture_config and ai_gateway.inference_table_config are both enabled: choose one")
    _refuse(name, problems)


def _refuse_moved_table(name: str, before: CaptureConfig | None, after: CaptureConfig | None) -> None:
    """An inference table is one history: it cannot go on elsewhere while it is written."""
    if before is None or after is None or not (before.is_enabled and after.is_enabled):
        return
    if before.table(name) != after.table(name):
        raise InvalidArgument(
            f"endpoint {name!r} keeps its invocations in {before.table(name)}, which cannot change to "
            f"{after.table(name)} while it is enabled; disable auto_capture_config first"
        )
