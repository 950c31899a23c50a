"""kill -9 of one process under traffic: who is in the killed one's hands may fail, nobody else."""

import random
import time

import psutil
import pytest

from e2e import endpoints
from e2e.rows import check_rows
from e2e.traffic import LOST, REFUSED, Outcome, Traffic
from harness.platform import Platform, wait_until

_RANDOM_KILLS_FOR_S = 20.0


def test_a_killed_worker_costs_no_request(platform: Platform) -> None:
    (worker,) = endpoints.workers(platform, "steady")
    with Traffic(platform, "steady") as traffic:
        worker.kill()
        traffic.wait_for(40)
    assert traffic.failed == []
    assert endpoints.workers(platform, "steady") != {worker}
    check_rows(platform, "steady", traffic.outcomes)


def test_a_killed_controller_costs_no_request_and_no_worker(platform: Platform) -> None:
    workers = endpoints.workers(platform, "steady")
    with Traffic(platform, "steady") as traffic:
        killed = kill(platform, "controller")
        traffic.wait_for(40)
        wait_for_successor(platform, "controller", killed)
        # Its first acts are behind it when it has brought a new change to the gateways.
        endpoints.create(platform, "after-controller", endpoints.entity("scale", "1"))
        endpoints.wait_ready(platform, "after-controller")
    endpoints.delete(platform, "after-controller")
    assert traffic.failed == []
    assert endpoints.workers(platform, "steady") == workers
    check_rows(platform, "steady", traffic.outcomes)


def test_a_killed_api_costs_no_invocation_and_no_read(platform: Platform) -> None:
    with Traffic(platform, "steady") as traffic:
        kill(platform, "api")
        # They wait in the socket that the supervisor holds.
        statuses = [platform.request("GET", endpoints.ENDPOINTS).status for _ in range(5)]
        traffic.wait_for(40)
    assert traffic.failed == []
    assert statuses == [200] * 5
    check_rows(platform, "steady", traffic.outcomes)


def test_a_killed_tracking_server_costs_no_invocation_and_comes_back(platform: Platform) -> None:
    read = ("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=e2e")
    search = ("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 1})
    wait_until("tracking answers", lambda: platform.request(*search).status == 200)
    with Traffic(platform, "steady") as traffic:
        kill(platform, "tracking")
        answer = platform.request(*read)
        traffic.wait_for(40)
        again = platform.request(*search)
    assert traffic.failed == []
    assert (answer.status, again.status) == (200, 200), (answer.text, again.text)
    check_rows(platform, "steady", traffic.outcomes)


def test_a_killed_gateway_costs_only_what_it_had_in_its_hands(platform: Platform) -> None:
    with Traffic(platform, "steady") as traffic:
        killed = kill(platform, "gateway")
        traffic.wait_for(40)
        wait_for_successor(platform, "gateway", killed)
    assert_only_lost_in_flight(traffic, kills=1)
    check_rows(platform, "steady", traffic.outcomes)


@pytest.mark.slow
def test_gateway_and_controller_killed_again_and_again_neither_lose_nor_double_a_row(platform: Platform) -> None:
    chance = random.Random(7)
    kills = {"gateway": 0, "controller": 0}
    with Traffic(platform, "steady") as traffic:
        until_s = time.monotonic() + _RANDOM_KILLS_FOR_S
        while time.monotonic() < until_s:
            name = chance.choice(sorted(kills))
            try:
                kill(platform, name)
            except (AssertionError, psutil.NoSuchProcess):
                # The last kill was so short ago that its successor is not there yet.
                pass
            else:
                kills[name] += 1
            time.sleep(chance.uniform(0.05, 2.0))
        traffic.wait_for(40)
    print(kills)
    assert min(kills.values()) >= 3
    assert_only_lost_in_flight(traffic, kills=kills["gateway"])
    check_rows(platform, "steady", traffic.outcomes)


def kill(platform: Platform, name: str) -> psutil.Process:
    process = platform.child(name)
    process.kill()
    return process


def wait_for_successor(platform: Platform, name: str, killed: psutil.Process) -> None:
    def is_there() -> bool:
        try:
            return platform.child(name) != killed
        except AssertionError:
            return False

    wait_until(f"another {name} runs", is_there)


def assert_only_lost_in_flight(traffic: Traffic, *, kills: int) -> None:
    """No refusals, no answers but good ones, and at most one broken request per connection and kill."""
    assert [outcome for outcome in traffic.failed if outcome.fate != LOST] == []
    assert [outcome for outcome in traffic.outcomes if outcome.fate == REFUSED] == []
    lost: list[Outcome] = [outcome for outcome in traffic.outcomes if outcome.fate == LOST]
    assert len(lost) <= kills * traffic.connections, lost
