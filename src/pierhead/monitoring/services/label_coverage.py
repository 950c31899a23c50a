"""How many predictions have a label by now, and how long labels take."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pierhead.monitoring.domain.cohorts import Cut, LabelDelays
from pierhead.monitoring.services.labelled import Labelled, check_period, read_delays, steps
from pierhead.monitoring.services.request_columns import are_numbers


@dataclass(frozen=True, slots=True)
class CohortCoverage:
    """`delay_s` are the quantiles 0.5, 0.9 and 0.99 of this cohort's labels, None without any."""

    start: datetime
    end: datetime
    maturity: float
    is_mature: bool
    model_name: str
    model_version: str
    route: str
    predictions: int
    labelled: int
    delay_s: tuple[float, float, float] | None

    @property
    def coverage(self) -> float:
        """Share of the predictions that have a label, 0-1."""
        return self.labelled / self.predictions


@dataclass(frozen=True, slots=True)
class Coverage:
    """`labels` counts the rows of the labels table, `unknown_requests` those of requests that no prediction is of,
    `unusable` those that are no numbers though all predictions are."""

    cohorts: Sequence[CohortCoverage]
    delays: LabelDelays
    labels: int
    unknown_requests: int
    unusable: int


_COHORTS = """
    SELECT (epoch_us(timestamp) - ?) // ? AS cohort, model_name, model_version, coalesce(route, ''), count(*),
        count(label), quantile_cont(delay_s, [0.5, 0.9, 0.99]) FILTER (label IS NOT NULL)
    FROM labelled GROUP BY ALL ORDER BY ALL
"""
_UNKNOWN = """
    SELECT count(*), count(*) FILTER (databricks_request_id IS NOT NULL AND databricks_request_id NOT IN
        (SELECT databricks_request_id FROM requests WHERE databricks_request_id IS NOT NULL)),
        count(*) FILTER (label IS NOT NULL AND label_number IS NULL) FROM labels
"""


def read_coverage(
    labelled: Labelled, payload: str, *, since: datetime, until: datetime, width: timedelta, now: datetime
) -> Coverage:
    """Of the predictions from `since` until before `until`. Raises as `Labelled.cohorts` does."""
    check_period(since, until, width)
    with labelled.querying(payload, since, until) as database:
        delays = read_delays(database)
        found = database.execute(_COHORTS, steps(since, width)).fetchall()
        (counts,) = database.execute(_UNKNOWN).fetchall()
        must_be_numbers = are_numbers(database.sql("SELECT * FROM requests LIMIT 0").to_arrow_table().schema)
    cohorts, cut = [], Cut(since, until, width, now)
    for number, model, version, route, predictions, known, quantiles in found:
        delay_s = None if quantiles is None else (quantiles[0], quantiles[1], quantiles[2])
        cohorts.append(CohortCoverage(*cut.place(number, delays), model, version, route, predictions, known, delay_s))
    return Coverage(cohorts, delays, counts[0], counts[1], counts[2] if must_be_numbers else 0)
