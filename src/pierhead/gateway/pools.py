"""The calls of one served entity: on their way, or held until a worker can take them."""

from collections.abc import Callable

from pierhead.gateway.calls import Call
from pierhead.gateway.counts import Counts
from pierhead.gateway.crews import MOST_IN_A_BATCH, MOST_IN_FLIGHT, Crew
from pierhead.gateway.lanes import Lane
from pierhead.gateway.route import Route
from pierhead.gateway.workers import Workers
from pierhead.serving.domain.snapshot import EndpointRoute, EntityRoute, RampRoute
from pierhead.serving.domain.traffic import EntityTraffic


class EntityPool:
    """Two crews: the entity's workers, and those of the original that answer what compiled workers hand back.

    A call that waits here is one of the current route, whatever it was when the call arrived: what the workers of an
    endpoint's new config answer goes on record under that config. A call that a worker has keeps the route that the
    worker stands for.
    """

    def __init__(
        self,
        endpoint: EndpointRoute,
        entity: EntityRoute,
        on_hold: Callable[[], None],
        wake: Callable[[Lane], None],
    ) -> None:
        self.endpoint = endpoint.name
        self.entity = entity.name
        self.route = Route(endpoint, entity, Counts())
        self.load = 0
        """Calls without an answer, wherever they are."""
        self.main = Crew(self, on_hold)
        self.native = Crew(self, on_hold)
        self.lane: Lane | None = None
        """Copies of other entities' calls, if it is or was a ramp's candidate."""
        self._wake = wake
        self._concurrency_s = 0.0
        """The integral of `load` over time, less `load` times now: so it changes only when `load` does."""
        self._told: EntityTraffic | None = None
        """What was reported last, if there was no call under way."""

    def staff(self, endpoint: EndpointRoute, entity: EntityRoute, workers: Workers) -> None:
        """Stand for this route, which has the names of the former one, and use its workers from now on."""
        former = self.route
        is_same_model = _model(former.entity) == _model(entity)
        self.route = Route(endpoint, entity, former.counts if is_same_model else Counts())
        self._told = None
        for call in (*self.main.waiting_calls(), *self.native.waiting_calls()):
            call.route = self.route
        # What was handed back while there was an artifact before is no business of the new one's workers.
        declined = [call for call in self.main.waiting_calls() if call.is_native and entity.is_compiled]
        for call in declined:
            self.main.forget(call)
        most = MOST_IN_A_BATCH if entity.batches else MOST_IN_FLIGHT
        self.main.staff([workers.get(path) for path in entity.sockets], most=most)
        self.native.staff([workers.get(path) for path in entity.native_sockets], most=MOST_IN_FLIGHT)
        for call in declined:
            self.native.submit(call)
        if not entity.is_compiled:
            # The workers are the original's now.
            for call in self.native.take_all():
                self.main.submit(call)
        self._follow_ramp(endpoint.ramp)

    def enter(self, call: Call, now_s: float) -> None:
        """A call without an answer is this entity's from now on."""
        self.load += 1
        self._concurrency_s -= now_s
        call.route = self.route
        (self.native if call.is_native and self.route.entity.is_compiled else self.main).submit(call)

    def leave(self, now_s: float) -> None:
        """A call is this entity's no more."""
        self.load -= 1
        self._concurrency_s += now_s

    def take_all(self) -> list[Call]:
        """Give up the calls that no worker has; copies are over with that."""
        if self.lane is not None:
            self.lane.close()
        return self.main.take_all() + self.native.take_all()

    def report(self, now_s: float) -> EntityTraffic:
        """How it stands. Of a thousand entities few have anything new to tell: the others say what they said before."""
        counts = self.route.counts
        workers, native_workers = self.main.workers, self.native.workers
        told = self._told
        if (
            told is not None
            and self.lane is None
            and not self.load
            and told.latency_sum_ms == counts.latency_sum_ms
            and (told.workers, told.native_workers) == (workers, native_workers)
        ):
            return told
        entity = self.route.entity
        told = EntityTraffic(
            endpoint=self.endpoint,
            entity=self.entity,
            requests_by_status={str(status): count for status, count in counts.statuses.items()},
            latency_counts=list(counts.latency_counts),
            latency_sum_ms=counts.latency_sum_ms,
            queue_counts=list(counts.queue_counts),
            queue_sum_ms=counts.queue_sum_ms,
            wakeup_counts=list(counts.wakeup_counts),
            wakeup_sum_ms=counts.wakeup_sum_ms,
            predict_counts=list(counts.predict_counts),
            predict_sum_ms=counts.predict_sum_ms,
            in_flight=self.load,
            waiting=self.main.waiting,
            native_in_flight=self.native.in_flight,
            native_waiting=self.native.waiting,
            concurrency_ms=(self._concurrency_s + self.load * now_s) * 1000,
            model_name=entity.model_name,
            model_version=entity.model_version,
            declined=counts.declined,
            workers=workers,
            native_workers=native_workers,
        )
        if self.lane is not None:
            self.lane.report(told)
        self._told = None if self.load else told
        return told

    def _follow_ramp(self, ramp: RampRoute | None) -> None:
        if ramp is None or ramp.entity != self.entity:
            if self.lane is not None:
                self.lane.close()
        elif self.lane is None:
            self.lane = Lane(self, ramp, self._wake)
        else:
            self.lane.change(ramp)


def _model(entity: EntityRoute) -> tuple[str, str]:
    return entity.model_name, entity.model_version
