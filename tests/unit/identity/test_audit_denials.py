"""A flood of denials leaves a few records and the truth about their number."""

from datetime import UTC, datetime, timedelta

from fakes.audit import chain, checkpoints
from pierhead.identity.domain.audit_checkpoints import is_due
from pierhead.identity.domain.audit_denials import MOST_KINDS, Denial, DenialWindows, Repeated

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LATER = _NOW + timedelta(seconds=60)
_PROMOTE = Denial("bob", "model-versions/transition-stage", "main.risk.churn/3")


def test_the_same_denial_within_a_minute_is_counted() -> None:
    windows = DenialWindows()
    admitted = [windows.admit(_PROMOTE, _NOW + timedelta(seconds=second)) for second in range(10)]

    assert admitted == [True] + [False] * 9
    assert windows.take_ended(_LATER) == [Repeated(_PROMOTE, 9, _NOW, _NOW + timedelta(seconds=9))]


def test_after_a_minute_the_same_denial_gets_a_record_again() -> None:
    windows = DenialWindows()
    windows.admit(_PROMOTE, _NOW)

    assert windows.take_ended(_LATER) == []
    assert windows.admit(_PROMOTE, _LATER)


def test_another_object_or_actor_is_another_denial() -> None:
    windows = DenialWindows()
    denials = [_PROMOTE, Denial("bob", _PROMOTE.action, "other"), Denial("eve", _PROMOTE.action, _PROMOTE.object)]

    assert all(windows.admit(denial, _NOW) for denial in denials)


def test_trying_one_object_after_another_does_not_fill_the_disk() -> None:
    windows = DenialWindows()
    admitted = sum(windows.admit(Denial("bob", "read", str(number)), _NOW) for number in range(10_000))

    assert admitted == MOST_KINDS
    assert windows.take_all() == [Repeated(Denial("bob", "*", None), 10_000 - MOST_KINDS, _NOW, _NOW)]


def test_one_actors_flood_does_not_hide_anothers_denial() -> None:
    windows = DenialWindows()
    for number in range(1000):
        windows.admit(Denial("bob", "read", str(number)), _NOW)

    assert windows.admit(Denial("eve", "read", "1"), _NOW)


def test_a_checkpoint_is_due_after_a_minute_or_a_thousand_records() -> None:
    last = checkpoints(chain(5), 5)[0].checkpoint

    assert not is_due(5, last, _LATER, None)
    assert not is_due(6, last, _NOW + timedelta(seconds=59), _NOW)
    assert is_due(6, last, _LATER, _NOW)
    assert is_due(1005, last, _NOW, _NOW)
    assert is_due(1, None, _LATER, _NOW)
