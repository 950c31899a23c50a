"""Plans are asked for often, and not too often."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pierhead.serving.domain.plans import PLAIN, Plan
from pierhead.serving.services.known_plans import KnownPlans

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class CountingPlans:
    def __init__(self) -> None:
        self.asked = 0

    def plan_of(self, _digest: str, _model: Path, _python: Path, _log: Path) -> Plan:
        return PLAIN

    def current(self, digests: Collection[str]) -> Mapping[str, Plan]:
        self.asked += 1
        return dict.fromkeys(digests, PLAIN)


def test_a_clock_that_was_set_back_puts_no_question_off() -> None:
    plans = CountingPlans()
    known = KnownPlans(plans)
    known.of(["a"], NOW, is_news=False)
    known.of(["a"], NOW - timedelta(hours=1), is_news=False)
    assert plans.asked == 2
