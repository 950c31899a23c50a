"""What gateways' files say of the calls under way, and what they do not say."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pierhead.serving.domain.autoscaling import STABLE, average
from pierhead.serving.domain.traffic import EntityTraffic, GatewayTraffic
from pierhead.serving.services.readings import Loads, TrafficReadings

START = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ("fraud", "m-1")


class Gateways:
    """Files as gateways write them, at moments of our choice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.readings = TrafficReadings(folder)

    def report(self, s: float, integral_ms: float, *, gateway: str = "g1", process_id: int = 1, **more: Any) -> Loads:
        entity = EntityTraffic(*KEY, {}, [], 0.0, 0, concurrency_ms=integral_ms, **more)
        path = self.folder / f"{gateway}.json"
        path.write_bytes(msgspec.json.encode(GatewayTraffic(gateway, process_id, 0, [entity])))
        moment_s = (START + timedelta(seconds=s)).timestamp()
        os.utime(path, (moment_s, moment_s))
        return self.look(s)

    def look(self, s: float) -> Loads:
        return self.readings.read(START + timedelta(seconds=s))


@pytest.fixture
def gateways(tmp_path: Path) -> Gateways:
    return Gateways(tmp_path)


def calls(loads: Loads, s: float) -> float:
    load = loads.of(KEY)
    assert load is not None
    return average(load, STABLE, START + timedelta(seconds=s))


def test_the_difference_of_two_reports_is_the_calls_between_them(gateways: Gateways) -> None:
    gateways.report(0, 5_000)
    gateways.report(1, 8_000)
    assert calls(gateways.report(2, 11_000), 2) == pytest.approx(3.0)


def test_the_first_report_of_a_gateway_tells_only_who_waits(gateways: Gateways) -> None:
    load = gateways.report(0, 900_000, waiting=2).of(KEY)
    assert load is not None
    assert (list(load.readings), load.waiting) == ([], 2)


def test_gateways_add_up(gateways: Gateways) -> None:
    for s in (0, 1):
        gateways.report(s, 2_000 * s, gateway="g1", waiting=1)
        loads = gateways.report(s, 4_000 * s, gateway="g2", waiting=2)
    assert calls(loads, 1) == pytest.approx(6.0)
    load = loads.of(KEY)
    assert load is not None
    assert load.waiting == 3


def test_a_gateway_that_began_anew_is_not_taken_for_a_negative_load(gateways: Gateways) -> None:
    gateways.report(0, 50_000)
    gateways.report(1, 1_000, process_id=2)
    loads = gateways.report(2, 500, process_id=2)
    load = loads.of(KEY)
    assert load is not None
    assert [reading.concurrency for reading in load.readings] == pytest.approx([1.0, 0.5])


def test_a_report_that_was_seen_counts_once(gateways: Gateways) -> None:
    gateways.report(0, 0)
    gateways.report(1, 1_000)
    gateways.look(1.25)
    assert calls(gateways.look(1.5), 1.5) == pytest.approx(1 / 1.5)


def test_stale_and_broken_files_say_nothing(gateways: Gateways) -> None:
    gateways.report(0, 0, waiting=3)
    assert gateways.look(4.9).of(KEY) is not None
    assert gateways.look(5.1).of(KEY) is None
    (gateways.folder / "g2.json").write_text("half a fi")
    assert gateways.look(5.2).of(KEY) is None


def test_what_is_older_than_a_minute_is_forgotten(gateways: Gateways) -> None:
    gateways.report(0, 0)
    gateways.report(1, 9_000)
    for s in range(4, 67, 3):
        loads = gateways.report(s, 9_000)
    assert KEY not in loads.called


def test_calls_that_were_handed_back_are_told_apart(gateways: Gateways) -> None:
    gateways.report(0, 0)
    loads = gateways.report(1, 0, native_in_flight=2, native_waiting=1)
    load = loads.of_originals(KEY)
    assert load is not None
    assert load.waiting == 1
    assert [reading.concurrency for reading in load.readings] == [3.0]
    assert loads.called == {KEY}


def test_calls_that_were_handed_back_and_answered_between_two_reports_are_not_missed(gateways: Gateways) -> None:
    gateways.report(0, 0, declined=4)
    gateways.report(1, 0, declined=4)
    assert gateways.look(1).called == set()
    load = gateways.report(2, 0, declined=5).of_originals(KEY)
    assert load is not None
    assert 0 < load.readings[0].concurrency < 0.1


def test_what_was_read_before_the_clock_was_set_back_does_not_count(gateways: Gateways) -> None:
    for s in range(4000, 4010):
        gateways.report(s, 64_000 * (s - 4000))
    for s in range(5):
        loads = gateways.report(s, 640_000)
    assert calls(loads, 4) == 0
