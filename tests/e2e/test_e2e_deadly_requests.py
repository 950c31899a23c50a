"""Requests that kill or block the worker which takes them, and what that costs the others."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2e import endpoints
from e2e.conftest import LOG_MODELS
from e2e.endpoints import entity, invoke, moody_row, new_id
from e2e.rows import check_ids, check_rows
from e2e.traffic import Traffic
from harness.platform import Platform, wait_until

_TIMEOUT_S = 3.0


def test_a_request_that_kills_workers_fails_alone(platform: Platform) -> None:
    poison = new_id("poison")
    with Traffic(platform, "moody", moody_row()) as traffic:
        answer = invoke(platform, "moody", poison, **moody_row(exits=True))
        traffic.wait_for(40)
    assert answer.status == 500
    assert "died twice" in answer.text
    assert traffic.failed == []
    check_rows(platform, "moody", traffic.outcomes)
    check_ids(platform, "moody", [poison])


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[Platform]:
    """A platform of its own, on which nobody waits longer than a few seconds for an answer."""
    settings = {"PIERHEAD_INVOCATION_TIMEOUT_S": str(_TIMEOUT_S)}
    platform = Platform(tmp_path_factory.mktemp("impatient") / "home", environments=environments, settings=settings)
    try:
        platform.start()
        platform.run_client(str(LOG_MODELS), "moody")
        endpoints.create(platform, "moody", entity("moody"))
        endpoints.wait_ready(platform, "moody")
        yield platform
    finally:
        platform.stop()


def test_a_request_that_hangs_is_answered_in_time_and_its_worker_replaced(impatient: Platform) -> None:
    (stuck,) = endpoints.workers(impatient, "moody")
    ids = [new_id("hang"), new_id("behind")]
    began_s = time.monotonic()
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(invoke, impatient, "moody", ids[0], **moody_row(sleep_s=600.0))
        time.sleep(0.3)
        behind = pool.submit(invoke, impatient, "moody", ids[1], **moody_row())
        answers = [hanging.result(), behind.result()]
    took_s = time.monotonic() - began_s
    print(f"both had their answer after {took_s:.2f} s")
    assert [answer.status for answer in answers] == [504, 504]
    assert "took longer than 3 s" in answers[0].text
    assert took_s < _TIMEOUT_S + 2.0

    wait_until(
        "others are answered", lambda: invoke(impatient, "moody", new_id("good"), **moody_row()).status == 200, 40
    )
    print(f"and others were served again after {time.monotonic() - began_s:.2f} s")
    assert not stuck.is_running()
    check_ids(impatient, "moody", ids)
