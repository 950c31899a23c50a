"""What rollouts and A/B tests do to endpoints: ramp up a pending config, finish or give up, observe."""

from dataclasses import replace

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.kit.errors import Conflict, InvalidArgument, NotFound
from pierhead.serving.domain.candidates import candidate_of, candidate_route_name
from pierhead.serving.domain.deployments import deployments_after
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig, EndpointEvent
from pierhead.serving.domain.ramps import MOST_OBSERVERS, Observer, Ramp, ramp_problems
from pierhead.serving.domain.reconcile import FailConfig
from pierhead.serving.domain.shares import in_percent
from pierhead.serving.domain.steps import given_up
from pierhead.serving.store.endpoints import EndpointStore
from pierhead.serving.store.events import EventStore
from pierhead.serving.store.ramps import RampStore


class Ramps:
    """Use cases inside one transaction, on endpoints that the transaction has locked."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._store = EndpointStore(connection)
        self._ramps = RampStore(connection)
        self._events = EventStore(connection)
        self._clock = clock

    def start(self, endpoint: Endpoint, ramp: Ramp) -> None:
        """Raises Conflict if there is a ramp or another config is pending, InvalidArgument for what cannot be."""
        if endpoint.ramp is not None:
            raise Conflict(being_rolled_out(endpoint, endpoint.ramp))
        candidate_of(endpoint)
        if endpoint.newest.version != ramp.config_version:
            raise Conflict(
                f"config version {ramp.config_version} of endpoint {endpoint.name!r} is not pending; "
                f"version {endpoint.newest.version} is"
            )
        self._set(endpoint, replace(ramp, is_finished=False), "starts with")

    def set(self, endpoint: Endpoint, ramp: Ramp) -> None:
        """Raises Conflict if the ramp is not the one that runs, InvalidArgument for what cannot be."""
        running = _running(endpoint, ramp.rollout_id)
        if (running.config_version, running.salt) != (ramp.config_version, ramp.salt):
            raise Conflict(
                f"the ramp of endpoint {endpoint.name!r} is for config version {running.config_version} and keeps its "
                "salt until it ends: who was with the candidate would leave it"
            )
        if running.is_finished:
            raise Conflict(f"rollout {ramp.rollout_id} of endpoint {endpoint.name!r} is finished: nothing is to change")
        if replace(ramp, is_finished=False) != running:
            self._set(endpoint, replace(ramp, is_finished=False), "goes on with")

    def finish(self, endpoint: Endpoint, rollout_id: str | None) -> None:
        """Raises Conflict if there is no such ramp. Harmless twice."""
        ramp = _running(endpoint, rollout_id)
        if ramp.is_finished:
            return
        self._ramps.set(endpoint.id, replace(ramp, is_finished=True))
        self._tell(endpoint, "ramp finished", f"{_rollout(ramp)} may become active: rollout {ramp.rollout_id} passed")

    def give_up(self, endpoint: Endpoint, reason: str, rollout_id: str | None) -> None:
        """Raises Conflict if there is no such ramp."""
        ramp = _running(endpoint, rollout_id)
        failure = FailConfig(endpoint.id, ramp.config_version, candidate_of(endpoint).name, reason)
        # The endpoint is locked, so its config is as pending as it was when it was read.
        self._store.fail(endpoint.id, ramp.config_version, reason)
        self._store.set_deployments(endpoint.id, ramp.config_version, deployments_after(failure, endpoint.newest))
        self._ramps.remove(endpoint.id)
        self._tell(endpoint, *given_up(ramp, reason))

    def observe(self, endpoint_id: str, observer: Observer) -> None:
        """Raises NotFound, InvalidArgument for a rate that is none, or Conflict where enough observe."""
        if not 0 <= observer.rate <= 1 or not 1 <= len(observer.id) <= 64:
            raise InvalidArgument(f"an observer has an id of 1 to 64 letters and a rate from 0 to 1, not {observer}")
        self._store.lock(endpoint_id)
        endpoint = self._store.find_by_id(endpoint_id)
        if endpoint is None:
            raise NotFound(f"no endpoint has the id {endpoint_id!r}: there is nothing to observe")
        others = [each.id for each in endpoint.observers if each.id != observer.id]
        if len(others) >= MOST_OBSERVERS:
            raise Conflict(
                f"endpoint {endpoint.name!r} is observed by {len(others)} rollouts and A/B tests already, as many as "
                f"may: {', '.join(others)}; end one first: `pierhead abtests stop ID`"
            )
        self._ramps.set_observer(endpoint_id, observer)
        self._store.touch(endpoint_id, self._clock.now())

    def stop_observing(self, endpoint_id: str, observer_id: str) -> None:
        self._store.lock(endpoint_id)
        if self._ramps.remove_observer(endpoint_id, observer_id):
            self._store.touch(endpoint_id, self._clock.now())

    def _set(self, endpoint: Endpoint, ramp: Ramp, verb: str) -> None:
        problems = ramp_problems(ramp)
        if problems:
            raise InvalidArgument(f"ramp of endpoint {endpoint.name!r}: {'; '.join(problems)}")
        self._ramps.set(endpoint.id, ramp)
        shadow = f", {ramp.shadow_rate:.4g} of the others' requests copied to it" if ramp.shadow_rate else ""
        what = f"{candidate_route_name(endpoint)} {verb} {in_percent(ramp.points)} of the traffic{shadow}"
        self._tell(endpoint, "ramp", f"{_rollout(ramp)}: {what} (rollout {ramp.rollout_id})")

    def _tell(self, endpoint: Endpoint, kind: str, message: str) -> None:
        now = self._clock.now()
        self._store.touch(endpoint.id, now)
        self._events.add(endpoint.id, EndpointEvent(now, kind, message))


def being_rolled_out(endpoint: Endpoint, ramp: Ramp) -> str:
    """Why nothing else can be asked of the endpoint now."""
    return (
        f"endpoint {endpoint.name!r} is being rolled out to config version {ramp.config_version} by rollout "
        f"{ramp.rollout_id}, now with {in_percent(ramp.points)} of the traffic; wait for it, or promote or abort it"
    )


def _running(endpoint: Endpoint, rollout_id: str | None) -> Ramp:
    ramp = endpoint.ramp
    if ramp is None:
        raise Conflict(f"endpoint {endpoint.name!r} has no ramp: {_state(endpoint.newest)}")
    if rollout_id is not None and ramp.rollout_id != rollout_id:
        raise Conflict(f"the ramp of endpoint {endpoint.name!r} is of rollout {ramp.rollout_id}, not of {rollout_id}")
    return ramp


def _state(config: EndpointConfig) -> str:
    failure = f": {config.failure}" if config.failure else ""
    return f"config version {config.version} is {config.status.value}{failure}"


def _rollout(ramp: Ramp) -> str:
    return f"config version {ramp.config_version}"
