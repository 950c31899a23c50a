"""What time it is, for thousands of requests a second."""

from pierhead.kit.clock import Clock, monotonic_s, to_ms

_LOOK_EVERY_S = 0.5


class WallClock:
    """Tells wall time from the monotonic clock, which everybody has read already, and looks at the real one now and
    then: that it was set is noticed within half a second."""

    __slots__ = ("_ahead_ms", "_clock", "_until_s")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead_ms = 0.0
        self._until_s = 0.0

    def ms_at(self, now_s: float) -> int:
        """Milliseconds since 1970 at a moment that `kit.clock.monotonic_s` told just now."""
        if now_s >= self._until_s:
            self._ahead_ms = to_ms(self._clock.now()) - monotonic_s() * 1000
            self._until_s = now_s + _LOOK_EVERY_S
        return int(now_s * 1000 + self._ahead_ms)
