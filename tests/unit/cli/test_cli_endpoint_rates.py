"""What is read from counters."""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from pierhead.cli.endpoint_rates import quantile_ms, rates
from pierhead.cli.main import main
from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS
from pierhead.serving.services.traffic import EndpointTraffic, TrafficTotal

BUCKETS = len(LATENCY_BOUNDS_MS) + 1


def counts(**by_bound: int) -> list[int]:
    """Histogram counts, by the bound (`ms_2`) that they are under."""
    found = [0] * BUCKETS
    for name, count in by_bound.items():
        found[LATENCY_BOUNDS_MS.index(int(name.removeprefix("ms_")))] = count
    return found


def traffic(
    statuses: dict[str, int], latencies: list[int], version: str = "1", limited: int = 0
) -> dict[str, EndpointTraffic]:
    total = TrafficTotal(Counter(statuses), latencies, in_flight=3, waiting=2, workers=1, model_version=version)
    return {"fraud": EndpointTraffic("fraud", {"champion": total}, 0, limited)}


def test_rates_are_differences_over_time() -> None:
    before = traffic({"200": 100, "500": 5}, counts(ms_2=105))
    after = traffic({"200": 300, "500": 9, "429": 2}, counts(ms_2=105, ms_10=200, ms_50=6), limited=10)

    [found] = rates(before, after, 2.0)

    assert (found.endpoint, found.entity, found.version) == ("fraud", "champion", "1")
    assert (found.requests_per_s, found.errors_per_s, found.limited_per_s) == (103.0, 2.0, 6.0)
    assert found.p50_ms is not None
    assert 5 < found.p50_ms < 10
    assert found.p99_ms is not None
    assert 20 < found.p99_ms < 50
    assert (found.in_flight, found.waiting, found.workers) == (3, 2, 1)


def test_counters_that_began_anew_count_from_nothing() -> None:
    before = traffic({"200": 100}, counts(ms_2=100))

    [restarted] = rates(before, traffic({"200": 10}, counts(ms_2=10)), 1.0)
    [updated] = rates(before, traffic({"200": 110}, counts(ms_2=110), version="2"), 1.0)

    assert (restarted.requests_per_s, updated.requests_per_s) == (10.0, 110.0)


def test_where_nothing_was_answered_there_is_no_latency() -> None:
    [found] = rates({}, traffic({}, [0] * BUCKETS), 1.0)

    assert (found.requests_per_s, found.p50_ms, found.p99_ms) == (0.0, None, None)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 1.5), (1.0, 2.0)])
def test_a_quantile_lies_in_its_bucket(share: float, expected: float) -> None:
    assert quantile_ms(counts(ms_2=10), share) == expected


def test_what_is_beyond_the_last_bound_is_that_bound() -> None:
    assert quantile_ms([0] * (BUCKETS - 1) + [3], 0.5) == LATENCY_BOUNDS_MS[-1]


@pytest.fixture
def home() -> Iterator[Path]:
    # A short path: the run folder of a long one lies outside of the home.
    with tempfile.TemporaryDirectory(prefix="ph-") as folder:
        yield Path(folder)


def write_counters(home: Path) -> None:
    folder = home / "run" / "gateways"
    folder.mkdir(parents=True)
    entity = {
        "endpoint": "fraud",
        "entity": "champion",
        "requests_by_status": {"200": 5},
        "latency_counts": counts(ms_2=5),
        "latency_sum_ms": 8.0,
        "in_flight": 1,
        "workers": 2,
        "model_version": "7",
    }
    told = {"gateway_id": "0", "process_id": os.getpid(), "records_dropped": 0, "entities": [entity]}
    (folder / "0.json").write_text(json.dumps(told))


def test_top_prints_one_reading_for_scripts(home: Path) -> None:
    write_counters(home)

    shown = CliRunner().invoke(main, ["endpoints", "top", "--once", "--interval", "1", "--home", str(home)])

    assert shown.exit_code == 0, shown.output
    headings, line = shown.output.splitlines()
    assert headings.split()[:4] == ["ENDPOINT", "ENTITY", "VERSION", "REQ/S"]
    assert line.split() == ["fraud", "champion", "7", "0.0", "-", "-", "-", "1", "0", "2", "0.0", "0.0"]


def test_top_says_what_is_missing(home: Path) -> None:
    nothing = CliRunner().invoke(main, ["endpoints", "top", "--once", "--home", str(home)])
    write_counters(home)
    unknown = CliRunner().invoke(main, ["endpoints", "top", "nobody", "--once", "--home", str(home)])

    assert nothing.exit_code != 0
    assert "no gateway tells its counters" in nothing.output
    assert unknown.exit_code != 0
    assert "'nobody'" in unknown.output
