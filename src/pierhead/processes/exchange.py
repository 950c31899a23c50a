"""Asks the platform that runs on a home to exchange its gateways, and watches it do so. See `hand_over`."""

import os
import signal
import time
from dataclasses import dataclass

from pierhead.kit.home import Home
from pierhead.processes.errors import CannotStart
from pierhead.processes.lock import find_holder
from pierhead.processes.records import ProcessRecord, read_records

_LOOK_EVERY_S = 0.1


class NothingToExchange(CannotStart):
    """No platform with gateways runs on the home, or it has ended meanwhile."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One gateway: its process before, and the one that answers now; None if the old one stayed."""

    name: str
    old_process_id: int
    new_process_id: int | None


def exchange_gateways(home: Home, *, timeout_s: float) -> list[Exchange]:
    """Wait until every gateway has handed over, at most so long. Raises NothingToExchange."""
    supervisor = find_holder(home)
    before = _gateways(home)
    if supervisor is None or not before:
        raise NothingToExchange(f"no platform with gateways runs on {home.root}")
    os.kill(supervisor, signal.SIGUSR2)
    until_s = time.monotonic() + timeout_s
    while True:
        now = _gateways(home)
        found = [Exchange(name, old.process_id, _successor(old, now.get(name))) for name, old in sorted(before.items())]
        if all(each.new_process_id is not None for each in found) or time.monotonic() > until_s:
            return found
        if find_holder(home) != supervisor:
            raise NothingToExchange(f"the platform on {home.root} has ended meanwhile")
        time.sleep(_LOOK_EVERY_S)


def _gateways(home: Home) -> dict[str, ProcessRecord]:
    return {record.name: record for record in read_records(home) if record.name.startswith("gateway-")}


def _successor(old: ProcessRecord, now: ProcessRecord | None) -> int | None:
    return None if now is None or now == old else now.process_id
