"""A/B tests on a real database and a real spool."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from rollouts_rig import RolloutRig
from sqlalchemy import Connection

from integration.serving.serving_rig import spec
from pierhead.gateway.records import InferenceRecord, encode
from pierhead.kit.errors import InvalidArgument, InvalidState, NotImplementedYet
from pierhead.rollouts.domain.abtest_reports import ABReport
from pierhead.rollouts.domain.abtests import ABStatus, ABTest, ABTestSpec, Metric, arms_of
from pierhead.rollouts.services.abtests import MOST_RUNNING, ABTestLoop, ABTests
from pierhead.serving.domain.endpoints import Tag
from pierhead.statistics.sequential.means import Moments

METRICS = (Metric.SCORE, Metric.LATENCY, Metric.ERROR_RATE)


class NoOutcomes:
    def why_not(self, _endpoint: object, _metric: Metric) -> str:
        return "nobody sends labels"

    def moments(self, _connection: Connection, _test: ABTest, _metric: Metric) -> list[Moments]:
        raise AssertionError("nobody asks for what is not measured")


class ABRig:
    """An endpoint with the arms `a` and `b`, half of the traffic each."""

    def __init__(self, rig: RolloutRig) -> None:
        self.rig = rig
        rig.serving.update("fraud", spec("1", name="a"), spec("2", name="b"), routes={"a": 50, "b": 50})
        rig.serving.until_ready()
        self.loop = ABTestLoop(rig.database, rig.clock, rig.observations, rig.endpoints)
        self._count = 0

    def tests(self, connection: Connection) -> ABTests:
        return ABTests(connection, self.rig.clock, self.rig.endpoints(connection), NoOutcomes())

    def create(self, **more: Any) -> ABTest:
        with self.rig.database.transaction() as connection:
            endpoint = self.rig.endpoints(connection).get("fraud")
            terms = {"arms": arms_of(endpoint, None, ()), "metrics": METRICS} | more
            return self.tests(connection).create("which", endpoint, ABTestSpec(**terms), creator="ada")

    def get(self) -> ABTest:
        with self.rig.database.reading() as connection:
            return self.tests(connection).get("which")

    def report(self) -> ABReport:
        with self.rig.database.reading() as connection:
            tests = self.tests(connection)
            return tests.report(tests.get("which"))

    def serve(self, requests: int, arm: Callable[[int], str] = lambda i: "ab"[i % 2], **more: Any) -> None:
        """What gateways write down; `more` are fields of the records, or functions of the request's number."""
        endpoint = self.rig.serving.get()
        assert endpoint.active is not None
        ids = {entity.name: entity.id for entity in endpoint.active.entities}
        for observer in endpoint.observers:
            records = [self._record(i, arm(i), ids, more) for i in range(self._count, self._count + requests)]
            self.rig.writer.append(f"pierhead.observations.{observer.id}", [encode(record) for record in records])
        self._count += requests
        self.loop.tick()

    def _record(self, number: int, arm: str, ids: dict[str, str], more: dict[str, Any]) -> InferenceRecord:
        score = (number * 37 % 100) / 100 + (0.3 if arm == "b" else 0.0)
        answer = json.dumps({"predictions": [score]}).encode()
        given = {key: value(number) if callable(value) else value for key, value in more.items()}
        changes = {"served_entity_id": ids[arm], "served_entity_name": arm, "response": answer} | given
        return msgspec.structs.replace(self.rig.record(number), **changes)


@pytest.fixture
def ab(rig: RolloutRig) -> ABRig:
    return ABRig(rig)


def test_a_difference_of_scores_is_found_and_a_lack_of_one_is_not(ab: ABRig) -> None:
    ab.create()
    ab.serve(600)
    report = ab.report()
    said = {finding.metric: finding.says for finding in report.findings}
    assert said == {Metric.SCORE: "higher", Metric.LATENCY: "undecided", Metric.ERROR_RATE: "undecided"}
    (score,) = [finding for finding in report.findings if finding.metric is Metric.SCORE]
    assert score.lower is not None
    assert score.upper is not None
    assert score.lower < 0.3 < score.upper
    assert not report.is_mismatched
    (view,) = report.bayes
    assert view["probability_better_than_control"] == pytest.approx(0.5, abs=0.01)


def test_a_sample_ratio_that_is_off_withholds_every_finding(ab: ABRig) -> None:
    ab.create()
    ab.serve(900, arm=lambda i: "a" if i % 3 else "b")
    report = ab.report()
    assert report.is_mismatched
    assert {finding.says for finding in report.findings} == {"undecided"}


def test_slices_are_looked_at_one_by_one_under_one_level(ab: ABRig) -> None:
    ab.create(slices=("city",), metrics=(Metric.SCORE,))
    ab.serve(1800)
    report = ab.report()
    assert [finding.slice for finding in report.findings] == [None, ("city", "c0"), ("city", "c1"), ("city", "c2")]
    assert {finding.says for finding in report.findings} == {"higher"}


