"""The whole platform ends, in every way there is, and comes back."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from e2e import endpoints
from e2e.endpoints import moody_row, new_id
from e2e.rows import check_ids, check_rows
from e2e.traffic import Traffic
from harness.platform import Platform


def test_after_a_kill_of_everything_every_endpoint_comes_back_by_itself(platform: Platform) -> None:
    with Traffic(platform, "steady") as traffic:
        platform.kill_everything()
        traffic.stop()
    # Nobody is asked to bring anything back: to ask is all.
    platform.start()
    endpoints.wait_staffed(platform, "steady", "moody")
    endpoints.wait_ready(platform, "steady")
    with Traffic(platform, "steady") as after:
        after.wait_for(20)
    assert [one for one in traffic.answered if not one.is_good] == []
    assert after.failed == []
    check_rows(platform, "steady", [*traffic.outcomes, *after.outcomes])


def test_no_process_outlives_a_killed_supervisor(platform: Platform) -> None:
    with Traffic(platform, "steady") as traffic:
        orphans = platform.kill_supervisor()
        killed_s = time.monotonic()
        _, alive = psutil.wait_procs(orphans, timeout=10)
        print(f"{len(orphans)} processes gone within {time.monotonic() - killed_s:.2f} s")
        traffic.stop()
    platform.start()
    assert len(orphans) >= 6
    assert alive == []
    check_rows(platform, "steady", traffic.outcomes)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_stop_answers_what_is_in_flight(platform: Platform, how: signal.Signals) -> None:
    processes = platform.supervisor.children(recursive=True)
    slow_id = new_id("slow")
    with Traffic(platform, "steady") as traffic, ThreadPoolExecutor() as pool:
        slow = pool.submit(endpoints.invoke, platform, "moody", slow_id, **moody_row(sleep_s=2.0))
        time.sleep(0.5)
        told_s = time.monotonic()
        code = platform.stop(how)
        stopped_s = time.monotonic() - told_s
        traffic.stop()
        answer = slow.result()
    print(f"{how.name}: exit code {code} after {stopped_s:.2f} s")
    platform.start()
    assert code == 0
    assert answer.status == 200
    assert [process for process in processes if process.is_running()] == []
    assert [one for one in traffic.failed if one.status or one.began_s < told_s] == []
    # Who comes too late hears it at once.
    assert [one for one in traffic.failed if one.ended_s - one.began_s > 1.0] == []
    check_rows(platform, "steady", traffic.outcomes)
    check_ids(platform, "moody", [slow_id])
