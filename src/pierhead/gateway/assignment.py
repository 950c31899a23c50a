"""How an endpoint's units are dealt out to its served entities. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from pierhead.serving.domain.buckets import BUCKETS, digest_of
from pierhead.serving.domain.snapshot import EndpointRoute, EntityRoute


class Dealt(NamedTuple):
    """Where a unit belongs, and by what: `bucket` is `digest` modulo 10,000.

    While a part of the traffic goes to a candidate these are the unit's under the ramp's salt, else under the
    endpoint's.
    """

    entity: str
    bucket: int
    digest: int

    @property
    def unit_hash(self) -> str:
        """The digest in 16 hexadecimal digits."""
        return f"{self.digest:016x}"


class Assignment:
    """Two levels: a ramp's candidate gets the lowest buckets under the ramp's salt; all other units belong to the
    entity whose ranges hold their bucket under the endpoint's salt.

    Immutable. As a ramp grows, or the ranges of an entity do, no unit that had it goes elsewhere.
    """

    __slots__ = ("_candidate", "_names", "_points", "_ramp_salt", "_salt", "_starts", "has_choice", "only")

    def __init__(self, route: EndpointRoute) -> None:
        spans = spans_of(route.entities)
        ramp = route.ramp
        names = {entity.name for entity in route.entities}
        self._starts = [start for start, _, _ in spans]
        self._names = [name for _, _, name in spans]
        self._salt = route.salt or route.endpoint_id
        is_ramped = ramp is not None and ramp.entity in names
        self._candidate = ramp.entity if ramp is not None and is_ramped else None
        self._points = ramp.points if ramp is not None and is_ramped else 0
        self._ramp_salt = ramp.salt if ramp is not None else ""
        self.has_choice = len(set(self._names)) > 1 or is_ramped
        """Whether it takes a unit to tell who answers."""
        self.only: str | None = None if self.has_choice or not spans else self._names[0]
        """The entity that answers everything; None if there is a choice, or nobody takes traffic."""

    def deal(self, unit: bytes) -> Dealt | None:
        """Where a unit belongs. None if no entity takes traffic that is not called by its name."""
        dealt = None
        if self._candidate is not None:
            digest = digest_of(unit, self._ramp_salt)
            dealt = Dealt(self._candidate, digest % BUCKETS, digest)
            if dealt.bucket < self._points:
                return dealt
        if not self._names:
            return None
        if dealt is not None and len(self._names) == 1:
            return dealt._replace(entity=self._names[0])
        digest = digest_of(unit, self._salt)
        bucket = digest % BUCKETS
        # A bucket that nobody has goes to whoever has those below it.
        entity = self._names[bisect_right(self._starts, bucket) - 1]
        return Dealt(entity, bucket, digest) if dealt is None else dealt._replace(entity=entity)


def spans_of(entities: Sequence[EntityRoute]) -> list[tuple[int, int, str]]:
    """Half-open ranges of buckets with the entity that has them, in order. Empty if nobody takes traffic.

    Where no entity has ranges they follow from the weights, one after the other.

    >>> spans_of([EntityRoute("a", "1", "m", "1", 90, []), EntityRoute("b", "2", "m", "2", 10, [])])
    [(0, 9000, 'a'), (9000, 10000, 'b')]
    """
    given = [(start, end, entity.name) for entity in entities for start, end in entity.ranges if start < end]
    if given:
        return sorted(given)
    total = sum(max(0, entity.weight) for entity in entities)
    spans: list[tuple[int, int, str]] = []
    reached = 0
    for entity in entities:
        if entity.weight > 0:
            start = reached * BUCKETS // total
            reached += entity.weight
            spans.append((start, reached * BUCKETS // total, entity.name))
    return spans
