"""Which denials get a record of their own, so that a flood of them cannot fill the disk. Pure but for its memory."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=60)
MOST_KINDS = 30
"""Different denials of one actor that get a record of their own within a window; the rest is counted together."""


@dataclass(frozen=True, slots=True)
class Denial:
    """Denials that are alike: the same actor was refused the same action on the same object."""

    actor: str
    action: str
    object: str | None


@dataclass(frozen=True, slots=True)
class Repeated:
    """So many more of the same came after the one on record; `denial.action` is `*` for different ones together."""

    denial: Denial
    count: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Lost:
    """So many denials could not be recorded: by whom and on what, nobody knows any more."""

    count: int
    first: datetime
    last: datetime

    def and_also(self, other: "Lost | None") -> "Lost":
        if other is None:
            return self
        return Lost(self.count + other.count, min(self.first, other.first), max(self.last, other.last))


def lost_with(repeated: Repeated) -> Lost:
    """What is lost if this cannot be recorded. All come after the first of the window, which has a record."""
    return Lost(repeated.count, repeated.since, repeated.until)


@dataclass(slots=True)
class _Window:
    began: datetime
    last: datetime
    repeats: int = 0


@dataclass(slots=True)
class DenialWindows:
    """Counts what repeats. Memory is bounded by actors times MOST_KINDS."""

    _windows: dict[Denial, _Window] = field(default_factory=dict)

    def admit(self, denial: Denial, now: datetime) -> bool:
        """Whether this one gets a record of its own; otherwise it is counted."""
        window = self._windows.get(denial)
        if window is None and self._kinds_of(denial.actor) >= MOST_KINDS:
            denial = Denial(denial.actor, "*", None)
            window = self._windows.setdefault(denial, _Window(now, now))
        if window is None:
            self._windows[denial] = _Window(now, now)
            return True
        window.repeats += 1
        window.last = now
        return False

    def take_ended(self, now: datetime) -> list[Repeated]:
        """Forget the windows that are over; what repeated in them is to be recorded now."""
        return self._take([denial for denial, window in self._windows.items() if now - window.began >= WINDOW])

    def take_all(self) -> list[Repeated]:
        """The same for all windows, ended or not."""
        return self._take(list(self._windows))

    def _take(self, denials: list[Denial]) -> list[Repeated]:
        taken = [(denial, self._windows.pop(denial)) for denial in denials]
        return [
            Repeated(denial, window.repeats, window.began, window.last) for denial, window in taken if window.repeats
        ]

    def _kinds_of(self, actor: str) -> int:
        return sum(denial.actor == actor for denial in self._windows)
