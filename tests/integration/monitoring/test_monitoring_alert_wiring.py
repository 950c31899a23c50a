"""What alerts do to rollouts and to the promotion gate."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.gate import without
from harness.databases import LentDatabases
from integration.registry.registry_world import World
from integration.rollouts.rollouts_rig import RolloutRig
from pierhead.kit.errors import InvalidState
from pierhead.kit.ids import new_id
from pierhead.monitoring.domain.alert_metrics import parse_metric
from pierhead.monitoring.domain.alert_records import KeptRule, Subject, SubjectKind
from pierhead.monitoring.domain.alert_rules import AlertRule, Counting, Limit, Side
from pierhead.monitoring.domain.alerts import Reading
from pierhead.monitoring.domain.windows import Window
from pierhead.monitoring.services.alert_looks import look
from pierhead.monitoring.store.alerts import RuleStore
from pierhead.registry.domain.check import Failed, Passed
from pierhead.registry.domain.check_reports import ReportParams
from pierhead.registry.domain.checks import CHECKS
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.store.evidence import EvidenceStore
from pierhead.rollouts.services.loop import RolloutLoop, Surroundings
from pierhead.wiring.alerts import PromotionReports, RolloutsByAlerts
from pierhead.wiring.rollouts import OpenAlerts


@pytest.fixture
def rig(tmp_path: Path, on_sqlite: LentDatabases) -> Iterator[RolloutRig]:
    with on_sqlite.lend() as database:
        rig = RolloutRig(tmp_path, database)
        rig.live()
        yield rig
        rig.close()


def triggered(rig: RolloutRig, value: float) -> None:
    """An alert of the endpoint has this value now, where 0.2 is too much."""
    endpoint = rig.serving.get()
    metric, limit = parse_metric("traffic.error_rate"), Limit(Side.ABOVE, 0.2)
    rule = AlertRule("errors", metric, limit, counting=Counting(1, 1, 0))
    now = rig.clock.now()
    kept = KeptRule(new_id(), Subject(SubjectKind.ENDPOINT, endpoint.id, endpoint.name), rule, "ada", now)
    with rig.database.transaction() as connection:
        store = RuleStore(connection)
        known = store.list_of(kept.subject)
        kept = known[0] if known else kept
        if not known:
            store.add(kept)
    look(rig.database, kept, {"": (Reading(Window(now, now), value, 1000),)}, now)


def test_an_open_alert_stops_a_rollout_from_going_on(rig: RolloutRig) -> None:
    surroundings = Surroundings(
        rig.endpoints,
        rig.observations,
        _NoLabels(),
        OpenAlerts(),
        rig.evidence,
        rig.engines,
        why_not_promote=lambda *_: "",
        nudge=lambda: None,
    )
    rig.loop = RolloutLoop(rig.database, rig.clock, surroundings)
    rig.start()
    triggered(rig, 0.9)
    rig.judge(12)
    held = rig.get()
    assert (held.state.step, held.state.status.value) == (0, "running")
    triggered(rig, 0.0)
    rig.judge(4)
    assert rig.get().state.step > 0


def test_an_alert_holds_and_rolls_back(rig: RolloutRig) -> None:
    control = RolloutsByAlerts(rig.clock, rig.serving.versions)
    rig.start()
    with rig.database.transaction() as connection:
        assert control.hold(connection, "fraud", "drift") == "the rollout of main.fraud.model version 2 is held"
    assert rig.get().state.status.value == "paused"
    with rig.database.transaction() as connection:
        assert control.roll_back(connection, "fraud", "drift").endswith("is rolled back")
    assert rig.get().state.status.value == "aborted"
    with rig.database.transaction() as connection, pytest.raises(InvalidState):
        control.hold(connection, "fraud", "drift")


def test_a_frozen_model_is_promoted_again_once_its_alert_is_over(tmp_path: Path, on_sqlite: LentDatabases) -> None:
    check, reports = CHECKS["no_open_alert"], PromotionReports()
    with on_sqlite.lend() as database:
        world = World(tmp_path, database)
        world.create_model("main.fraud.model")
        first = world.register("main.fraud.model")

        def verdict(version: ModelVersion) -> Passed | Failed:
            with database.reading() as connection:
                evidence = without(reports=EvidenceStore(connection).reports_of(version.id))
            return check.judge(evidence, ReportParams("no_open_alert", None), world.clock.now())

        assert verdict(first) == Passed()
        for _ in range(2):
            with database.transaction() as connection:
                reports.freeze(connection, "main.fraud.model", "alert drift", world.clock.now())
            assert verdict(first) == Failed("promotions are frozen: alert drift")
            second = world.register("main.fraud.model")
        assert verdict(second) == Passed(), "until the loop comes by again"
        with database.transaction() as connection:
            reports.thaw(connection, "main.fraud.model", world.clock.now())
            reports.freeze(connection, "main.fraud.gone", "no such model", world.clock.now())
        assert verdict(first) == Passed()
        world.close()


class _NoLabels:
    def cohorts(self, _connection: object, _rollout: object) -> tuple[()]:
        return ()
