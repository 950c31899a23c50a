"""What people do with rollouts. Each call is one transaction of the API."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import Conflict, InvalidState, NotFound
from pierhead.kit.ids import new_id
from pierhead.rollouts.domain import states
from pierhead.rollouts.domain.proofs import FULL_WORTH, Worth
from pierhead.rollouts.domain.rollouts import Candidate, Look, Rollout
from pierhead.rollouts.domain.spec_yaml import spec_yaml
from pierhead.rollouts.domain.specs import LONGEST_SHADOW_TIMEOUT, RolloutSpec
from pierhead.rollouts.domain.states import RolloutState, Status, traffic_of
from pierhead.rollouts.store.positions import PositionStore
from pierhead.rollouts.store.rollouts import LookStore, ReadingStore, RolloutStore
from pierhead.serving.domain.candidates import candidate_of
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import Endpoint, Route, ServedEntity
from pierhead.serving.domain.ramps import Ramp
from pierhead.serving.domain.shares import in_percent
from pierhead.serving.domain.tags import timeout_of
from pierhead.serving.services.endpoints import Endpoints

Admit = Callable[[Endpoint, Endpoint, RolloutSpec], Worth]
"""Judges a rollout of an endpoint, before and after: raises what forbids it, says what it would prove."""

Permit = Callable[[Endpoint], None]
"""Judges that the candidate of an endpoint gets everything now: raises what forbids it."""

_USUAL_TIMEOUT_S = 10.0
"""Of copies, where neither step nor endpoint says more: few of them are under way at a time, and a candidate that hangs
must not hold up the others."""

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
        after = before if draft is None else self._endpoints.update_config(name, draft, creator=creator)
        return self.begin(after, spec, creator=creator, worth=admit(before, after, spec))

    def begin(self, endpoint: Endpoint, spec: RolloutSpec, *, creator: str, worth: Worth = FULL_WORTH) -> Rollout:
        """A rollout to the endpoint's pending config. Raises Conflict or InvalidArgument as `start`."""
        entity = candidate_of(endpoint)
        self._refuse_second(endpoint)
        now = self._clock.now()
        rollout = Rollout(
            id=new_id(),
            endpoint_id=endpoint.id,
            endpoint_name=endpoint.name,
            config_version=endpoint.newest.version,
            candidate=_candidate(entity),
            champion=_champion(endpoint),
            spec=spec,
            spec_text=spec_yaml(spec),
            state=states.begin(now, worth=worth),
            revision=1,
            created_by=creator,
            created_at=now,
        )
        self._ramp_up(rollout, endpoint)
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

    def promote(self, reference: str, *, by: str, reason: str, permit: Permit) -> Rollout:
        """Give the candidate everything as soon as its config can be active, proof or not.

        Raises NotFound, InvalidState, and what `permit` raises.
        """
        why = f"{by} promoted it by hand{_because(reason)}"
        rollout = self.get(reference)
        if rollout.state.status.is_open:
            permit(self._endpoints.get_locked(rollout.endpoint_name))
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
        states.retry(rollout.state, now)
        before = self._endpoints.get_locked(rollout.endpoint_name)
        self._refuse_second(before)
        if before.id != rollout.endpoint_id or before.newest.version != rollout.config_version:
            raise InvalidState(
                f"endpoint {rollout.endpoint_name!r} has got another config since this rollout; start another rollout: "
                f"pierhead rollouts start {rollout.endpoint_name} --model {rollout.candidate.model_name} "
                f"--version {rollout.candidate.model_version}"
            )
        after = self._endpoints.update_config(before.name, _again(before), creator=by)
        again = replace(
            rollout,
            config_version=after.newest.version,
            # Its files, too, are those that the version has now.
            candidate=_candidate(candidate_of(after)),
            champion=_champion(after),
            state=states.retry(rollout.state, now, admit(before, after, rollout.spec)),
            ready_at=None,
            ended_at=None,
        )
        self._ramp_up(again, after)
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
        if not state.status.is_judged:
            leave(self._connection, self._endpoints, after)
        self._tell(after, action, f"{by}: {action}{_because(reason)}", now)
        return after

    def _ramp_up(self, rollout: Rollout, endpoint: Endpoint) -> None:
        ramp = Ramp(rollout.config_version, 0, 0.0, salt=new_id(), rollout_id=rollout.id)
        self._endpoints.start_ramp(rollout.endpoint_name, _steered(ramp, rollout, endpoint))
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
    if not status.is_open:
        endpoints.give_up_ramp(name, rollout.state.reason, rollout_id=rollout.id)
        return True
    endpoint = endpoints.get(name)
    ramp = endpoint.ramp
    if ramp is None or ramp.rollout_id != rollout.id:
        raise Conflict(f"endpoint {name!r} has no ramp of rollout {rollout.id}")
    if status is Status.PROMOTING:
        endpoints.finish_ramp(name, rollout_id=rollout.id)
        return not ramp.is_finished
    wanted = _steered(ramp, rollout, endpoint)
    if wanted == ramp:
        return False
    endpoints.set_ramp(name, wanted)
    return True


def leave(connection: Connection, endpoints: Endpoints, rollout: Rollout) -> None:
    """Stop watching the endpoint of a rollout that is decided. Harmless twice."""
    endpoints.stop_observing(rollout.endpoint_id, rollout.observer_id)
    PositionStore(connection).forget(rollout.observer_id)


def _steered(ramp: Ramp, rollout: Rollout, endpoint: Endpoint) -> Ramp:
    """The ramp with what the rollout's state gives the candidate."""
    traffic, step = traffic_of(rollout.spec, rollout.state), rollout.spec.steps[rollout.state.step]
    timeout = step.shadow_timeout or timedelta(seconds=timeout_of(endpoint.tags) or _USUAL_TIMEOUT_S)
    return replace(
        ramp,
        points=traffic.points,
        shadow_rate=traffic.shadow_rate,
        shadow_timeout_s=min(timeout, LONGEST_SHADOW_TIMEOUT).total_seconds(),
        shadow_concurrency=step.shadow_concurrency,
        shadow_queue=step.shadow_queue,
    )


def _candidate(entity: ServedEntity) -> Candidate:
    return Candidate(entity.name, entity.model_name, entity.model_version, entity.digest)


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
