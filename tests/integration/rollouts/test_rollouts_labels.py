"""The accuracy gate's labels, out of the tables that the platform really writes."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
from rollouts_rig import RolloutRig

from integration.serving.serving_rig import spec
from pierhead.gateway.records import InferenceRecord, encode
from pierhead.kit.clock import to_ms
from pierhead.kit.spool import SpoolWriter
from pierhead.monitoring.services.ingestion import Ingestion
from pierhead.monitoring.services.label_rows import json_labels
from pierhead.monitoring.services.labels import Labels
from pierhead.rollouts.domain.abtests import ABTest, ABTestSpec, Metric, arms_of
from pierhead.rollouts.domain.gates.results import LabelCohort
from pierhead.rollouts.domain.rollouts import Rollout
from pierhead.rollouts.services.abtests import ABTests
from pierhead.rollouts.store.rollouts import RolloutStore
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import Route, Tag
from pierhead.wiring.rollout_labels import KnownLabels, LabelJoins
from pierhead.wiring.rollout_outcomes import JoinedOutcomes

TABLE = "main.logs.fraud_payload"


def test_both_arms_are_counted_on_the_same_cohorts_by_their_route(rig: RolloutRig, tmp_path: Path) -> None:
    _live_with_a_table(rig)
    rig.start()
    rollout = rig.until(lambda each: each.ready_at is not None)
    rig.clock.advance(60)
    _write(rig, tmp_path, {"c1": ("primary", 1), "c2": ("primary", 0), "n1": ("candidate", 1), "s2": ("shadow", 1)})
    _label(rig, tmp_path, {"c1": 1, "c2": 1, "n1": 1})
    rig.clock.advance(3600)
    joins, labels = _labels(rig, tmp_path)
    joins.tick()
    champion, candidate, pairs = _counted(rig, labels, rollout)
    assert (champion, candidate, pairs) == ((2, 1), (1, 1), (1, 1, 0))
    _go_on(rig)
    canary = rig.get()
    assert _counted(rig, labels, canary) == ((0, 0), (0, 0), (0, 0, 0))
    rig.clock.advance(120)
    _write(rig, tmp_path, {"c3": ("primary", 1), "n3": ("candidate", 1)})
    _label(rig, tmp_path, {"c3": 1, "n3": 1})
    rig.clock.advance(3600)
    joins.tick()
    assert _counted(rig, labels, canary) == ((1, 1), (1, 1), (0, 0, 0))


def test_labels_are_joined_once_a_minute_and_looked_up_in_between(rig: RolloutRig, tmp_path: Path) -> None:
    _live_with_a_table(rig)
    rig.start()
    rollout = rig.until(lambda each: each.ready_at is not None)
    rig.clock.advance(3600)
    joins, labels = _labels(rig, tmp_path)
    joins.tick()
    (path,) = (tmp_path / "labels").iterdir()
    first = path.read_bytes()
    rig.clock.advance(30)
    joins.tick()
    assert path.read_bytes() == first
    rig.clock.advance(30)
    joins.tick()
    assert path.read_bytes() != first
    rig.act("abort")
    joins.tick()
    assert not path.exists()
    assert _counted(rig, labels, rollout)[0] == (0, 0)


def test_an_endpoint_without_an_inference_table_has_no_labels(rig: RolloutRig, tmp_path: Path) -> None:
    rig.start()
    rollout = rig.until(lambda each: each.ready_at is not None)
    rig.clock.advance(3600)
    joins, labels = _labels(rig, tmp_path)
    joins.tick()
    assert _counted(rig, labels, rollout)[0] == (0, 0)


def test_arms_of_an_ab_test_are_compared_by_labels_of_mature_cohorts(rig: RolloutRig, tmp_path: Path) -> None:
    outcomes, test = _ab_test(rig, tmp_path, Metric.ACCURACY, Metric.LOSS)
    rig.clock.advance(60)
    _write(rig, tmp_path, {"a1": ("primary", 1), "a2": ("primary", 0)}, version="1")
    _write(rig, tmp_path, {"b1": ("primary", 1), "b2": ("primary", 1)}, version="2")
    _label(rig, tmp_path, dict.fromkeys(("a1", "a2", "b1", "b2"), 1))
    rig.clock.advance(3600)
    with rig.database.reading() as connection:
        accuracy = outcomes.moments(connection, test, Metric.ACCURACY)
        loss = outcomes.moments(connection, test, Metric.LOSS)
    assert [(each.n, each.mean) for each in accuracy] == [(2, 0.5), (2, 1.0)]
    assert [(each.n, each.mean) for each in loss] == [(2, 0.5), (2, 0.0)]


def test_auc_and_revenue_are_of_labels_too(rig: RolloutRig, tmp_path: Path) -> None:
    outcomes, test = _ab_test(rig, tmp_path, Metric.AUC, Metric.REVENUE)
    rig.clock.advance(60)
    # Pairs follow each other: version 1 ranks one right and one wrong, version 2 ties one and ranks one right.
    _write(rig, tmp_path, {f"a{i}": ("primary", answer) for i, answer in enumerate((9, 1, 2, 5))}, version="1")
    _write(rig, tmp_path, {f"b{i}": ("primary", answer) for i, answer in enumerate((3, 3, 4, 1))}, version="2")
    _label(rig, tmp_path, {"a0": 40, "a1": 0, "a2": 20, "a3": 0, "b0": 10, "b1": 0, "b2": 20, "b3": 0})
    rig.clock.advance(3600)
    with rig.database.reading() as connection:
        auc = outcomes.moments(connection, test, Metric.AUC)
        revenue = outcomes.moments(connection, test, Metric.REVENUE)
    assert [(each.n, each.mean) for each in auc] == [(2, 0.5), (2, 0.75)]
    assert [(each.n, each.mean) for each in revenue] == [(4, 15.0), (4, 7.5)]


def test_pairs_stay_what_they_were_when_more_comes(rig: RolloutRig, tmp_path: Path) -> None:
    outcomes, test = _ab_test(rig, tmp_path, Metric.AUC)
    seen: list[tuple[int, float]] = []
    for day in range(4):
        rig.clock.advance(60)
        for version in ("1", "2"):
            for place, (answer, label) in enumerate([(day, 1), (2, 0), (1, 0), (day % 2, 1), (3, 0), (1, 0)]):
                name = f"{version}-{day}-{place}"
                _write(rig, tmp_path, {name: ("primary", answer)}, version=version)
                # The last two wait for their labels for ever.
                if place < 4:
                    _label(rig, tmp_path, {name: label})
        rig.clock.advance(3600)
        with rig.database.reading() as connection:
            arm, _ = outcomes.moments(connection, test, Metric.AUC)
        seen.append((arm.n, arm.n * arm.mean))
    right = [(day > 2) + (day == 2) / 2 + (day % 2 > 1) + (day % 2 == 1) / 2 for day in range(4)]
    assert seen == [(2 * (day + 1), sum(right[: day + 1])) for day in range(4)]


def test_where_customers_are_units_their_first_request_alone_counts(rig: RolloutRig, tmp_path: Path) -> None:
    with rig.serving.endpoints() as endpoints:
        endpoints.patch_tags("fraud", add=[Tag("pierhead.unit_key", "header:x-customer")], delete=[])
    outcomes, test = _ab_test(rig, tmp_path, Metric.ACCURACY)
    rig.clock.advance(60)
    _write(rig, tmp_path, {"a1": ("primary", 1)}, version="1", bucket=7)
    _write(rig, tmp_path, {"b1": ("primary", 0)}, version="2", bucket=5007)
    rig.clock.advance(1)
    _write(rig, tmp_path, {f"a{i}": ("primary", 0) for i in range(2, 9)}, version="1", bucket=7)
    _label(rig, tmp_path, {"b1": 1} | {f"a{i}": 1 for i in range(1, 9)})
    rig.clock.advance(3600)
    with rig.database.reading() as connection:
        accuracy = outcomes.moments(connection, test, Metric.ACCURACY)
    assert [(each.n, each.mean) for each in accuracy] == [(1, 1.0), (1, 0.0)]
    # While a rollout deals, buckets are others: what is asked then is left out.
    rig.start(version="3")
    rig.until(lambda rollout: rollout.ready_at is not None)
    _write(rig, tmp_path, {"a9": ("primary", 0)}, version="1", bucket=9)
    _label(rig, tmp_path, {"a9": 1})
    rig.act("abort")
    rig.clock.advance(3600)
    with rig.database.reading() as connection:
        assert [each.n for each in outcomes.moments(connection, test, Metric.ACCURACY)] == [1, 1]


def _ab_test(rig: RolloutRig, root: Path, *metrics: Metric) -> tuple[JoinedOutcomes, ABTest]:
    """Versions 1 and 2 with half of the traffic each."""
    with rig.serving.endpoints() as endpoints:
        capture = CaptureConfig("main", "logs", "fraud", True)
        both = (spec("1", name="a"), spec("2", name="b"))
        draft = ConfigDraft(both, (Route("a", 5000), Route("b", 5000)), capture)
        endpoints.update_config("fraud", draft, creator="ada")
    rig.serving.until_ready()
    outcomes, endpoint = JoinedOutcomes(root / "tables", rig.clock), rig.serving.get()
    assert [outcomes.why_not(endpoint, metric) for metric in metrics] == [None] * len(metrics)
    terms = ABTestSpec(arms_of(endpoint, None, ()), metrics)
    with rig.database.transaction() as connection:
        tests = ABTests(connection, rig.clock, rig.endpoints(connection), outcomes)
        return outcomes, tests.create("which", endpoint, terms, creator="ada")


def _live_with_a_table(rig: RolloutRig) -> None:
    with rig.serving.endpoints() as endpoints:
        capture = CaptureConfig("main", "logs", "fraud", True)
        endpoints.update_config("fraud", ConfigDraft((spec("1"),), None, capture), creator="ada")
    rig.serving.until_ready()


def _go_on(rig: RolloutRig) -> None:
    """The next step begins now."""
    with rig.database.transaction() as connection:
        rollout = rig.get()
        state = replace(rollout.state, step=1, step_started_at=rig.clock.now())
        assert RolloutStore(connection).put(replace(rollout, state=state))


def _labels(rig: RolloutRig, root: Path) -> tuple[LabelJoins, KnownLabels]:
    folder = root / "labels"
    return LabelJoins(rig.database, root / "tables", folder, rig.clock), KnownLabels(folder)


def _counted(
    rig: RolloutRig, labels: KnownLabels, rollout: Rollout
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int]]:
    """Labelled and correct of champion and candidate, and pairs with those gained and lost, over all cohorts."""
    with rig.database.reading() as connection:
        cohorts: list[LabelCohort] = [*labels.cohorts(connection, rollout)]
    return (
        (sum(each.champion.labelled for each in cohorts), sum(each.champion.correct for each in cohorts)),
        (sum(each.candidate.labelled for each in cohorts), sum(each.candidate.correct for each in cohorts)),
        (sum(each.pairs for each in cohorts), sum(each.gained for each in cohorts), sum(each.lost for each in cohorts)),
    )


def _write(
    rig: RolloutRig, root: Path, answers: dict[str, tuple[str, int]], version: str = "1", bucket: int = 0
) -> None:
    writer = SpoolWriter(root / "spool", "g1")
    base = msgspec.structs.replace(rig.record(0), model_version=version, bucket=bucket)
    for request_id, (route, answer) in answers.items():
        record = _changed(base, request_id, route, answer, to_ms(rig.clock.now()))
        writer.append(TABLE, [encode(record)])
    writer.close()
    Ingestion(root / "spool", root / "tables", rig.clock).tick()


def _changed(base: InferenceRecord, request_id: str, route: str, answer: int, at_ms: int) -> InferenceRecord:
    body = json.dumps({"predictions": [answer]}).encode()
    return msgspec.structs.replace(
        base,
        request_id=request_id,
        route=route,
        response=body,
        timestamp_ms=at_ms,
        client_request_id=None,
        shadow_of=request_id.replace("s", "c") if route == "shadow" else None,
    )


def _label(rig: RolloutRig, root: Path, labels: dict[str, int]) -> None:
    rows = [{"request_id": request_id, "label": label} for request_id, label in labels.items()]
    now = rig.clock.now() + timedelta(seconds=30)
    Labels(root / "tables", TABLE).add(json_labels(rows), batch_id=" ".join(labels), source="test", now=now)
