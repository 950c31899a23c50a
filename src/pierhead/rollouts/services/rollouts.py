"""What people do with rollouts. Each call is one transaction of the API."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import Conflict, InvalidState, NotFound
from pierhead.kit.ids import new_id
from pierhead.rollouts.domain import states
from pierhead.rollouts.domain.rollouts import Candidate, Look, Rollout
from pierhead.rollouts.domain.spec_yaml import spec_yaml
from pierhead.rollouts.domain.specs import RolloutSpec
from pierhead.rollouts.domain.states import RolloutState, Status, traffic_of
from pierhead.rollouts.store.positions import PositionStore
from pierhead.rollouts.store.rollouts import LookStore, ReadingStore, RolloutStore
from pierhead.serving.domain.candidates import candidate_of
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import Endpoint, Route
from pierhead.serving.domain.ramps import Ramp
from pierhead.serving.domain.shares import in_percent
from pierhead.serving.services.endpoints import Endpoints

Admit = Callable[[Endpoint, Endpoint], None]
"""Judges a change of an endpoint, before and after, as for any other new config: raises what forbids it."""

BY_HAND = "person"
"""The rule of decisions that people take."""


class Rollouts:
    """Use cases on rollouts, inside one transaction."""

    def __init__(self, connection: Connection, clock: Clock, endpoints: Endpoints) -> None:
        self._connection = connection
        self._store = RolloutStore(connection)
        self._looks = LookStore(connection)
        self._endpoints = endpoints
        self._clock = clock

    def start(self, name: str, draft: ConfigDraft | None, spec: RolloutSpec, *, creator: str, admit: Admit) -> Rollout:
        """Give an endpoint a config, and judge its candidate step by step; without a draft, that of the pending one.

        Raises NotFound; Conflict while another rollout or update is under way; InvalidArgument unless the config has
        exactly one entity that is new; and what `admit` raises.
        """
        before = self._endpoints.get_locked(name)
        self._refuse_second(before)
        after = before
        if draft is not None:
            after = self._endpoints.update_config(name, draft, creator=creator)
            admit(before, after)
        return self.begin(after, spec, creator=creator)

    def begin(self, endpoint: Endpoint, spec: RolloutSpec, *, creator: str) -> Rollout:
        """A rollout to the endpoint's pending config. Raises Conflict or InvalidArgument as `start`."""
        entity = candidate_of(endpoint)
        self._refuse_second(endpoint)
        now = self._clock.now()
        rollout = Rollout(
            id=new_id(),
            endpoint_id=endpoint.id,
            endpoint_name=endpoint.name,
            config_version=endpoint.newest.version,
            candidate=Candidate(entity.name, entity.model_name, entity.model_version, entity.digest),
            champion=_champion(endpoint),
            spec=spec,
            spec_text=spec_yaml(spec),
            state=states.begin(now),
            revision=1,
            created_by=creator,
            created_at=now,
        )
        self._ramp_up(rollout)
        try:
            with self._connection.begin_nested():
                self._store.add(rollout)
        except IntegrityError:
            raise Conflict(f"somebody else started a rollout of endpoint {endpoint.name!r}; read it again") from None
        self._tell(rollout, "start", f"{creator} started it: {rollout.candidate} against {rollout.champion}", now)
        return rollout

    def get(self, reference: str) -> Rollout:
        """By its id, or the newest one of the endpoint of this name. Raises NotFound."""
        found = self._store.find(reference) or self._store.find_newest(reference)
        if found is None:
            raise NotFound(
                f"there is no rollout {reference!r}, nor one of an endpoint of that name; "
                "`pierhead rollouts list` shows all"
            )
        return found

    def list_newest(self, endpoint_name: str | None = None) -> list[Rollout]:
        """Newest first."""
        return self._store.list_newest(endpoint_name)

    def looks(self, rollout: Rollout, limit: int = 500) -> Sequence[Look]:
        """Its decisions, newest first."""
        return self._looks.list_newest(rollout.id, limit)

    def pause(self, reference: str, *, by: str, reason: str) -> Rollout:
        """Take no further step; traffic stays as it is. Raises NotFound or InvalidState."""
        return self._change(reference, "pause", by, reason, lambda s, now: states.pause(s, now, reason))

    def resume(self, reference: str, *, by: str, reason: str) -> Rollout:
        """Go on. Raises NotFound or InvalidState."""
        return self._change(reference, "resume", by, reason, states.resume)

    def promote(self, reference: str, *, by: str, reason: str) -> Rollout:
        """Give the candidate everything now, proof or not. Raises NotFound or InvalidState."""
        why = f"{by} promoted it by hand{_because(reason)}"
        return self._change(reference, "promote", by, reason, lambda s, now: states.promote(s, now, why))

    def abort(self, reference: str, *, by: str, reason: str) -> Rollout:
        """Take the candidate's traffic away for good. Raises NotFound or InvalidState."""
        why = f"{by} aborted it{_because(reason)}"
        return self._change(reference, "abort", by, reason, lambda s, now: states.abort(s, now, why))

    def retry(self, reference: str, *, by: str, reason: str, admit: Admit) -> Rollout:
        """Ask for the same config again, and begin anew with its first step.

        Raises NotFound; InvalidState if it is not over, was promoted, or the endpoint has got other configs since; what
        `admit` raises.
        """
        rollout = self.get(reference)
        now = self._clock.now()
        state = states.retry(rollout.state, now)
        before = self._endpoints.get_locked(rollout.endpoint_name)
        self._refuse_second(before)
        if before.id != rollout.endpoint_id or before.newest.version != rollout.config_version:
            raise InvalidState(
                f"endpoint {rollout.endpoint_name!r} has got another config since this rollout; start another rollout: "
                f"pierhead rollouts start {rollout.endpoint_name} --model {rollout.candidate.model_name} "
                f"--version {rollout.candidate.model_version}"
            )
        after = self._endpoints.update_config(before.name, _again(before), creator=by)
        admit(before, after)
        again = replace(rollout, config_version=after.newest.version, state=state, ready_at=None, ended_at=None)
        self._ramp_up(again)
        self._save(again)
        self._store.begin(again)
        ReadingStore(self._connection).forget(rollout.id)
        self._tell(again, "retry", f"{by} started it again{_because(reason)}", now)
        return again

    def _change(
        self,
        reference: str,
        action: str,
        by: str,
        reason: str,
        change: Callable[[RolloutState, datetime], RolloutState],
    ) -> Rollout:
        rollout = self.get(reference)
        if rollout.state.status.is_open:
            self._endpoints.get_locked(rollout.endpoint_name)
            rollout = self.get(rollout.id)
        now = self._clock.now()
        state = change(rollout.state, now)
        after = replace(rollout, state=state, ended_at=None if state.status.is_open else now)
        self._save(after)
        steer(self._endpoints, after)
        if not state.status.is_open:
            leave(self._connection, self._endpoints, after)
        self._tell(after, action, f"{by}: {action}{_because(reason)}", now)
        return after

    def _ramp_up(self, rollout: Rollout) -> None:
        self._endpoints.start_ramp(rollout.endpoint_name, _ramp(rollout))
        self._endpoints.observe(rollout.endpoint_id, rollout.observer_id)

    def _save(self, rollout: Rollout) -> None:
        if not self._store.put(rollout):
            raise Conflict(f"rollout {rollout.id} went on at the same moment; look at it, and try again")

    def _refuse_second(self, endpoint: Endpoint) -> None:
        under_way = self._store.find_under_way(endpoint.id)
        if under_way is not None:
            raise Conflict(
                f"a rollout of {under_way.candidate} to endpoint {endpoint.name!r} is under way; follow it with "
                f"`pierhead rollouts watch {endpoint.name}`, or end it with `pierhead rollouts abort {endpoint.name}`"
            )

    def _tell(self, rollout: Rollout, action: str, message: str, now: datetime) -> None:
        self._looks.add(rollout.id, Look(0, now, rollout.state.step, action, BY_HAND, message, ()))
        note(
            object=f"rollout {rollout.id}",
            endpoint=rollout.endpoint_name,
            candidate=str(rollout.candidate),
            decision=action,
            after=rollout.state.status.value,
            candidate_digest=rollout.candidate.digest,
        )


