"""Thousands of time-outs at the price of one timer."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from pierhead.kit.clock import monotonic_s

Item = TypeVar("Item")


class Deadlines(Generic[Item]):
    """Calls `expire(item)` at most two ticks after an item's deadline, unless it was removed before.

    An item that is removed in the same turn in which it expires may hear of it all the same.

    Nearly every invocation is answered long before: adding and removing must cost next to nothing, and the exact moment
    matters to nobody. So items wait in one set per tick.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, expire: Callable[[Item], None], tick_s: float = 0.05) -> None:
        self._loop = loop
        self._expire = expire
        self._tick_s = tick_s
        self._slots: dict[int, set[Item]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, item: Item, deadline_s: float) -> int:
        """Returns the slot to hand to `remove`. `deadline_s` is on the clock of `kit.clock.monotonic_s`."""
        slot = int(deadline_s / self._tick_s) + 1
        waiting = self._slots.get(slot)
        if waiting is None:
            waiting = self._slots[slot] = set()
        waiting.add(item)
        if self._timer is None:
            self._timer = self._loop.call_later(self._tick_s, self._tick)
        return slot

    def remove(self, item: Item, slot: int) -> None:
        """Harmless if the item has expired or was removed before."""
        waiting = self._slots.get(slot)
        if waiting is None:
            return
        waiting.discard(item)
        if not waiting:
            del self._slots[slot]

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._slots.clear()

    def _tick(self) -> None:
        self._timer = None
        now = int(monotonic_s() / self._tick_s)
        due = sorted(slot for slot in self._slots if slot <= now)
        for slot in due:
            for item in self._slots.pop(slot, ()):
                # On its own, so that a failure costs no other item its alarm.
                self._loop.call_soon(self._expire, item)
        if self._slots and self._timer is None:
            self._timer = self._loop.call_later(self._tick_s, self._tick)
