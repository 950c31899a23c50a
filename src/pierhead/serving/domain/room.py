"""Who may wake up when many want to at once, and who makes room for them."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from pierhead.serving.domain.capacity import in_words

STARTS_PER_CORE = 4
"""Workers that may be starting at a time: more of them end no sooner, and all of them later than the first could."""

LONGEST_RUSH = timedelta(seconds=20)
"""What starts for longer waits for something else than the cores."""

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Waking(Generic[_Key]):
    """It wants its first worker, which takes about `worker_bytes`, and has waited for it since a moment.

    Without being `is_called` it wants it only to show that it can run.
    """

    key: _Key
    worker_bytes: int
    since: datetime
    is_called: bool = True


@dataclass(frozen=True, slots=True)
class Resting(Generic[_Key]):
    """Nobody calls it since a moment, it may have no worker, and has some of `bytes` together."""

    key: _Key
    bytes: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Space:
    """`free_bytes` are nobody's, `leaving_bytes` will be free soon; so many more workers may begin to start."""

    free_bytes: int
    leaving_bytes: int
    starts: int


@dataclass(frozen=True, slots=True)
class Settlement(Generic[_Key]):
    """Who goes to sleep, and who must wait before it wakes up, with the reason for people; the others may."""

    to_sleep: frozenset[_Key]
    waiting: Mapping[_Key, str]


def settle(waking: Sequence[Waking[_Key]], resting: Sequence[Resting[_Key]], space: Space) -> Settlement[_Key]:
    """Who is called goes before who is not; else first come, first served. As few are put to sleep as are needed, those
    first that rest longest.

    What does not fit even so must not keep others from waking: room is kept only for what will fit.
    """
    free, leaving, starts = space.free_bytes, space.leaving_bytes, space.starts
    beds = sorted(resting, key=lambda each: each.since)
    to_sleep: set[_Key] = set()
    waiting: dict[_Key, str] = {}
    for each in sorted(waking, key=lambda each: (not each.is_called, each.since)):
        if each.worker_bytes <= free and starts > 0:
            free -= each.worker_bytes
            starts -= 1
            continue
        if each.worker_bytes <= free:
            waiting[each.key] = "as many workers are starting already as the cores can take"
            free -= each.worker_bytes
            continue
        waiting[each.key] = (
            f"no room for a worker of about {in_words(each.worker_bytes)}: {in_words(max(0, free))} are free"
        )
        if each.worker_bytes <= free + leaving + sum(bed.bytes for bed in beds):
            while each.worker_bytes > free + leaving:
                bed = beds.pop(0)
                to_sleep.add(bed.key)
                leaving += bed.bytes
            leaving -= each.worker_bytes - max(0, free)
            free = min(free, 0)
    return Settlement(frozenset(to_sleep), waiting)
