"""What is known of how versions are to be run, asked for often and not too often."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import structlog

from pierhead.kit.clock import monotonic_s
from pierhead.serving.domain.plans import Plan
from pierhead.serving.ports import Plans

log = structlog.get_logger()

# The question may cost a tenth of the time, however many versions it is about.
_PAUSE_PER_COST = 10
_LONGEST_PAUSE = timedelta(seconds=1)


class KnownPlans:
    """The answers of `Plans.current`, at most a second old."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._asked: frozenset[str] = frozenset()
        self._answers: Mapping[str, Plan] = {}
        self._ask_again_at: datetime | None = None
        self._is_failing = False

    def of(self, digests: Collection[str], now: datetime, *, is_news: bool) -> Mapping[str, Plan]:
        """Plans by digest; with `is_news` they are asked for in any case. The last ones hold if nobody answers."""
        asked = frozenset(digests)
        # A clock that was set back must not put it off.
        is_due = self._ask_again_at is None or not now < self._ask_again_at <= now + _LONGEST_PAUSE
        if is_due or is_news or not asked <= self._asked:
            self._ask(asked, now)
        return self._answers

    def _ask(self, digests: frozenset[str], now: datetime) -> None:
        began_s = monotonic_s()
        try:
            self._answers = self._plans.current(digests) if digests else {}
        except Exception:
            # A plan that is lost for a moment must not take compiled workers away.
            if not self._is_failing:
                log.exception("plans cannot be read; the last ones hold")
            self._is_failing = True
        else:
            self._is_failing = False
        self._asked = digests
        self._ask_again_at = now + min(_LONGEST_PAUSE, _PAUSE_PER_COST * timedelta(seconds=monotonic_s() - began_s))
