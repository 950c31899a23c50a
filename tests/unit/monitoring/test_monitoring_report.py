"""What a report shows first, and what it leaves out."""

from dataclasses import replace

import pytest
from alert_examples import HOUR, START, at, rule

from pierhead.monitoring.domain.alert_metrics import parse_metric
from pierhead.monitoring.domain.alert_records import KeptAlert, KeptRule, Subject, SubjectKind
from pierhead.monitoring.domain.alert_rules import Severity
from pierhead.monitoring.domain.alerts import AlertState, Reading, Slice, Status
from pierhead.monitoring.domain.cohorts import LabelDelays
from pierhead.monitoring.domain.report import compose
from pierhead.monitoring.domain.report_attention import Gravity
from pierhead.monitoring.domain.report_facts import ColumnFact, DriftFact, Facts, QualityFact
from pierhead.monitoring.domain.report_features import categories_of
from pierhead.monitoring.domain.windows import Granularity, Window
from pierhead.monitoring.services.report_drawings import Drawings

NOW = at(6.5)


def hour(number: int) -> Window:
    return Window(at(number), at(number + 1))


def drift(column: str, number: int, value: float | None, *, statistic: str = "PSI", **fields: float) -> DriftFact:
    level = "unknown" if value is None else "alarm" if value > 0.2 else "ok"
    limits = (None, None) if value is None else (0.1, 0.02)
    return DriftFact(hour(number), column, statistic, value, *limits, level, level == "alarm", 1000, 5000, fields)


def facts(**fields: object) -> Facts:
    known = Facts("wine", NOW, Window(START, at(7)), Granularity.HOUR)
    return replace(known, **fields)  # type: ignore[arg-type]


def alert(metric: str, severity: Severity, series: str = "sugar", reading: Reading | None = None) -> KeptAlert:
    subject = Subject(SubjectKind.ENDPOINT, "e1", "wine")
    asked = rule(name=severity.value, metric=parse_metric(metric), severity=severity)
    state = AlertState(at(1), Status.TRIGGERED, triggered_at=at(1), reading=reading or Reading(hour(5), 0.4, 1000))
    return KeptAlert(severity.value, KeptRule(severity.value, subject, asked, "ada", START), series, state, 1)


def test_features_that_drift_now_come_first_and_a_window_that_is_not_over_does_not_count() -> None:
    found = compose(
        facts(
            drift=[
                drift("acid", 5, 0.05),
                drift("acid", 6, 0.9),
                drift("sugar", 5, 0.3),
                drift("alcohol", 5, 0.8),
                drift("colour", 2, 0.9),
            ]
        )
    )
    # That of `colour` is an old one: nobody knows how it is now.
    assert [each.name for each in found.features] == ["alcohol", "sugar", "acid", "colour"]
    assert [each.is_drifted for each in found.features] == [True, True, False, False]
    assert [notice.subject for notice in found.attention] == ["alcohol drifted", "sugar drifted"]


def test_a_window_of_too_few_values_takes_no_verdict_away() -> None:
    few = replace(drift("sugar", 5, None), value=0.9, n=10)
    (feature,) = compose(facts(drift=[drift("sugar", 3, 0.05), drift("sugar", 4, 0.3), few])).features
    assert feature.latest is not None
    assert (feature.latest.window, feature.is_drifted) == (hour(4), True)


def test_values_of_a_feature_are_of_its_newest_window_that_is_over() -> None:
    columns = [ColumnFact(hour(number), "sugar", "double", 100 - number, 90 - number) for number in (4, 5, 6)]
    (feature,) = compose(facts(columns=columns)).features
    assert feature.current is not None
    assert feature.current.window == hour(5)


def test_an_alarm_is_not_followed_by_its_own_warning_nor_by_what_the_table_says() -> None:
    alerts = [
        alert("drift.population_stability_index", Severity.WARNING),
        alert("drift.population_stability_index", Severity.CRITICAL),
        alert("drift.new_category_share", Severity.INFO, "colour"),
    ]
    found = compose(facts(alerts=alerts, drift=[drift("sugar", 5, 0.4)])).attention
    assert [(each.gravity, each.subject) for each in found] == [
        (Gravity.ALARM, "Alert critical of sugar"),
        (Gravity.HINT, "Alert info of colour"),
    ]


