"""Which of the entities that are called in their sleep may wake up now, by what the machine's workers need."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pierhead.serving.domain.room import Resting, Settlement, Waking, settle
from pierhead.serving.domain.workloads import Variant
from pierhead.serving.services.claims import Claims

Part = tuple[str, str, bool]
"""Endpoint id, entity name, and whether the original beside a compiled version is meant."""

NOTHING_WAITS: Settlement[Part] = Settlement(frozenset(), {})

RESTED = timedelta(seconds=10)
"""Who was called within that is not put to sleep for others, who would do the same to them."""


@dataclass(frozen=True, slots=True)
class Bed:
    """A part that has workers and may have none; nobody has called it since `since`."""

    part: Part
    variant: Variant
    since: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """A part that has no worker and is called, first at `since`; or one that a new config begins with."""

    part: Part
    variant: Variant
    since: datetime
    workers: int = 1
    is_called: bool = True


def settle_wake_ups(callers: Sequence[Caller], beds: Sequence[Bed], claims: Claims, now: datetime) -> Settlement[Part]:
    """Those who need not wait are granted their workers. What is called keeps its room also while it waits."""
    if not callers:
        return NOTHING_WAITS
    rested = [bed for bed in beds if now - bed.since >= RESTED]
    settlement = settle(
        [
            Waking(each.part, each.workers * claims.worker_bytes(each.variant), each.since, each.is_called)
            for each in callers
        ],
        [Resting(each.part, claims.used_bytes(each.variant), each.since) for each in rested],
        claims.space(),
    )
    for each in callers:
        if each.is_called or each.part not in settlement.waiting:
            claims.grant(each.variant, each.workers)
    return settlement