def steer(endpoints: Endpoints, rollout: Rollout) -> bool:
    """Give the candidate the traffic that the rollout's state says; whether that changed anything.

    Raises Conflict if the ramp is not this rollout's any more.
    """
    status, name = rollout.state.status, rollout.endpoint_name
    if status is Status.PROMOTED:
        endpoints.finish_ramp(name, rollout_id=rollout.id)
        return True
    if not status.is_open:
        endpoints.give_up_ramp(name, rollout.state.reason, rollout_id=rollout.id)
        return True
    ramp, traffic = endpoints.get(name).ramp, traffic_of(rollout.spec, rollout.state)
    if ramp is None or ramp.rollout_id != rollout.id:
        raise Conflict(f"endpoint {name!r} has no ramp of rollout {rollout.id}")
    if (ramp.points, ramp.shadow_rate) == (traffic.points, traffic.shadow_rate):
        return False
    endpoints.set_ramp(name, replace(ramp, points=traffic.points, shadow_rate=traffic.shadow_rate))
    return True


def leave(connection: Connection, endpoints: Endpoints, rollout: Rollout) -> None:
    """Stop watching the endpoint of a rollout that is over."""
    endpoints.stop_observing(rollout.endpoint_id, rollout.observer_id)
    PositionStore(connection).forget(rollout.observer_id)


def _ramp(rollout: Rollout) -> Ramp:
    traffic = traffic_of(rollout.spec, rollout.state)
    return Ramp(
        config_version=rollout.config_version,
        points=traffic.points,
        shadow_rate=traffic.shadow_rate,
        salt=new_id(),
        rollout_id=rollout.id,
    )


def _again(endpoint: Endpoint) -> ConfigDraft:
    config = endpoint.newest
    return ConfigDraft(
        tuple(replace(entity.spec, name=entity.name) for entity in config.entities),
        tuple(Route(route.entity_name, route.points) for route in config.routes),
        config.capture,
    )


def _champion(endpoint: Endpoint) -> str:
    config = endpoint.active
    assert config is not None, "there is a candidate, so something is live"
    return ", ".join(
        f"{entity.model_name} version {entity.model_version} ({in_percent(config.points(entity.name))})"
        for entity in config.entities
        if config.points(entity.name)
    )


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
