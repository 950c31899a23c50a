"""How the gateways of one machine share rate limits.

Each tells the others, through a small file, how many calls it let in during the last minute, and counts what they tell
as its own. So a limit holds for all of them together, whichever of them a caller is connected to. What is let in
between two looks counts a moment later: at most `EVERY_S` seconds of calls too many may pass.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pierhead.gateway.endpoints import Endpoint

EVERY_S = 0.1

# What a gateway said that says nothing any more: it is gone, and most of what it counted is over soon.
_STALE_S = 5.0

Told = dict[str, dict[str, int]]
"""Calls of the last minute, by endpoint and by the key of what is counted."""

_TOLD = msgspec.json.Decoder(Told)


class SharedLimits:
    """`FOLDER/ID.limits` of each gateway."""

    def __init__(self, folder: Path, gateway_id: str) -> None:
        self._folder = folder
        self._path = folder / f"{gateway_id}.limits"
        self._new = folder / f".{gateway_id}.limits.new"
        self._told: Told = {}

    def exchange(self, endpoints: Mapping[str, Endpoint], now_s: float) -> None:
        """Tell what was let in here, and take note of what the others let in. Raises OSError."""
        limited = {name: endpoint.limits for name, endpoint in endpoints.items() if endpoint.route.rate_limits}
        told = {name: limits.totals(int(now_s)) for name, limits in limited.items()}
        self._tell({name: totals for name, totals in told.items() if totals})
        heard: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for other in self._read_others():
            for name, totals in other.items():
                heard[name].update(totals)
        for name, limits in limited.items():
            limits.hear(heard[name])

    def close(self) -> None:
        """Take the file away."""
        self._path.unlink(missing_ok=True)

    def _tell(self, told: Told) -> None:
        if told == self._told and not told:
            return
        self._told = told
        self._new.write_bytes(msgspec.json.encode(told))
        self._new.replace(self._path)

    def _read_others(self) -> list[Told]:
        others = []
        for path in self._folder.glob("*.limits"):
            if path == self._path:
                continue
            try:
                if time.time() - path.stat().st_mtime < _STALE_S:
                    others.append(_TOLD.decode(path.read_bytes()))
            except (OSError, msgspec.DecodeError):
                continue
        return others
