"""Calls a minute. Pure: time is an argument.

A window counts by the second of the clock, and at each second it looks at this one and the 59 before it. So no sixty
seconds of the clock see more than the limit, and whoever keeps to it is never refused.
"""

_SECONDS = 60


class Window:
    """Counts what was let in during the last minute."""

    __slots__ = ("_counts", "_second", "elsewhere", "total")

    def __init__(self) -> None:
        self._counts = [0] * _SECONDS
        self._second = 0
        self.total = 0
        """What counts at the second that was last looked at."""
        self.elsewhere = 0
        """What the other gateways of this machine said to have let in."""

    def has_room(self, calls: int, second: int) -> bool:
        """Whether one more is within `calls` a minute. A `second` before the last one is taken for that one."""
        if second > self._second:
            self.advance(second)
        return self.total + self.elsewhere < calls

    def count(self) -> None:
        """Let one in, at the second that was last looked at."""
        self._counts[self._second % _SECONDS] += 1
        self.total += 1

    def free_in_s(self, calls: int) -> int:
        """After how many seconds there is room again, 1 to 60, if nobody is let in until then."""
        left = self.total + self.elsewhere
        for ahead in range(1, _SECONDS):
            left -= self._counts[(self._second + ahead) % _SECONDS]
            if left < calls:
                return ahead
        return _SECONDS

    def advance(self, second: int) -> None:
        """Forget what is over at this second; one that is not after the last one changes nothing."""
        if second <= self._second:
            return
        if second - self._second >= _SECONDS:
            self._counts = [0] * _SECONDS
            self.total = 0
        else:
            for over in range(self._second + 1, second + 1):
                self.total -= self._counts[over % _SECONDS]
                self._counts[over % _SECONDS] = 0
        self._second = second
