"""The calls of one served entity: on their way, or held until a worker can take them."""

from collections.abc import Sequence

from pierhead.gateway.calls import Call
from pierhead.gateway.links import WorkerLink
from pierhead.gateway.workers import Worker
from pierhead.serving.domain.snapshot import EndpointRoute, EntityRoute


class EntityPool:
    """Hands calls to the least busy worker.

    A call that waits here is one of the current route, whatever it was when the call arrived: what the workers of an
    endpoint's new config answer goes on record under that config. A call that a worker has keeps the route that the
    worker stands for.

    A call that has seen a worker die is a suspect: it may be what kills them. A worker holds one suspect at a time, so
    that a deadly request, when it kills its second worker, takes none of its former companions with it.
    """

    def __init__(self, endpoint: EndpointRoute, entity: EntityRoute) -> None:
        self.endpoint = endpoint.name
        self.entity = entity.name
        self._route = (endpoint, entity)
        self.load = 0
        """Calls that wait or are in a worker's hands."""
        self._workers: Sequence[Worker] = ()
        self._waiting: dict[Call, None] = {}
        self._suspects: dict[Call, None] = {}

    def staff(self, endpoint: EndpointRoute, entity: EntityRoute, workers: Sequence[Worker]) -> None:
        """Stand for this route, which has the names of the former one, and use these workers from now on."""
        self._route = (endpoint, entity)
        self._workers = workers
        for call in (*self._suspects, *self._waiting):
            call.routed(endpoint, entity)
        self.pump()

    def submit(self, call: Call) -> None:
        call.pool = self
        call.routed(*self._route)
        self.load += 1
        if call.losses:
            self._suspects[call] = None
            self.pump()
            return
        link = None if self._waiting else self._least_busy()
        if link is None:
            self._waiting[call] = None
        else:
            link.send(call)

    def remove(self, call: Call) -> None:
        """Forget a call that is answered, withdrawn or without its worker."""
        call.pool = None
        self.load -= 1
        self._waiting.pop(call, None)
        self._suspects.pop(call, None)

    def take_all(self) -> list[Call]:
        """Give up the calls that no worker has."""
        calls = [*self._suspects, *self._waiting]
        for call in calls:
            self.remove(call)
        return calls

    def pump(self) -> None:
        """Send what waits, as far as there are workers for it."""
        while self._suspects:
            link = self._least_busy(for_suspect=True)
            if link is None:
                break
            call = next(iter(self._suspects))
            del self._suspects[call]
            link.send(call)
        while self._waiting:
            link = self._least_busy()
            if link is None:
                break
            call = next(iter(self._waiting))
            del self._waiting[call]
            link.send(call)

    def _least_busy(self, *, for_suspect: bool = False) -> WorkerLink | None:
        best = None
        for worker in self._workers:
            link = worker.link
            if link is None or not link.is_accepting or (for_suspect and link.suspect is not None):
                continue
            if best is None or len(link.in_flight) < len(best.in_flight):
                best = link
        return best