def test_a_notice_of_an_alert_says_value_limit_n_window_slices_and_command() -> None:
    reading = Reading(hour(5), 0.09, 531, 0.05, (Slice("country = ES", 0.2, 80),), "accuracy_score 0.73, before 0.82")
    (found,) = compose(facts(alerts=[alert("quality.accuracy_score", Severity.CRITICAL, "", reading)])).attention
    assert (found.measure, found.value, found.bound, found.n) == ("quality.accuracy_score worse by", 0.09, 0.05, 531)
    assert found.window == hour(5)
    assert "accuracy_score 0.73, before 0.82" in found.said
    assert "worst where country = ES" in found.said
    assert found.command == "pierhead alerts show critical"


def test_a_column_judged_by_several_statistics_is_drawn_as_one_of_them() -> None:
    """PSI of 0.6 beside a share of new values of 0.2, in one line, would be a fall that never was."""
    history = [
        drift("colour", 3, 0.6, statistic="PSI", **{"New categories": 0.1}),
        drift("colour", 4, 0.25, statistic="New categories", PSI=0.9),
        drift("colour", 5, None, statistic="PSI"),
    ]
    assert [each.of("New categories") for each in history] == [0.1, 0.25, None]
    assert [each.of("PSI") for each in history] == [0.6, 0.9, None]
    report = compose(facts(drift=history))
    drawn = Drawings(report).over_time(report.features[0])
    assert "colour: New categories over time" in drawn


def test_a_category_is_new_only_if_the_reference_names_all_of_its_own() -> None:
    window = ColumnFact(hour(5), "colour", "string", 10, 10, frequent=(("red", 8), ("blue", 2)))
    whole = ColumnFact(None, "colour", "string", 50, 50, frequent=(("red", 50),))
    (feature,) = compose(facts(columns=[window, whole])).features
    assert [(each.name, each.is_new) for each in categories_of(feature)] == [("red", False), ("blue", True)]
    partial = replace(whole, n=60)
    (feature,) = compose(facts(columns=[window, partial])).features
    assert not any(each.is_new for each in categories_of(feature))


@pytest.mark.parametrize(
    ("slowest_h", "labelled", "is_open"), [(1, 90, False), (4, 90, True), (4, 100, False)], ids=["old", "young", "all"]
)
def test_a_window_waits_for_labels_while_it_is_younger_than_most_of_them_were(
    slowest_h: int, labelled: int, is_open: bool
) -> None:
    delays = LabelDelays([step / 100 * slowest_h * HOUR.total_seconds() for step in range(101)])
    quality = [QualityFact(hour(3), "*", None, 100, labelled, {"accuracy_score": 0.8})]
    (found,) = compose(facts(quality=quality, delays=delays)).coverage
    assert found.is_open is is_open


def test_accuracy_has_wilsons_interval_and_other_metrics_that_which_was_stored() -> None:
    stored = {"root_mean_squared_error": (1.0, 2.0)}
    quality = [
        QualityFact(hour(3), "*", None, 100, 100, {"accuracy_score": 0.8, "root_mean_squared_error": 1.5}, stored)
    ]
    accuracy, error = compose(facts(quality=quality)).measures
    low, high = accuracy.overall[0].interval or (0.0, 0.0)
    # Wilson (1927) for 80 of 100.
    assert (low, high) == (pytest.approx(0.7112, abs=1e-4), pytest.approx(0.8666, abs=1e-4))
    assert error.overall[0].interval == (1.0, 2.0)


def test_nothing_at_all_says_what_to_do() -> None:
    found = compose(facts(payload="main.wine.quality_payload"))
    assert found.attention == ()
    assert found.drift_missing is not None
    assert found.drift_missing.command == "pierhead monitors create wine"
