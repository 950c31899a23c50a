"""The rate limits of one endpoint: who may call it how often. Pure: time is an argument.

The endpoint's limit is for all callers together. Of the others one kind binds a caller: a limit that names the user;
else those of the groups that the user is in, of which any that has room is enough; else the default of every user.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.rate_limits import Window
from pierhead.serving.domain.snapshot import Principal, RateLimit


class Share(NamedTuple):
    """A limit and what counts towards it."""

    limit: RateLimit
    window: Window


class Bound(NamedTuple):
    """What binds one caller: room in each of `all_of`, and in one of `one_of` unless that is empty."""

    all_of: Sequence[Share]
    one_of: Sequence[Share]


class RateLimits:
    """What counts stays when the limits change."""

    __slots__ = ("_elsewhere", "_endpoint", "_limits", "_windows")

    def __init__(self, endpoint: str, limits: Sequence[RateLimit]) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._windows: dict[str, Window] = {}
        self._elsewhere: Mapping[str, int] = {}

    def change(self, limits: Sequence[RateLimit], second: int) -> None:
        """Every bound that was made before is to be made anew."""
        self._limits = limits
        # Those in use only: callers who come once and never again must not fill the memory.
        for key, window in list(self._windows.items()):
            window.advance(second)
            if not window.total:
                del self._windows[key]

    def bind(self, caller: Principal) -> Bound | None:
        """What binds this caller until the limits change; None if nothing does."""
        if not self._limits:
            return None
        all_of = [limit for limit in self._limits if limit.key == "endpoint"]
        mine = [limit for limit in self._limits if limit.key == "user"]
        one_of = [limit for limit in self._limits if limit.key == "group" and limit.principal in caller.groups]
        named = [limit for limit in mine if limit.principal == caller.user_name]
        if named or not one_of:
            all_of += named or [limit for limit in mine if limit.principal is None]
            one_of = []
        return Bound([self._share(limit, caller) for limit in all_of], [self._share(limit, caller) for limit in one_of])

    def refuse(self, bound: Bound, now_s: float) -> Refusal | None:
        """Count a call, or say why there can be none now: then nothing is counted."""
        second = int(now_s)
        for share in bound.all_of:
            if not share.window.has_room(share.limit.calls, second):
                return self._too_many(share)
        if bound.one_of:
            free = next((share for share in bound.one_of if share.window.has_room(share.limit.calls, second)), None)
            if free is None:
                return self._too_many(min(bound.one_of, key=_free_in_s))
            free.window.count()
        for share in bound.all_of:
            share.window.count()
        return None

    def totals(self, second: int) -> dict[str, int]:
        """What was let in during the last minute, by a key that means the same in every gateway."""
        for window in self._windows.values():
            window.advance(second)
        return {key: window.total for key, window in self._windows.items() if window.total}

    def hear(self, elsewhere: Mapping[str, int]) -> None:
        """Take note of the totals of all other gateways together."""
        if self._elsewhere or elsewhere:
            self._elsewhere = elsewhere
            for key, window in self._windows.items():
                window.elsewhere = elsewhere.get(key, 0)

    def _share(self, limit: RateLimit, caller: Principal) -> Share:
        whose = caller.user_name if limit.key == "user" else limit.principal or ""
        key = f"{limit.key}:{whose}"
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = Window()
            window.elsewhere = self._elsewhere.get(key, 0)
        return Share(limit, window)

    def _too_many(self, share: Share) -> Refusal:
        limit = share.limit
        whose = {"endpoint": "all callers together", "user": "each user"}.get(limit.key, "the group's members together")
        if limit.principal is not None:
            whose = f"{limit.key} {limit.principal!r}"
        message = (
            f"endpoint {self._endpoint!r} takes {limit.calls} calls a minute from {whose} (rate limit by {limit.key}), "
            "and they are used up"
        )
        return Refusal(429, "REQUEST_LIMIT_EXCEEDED", message, b"retry-after: %d\r\n" % _free_in_s(share))


def _free_in_s(share: Share) -> int:
    return share.window.free_in_s(share.limit.calls)