def test_a_unit_counts_once_however_often_it_calls(ab: ABRig) -> None:
    with ab.rig.serving.endpoints() as endpoints:
        endpoints.patch_tags("fraud", add=[Tag("pierhead.unit_key", "header:x-customer")], delete=[])
    ab.create()
    ab.serve(400, unit_hash=lambda i: f"{(i % 40) * 2**58 // 40 * 61:016x}")
    test = ab.get()
    assert (test.reading.requests, test.reading.units, test.reading.strays) == (400, 40, 0)


def test_it_ends_by_itself_as_planned(ab: ABRig) -> None:
    ab.create(most_units=100)
    ab.serve(99)
    assert ab.get().status is ABStatus.RUNNING
    ab.serve(20)
    ab.loop.tick()
    assert ab.get().status is ABStatus.COMPLETED
    assert ab.rig.serving.get().observers == ()


def test_its_time_runs_out(ab: ABRig) -> None:
    ab.create(ends_at=ab.rig.clock.now() + timedelta(hours=1))
    ab.rig.clock.advance(3601)
    ab.loop.tick()
    assert ab.get().reason == "its time is over, as planned"


def test_another_split_ends_it_because_arms_are_no_longer_alike(ab: ABRig) -> None:
    ab.create()
    ab.serve(100)
    ab.rig.serving.update("fraud", routes={"a": 80, "b": 20})
    ab.rig.serving.until_ready()
    ab.loop.tick()
    test = ab.get()
    assert test.status is ABStatus.STOPPED
    assert "changed from 50 to 80 %" in test.reason
    assert test.reading.requests == 100


def test_a_controller_that_is_started_again_counts_nothing_twice(ab: ABRig) -> None:
    ab.create()
    ab.serve(50)
    ab.loop = ABTestLoop(ab.rig.database, ab.rig.clock, ab.rig.observations, ab.rig.endpoints)
    ab.serve(50)
    assert ab.get().reading.requests == 100


def test_people_stop_it_once(ab: ABRig) -> None:
    ab.create()
    with ab.rig.database.transaction() as connection:
        assert ab.tests(connection).stop("which", by="ada", reason="enough").reason == "ada stopped it: enough"
    with ab.rig.database.transaction() as connection, pytest.raises(InvalidState, match="over already"):
        ab.tests(connection).stop("which", by="ada", reason="")


def test_metrics_of_labels_say_what_is_missing(ab: ABRig) -> None:
    with pytest.raises(NotImplementedYet, match="accuracy: nobody sends labels"):
        ab.create(metrics=(Metric.ACCURACY,))


def test_a_test_that_could_come_to_nothing_is_refused(ab: ABRig) -> None:
    with ab.rig.serving.endpoints() as endpoints:
        endpoints.patch_tags("fraud", add=[Tag("pierhead.masked_columns", "city:drop")], delete=[])
    with pytest.raises(InvalidArgument, match="column 'city' is masked"):
        ab.create(slices=("city",))
    with pytest.raises(InvalidArgument, match="observe_rate"):
        ab.create(observe_rate=0.0)
    arms = arms_of(ab.rig.serving.get(), None, ())
    same = tuple(replace(arm, model_version="1") for arm in arms)
    with pytest.raises(InvalidArgument, match=r"2 arms serve .* version 1"):
        ab.create(arms=same, metrics=(Metric.LOSS,))


def test_few_tests_of_an_endpoint_run_at_a_time(ab: ABRig) -> None:
    for _ in range(MOST_RUNNING):
        ab.create()
    with pytest.raises(InvalidState, match="pierhead abtests stop"):
        ab.create()


def test_requests_of_one_id_are_one_unit_without_a_unit_key_too(ab: ABRig) -> None:
    ab.create()
    ab.serve(200, unit_hash="00000000000000ff", arm=lambda _i: "a")
    assert (ab.get().reading.requests, ab.get().reading.units) == (200, 1)


def test_masked_columns_reach_no_slice(ab: ABRig) -> None:
    ab.create(slices=("city",))
    with ab.rig.serving.endpoints() as endpoints:
        endpoints.patch_tags("fraud", add=[Tag("pierhead.masked_columns", "city")], delete=[])
    ab.serve(50)
    assert ab.get().reading.requests == 50
    assert ab.get().reading.slices == {}


def test_one_entity_alone_is_no_test(ab: ABRig) -> None:
    endpoint = ab.rig.serving.get()
    with pytest.raises(InvalidArgument, match="split its traffic first"):
        arms_of(endpoint, None, ("a",))
    with pytest.raises(InvalidArgument, match="no served entity 'c'"):
        arms_of(endpoint, "c", ())
    assert [arm.name for arm in arms_of(endpoint, "b", ())] == ["b", "a"]
