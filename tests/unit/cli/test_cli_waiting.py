"""Waiting for an endpoint on a clock that moves when the wait pauses."""

from collections.abc import Callable
from typing import Any

import pytest

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.waiting import find_entity, wait_until_ready

_UPDATING = {"state": {"ready": "NOT_READY", "config_update": "IN_PROGRESS"}}
_READY = {"state": {"ready": "READY", "config_update": "NOT_UPDATING"}}


class _Server:
    """Tells its endpoint; away between the two moments of each pair, in seconds."""

    def __init__(self, ready_from_s: float, *away: tuple[float, float]) -> None:
        self._ready_from_s = ready_from_s
        self._away = away
        self.now_s = 1000.0
        self._begin_s = self.now_s

    def get(self) -> dict[str, Any]:
        elapsed_s = self.now_s - self._begin_s
        if any(begin_s <= elapsed_s < end_s for begin_s, end_s in self._away):
            raise Failure("it does not answer", code=ExitCode.UNREACHABLE)
        return _READY if elapsed_s >= self._ready_from_s else _UPDATING

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def wait(self, timeout_s: float) -> dict[str, Any]:
        return wait_until_ready(self.get, "fraud", timeout_s, now_s=lambda: self.now_s, sleep=self.sleep)


def _exit_code(wait: Callable[[], object]) -> int:
    with pytest.raises(Failure) as failure:
        wait()
    return failure.value.exit_code


def test_a_restart_of_the_server_does_not_end_a_wait() -> None:
    assert _Server(600, (100, 125)).wait(1200) == _READY


def test_a_server_that_stays_away_ends_the_wait_after_half_a_minute() -> None:
    server = _Server(600, (100, 1e9))

    assert _exit_code(lambda: server.wait(1200)) == ExitCode.UNREACHABLE
    assert 1130 <= server.now_s <= 1132


def test_short_silences_do_not_add_up() -> None:
    assert _Server(600, (10, 35), (36, 60), (61, 85)).wait(1200) == _READY


def test_a_deadline_holds_also_while_the_server_is_away() -> None:
    server = _Server(600, (0, 1e9))

    assert _exit_code(lambda: server.wait(5)) == ExitCode.UNREACHABLE
    assert server.now_s <= 1006


def test_any_other_failure_ends_the_wait_at_once() -> None:
    def get() -> dict[str, Any]:
        raise Failure("endpoint 'fraud' does not exist", code=ExitCode.NOT_FOUND)

    assert _exit_code(lambda: wait_until_ready(get, "fraud", 1200)) == ExitCode.NOT_FOUND


def _config(**deployments: str) -> dict[str, Any]:
    entities = [{"name": name, "state": {"deployment": f"DEPLOYMENT_{state}"}} for name, state in deployments.items()]
    return {"served_entities": entities}


def test_the_entity_to_read_about_is_the_failed_one_of_the_newest_config() -> None:
    active = {"config": _config(old="READY")}

    assert find_entity(active) == "old"
    assert find_entity(active | {"pending_config": _config(new="CREATING", newer="CREATING")}) == "new"
    assert find_entity(active | {"pending_config": _config(good="READY", bad="FAILED")}) == "bad"
    assert find_entity({}) is None
