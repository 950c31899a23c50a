"""How fast a body arrives: one that comes byte by byte holds a connection as well as one that does not come at all."""


class Pace:
    """Of one body. Time in which we do not read does not count."""

    __slots__ = ("_began_s", "_paused_s")

    def __init__(self, now_s: float) -> None:
        self._began_s = now_s
        self._paused_s: float | None = None

    def pause(self, now_s: float) -> None:
        """We stop reading."""
        self._paused_s = now_s

    def resume(self, now_s: float) -> None:
        """We read on."""
        if self._paused_s is not None:
            self._began_s += now_s - self._paused_s
            self._paused_s = None

    def is_too_slow(self, received_bytes: int, now_s: float, *, grace_s: float, bytes_per_s: float) -> bool:
        """Whether less has come than `bytes_per_s` since `grace_s` after the beginning.

        >>> pace = Pace(100.0)
        >>> pace.is_too_slow(150, 175.0, grace_s=60, bytes_per_s=100)
        True
        >>> pace.is_too_slow(1500, 175.0, grace_s=60, bytes_per_s=100)
        False
        """
        return received_bytes < bytes_per_s * (now_s - self._began_s - grace_s)
