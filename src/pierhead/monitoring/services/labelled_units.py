"""What each unit of an A/B test turned out to be worth, by its label: one value a unit, arm by arm.

A unit is one prediction, or, where requests are dealt out by a key, one of the 10,000 buckets: of a bucket only the
first prediction counts, so that who calls often does not pass for many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from pierhead.gateway.records import PRIMARY
from pierhead.monitoring.domain.cohorts import Arm, Loss, mature
from pierhead.monitoring.services.labelled import LOSSES, Labelled, check_period, read_delays, steps
from pierhead.statistics.sequential.means import Moments


class Value(Enum):
    """What a unit is worth."""

    CORRECT = "correct"
    """1 if the prediction is the label, else 0."""
    ABSOLUTE_ERROR = "absolute_error"
    LABEL = "label"
    """The label itself, where it is a number: revenue, for instance."""
    RANKED = "ranked"
    """Of two units, one with a label above 0 and one with another: 1 if the first has the higher prediction, 1/2 if it
    has the same, else 0. The k-th of the one kind meets the k-th of the other, so that values are independent; their
    mean is the area under the ROC curve (Mann and Whitney 1947)."""


@dataclass(frozen=True, slots=True)
class UnitCohort:
    """Values of units that were seen from `start` until before `end`; maturity as in `Cohort`."""

    start: datetime
    end: datetime
    is_mature: bool
    arms: Mapping[Arm, Moments]


_UNITS = """
    CREATE OR REPLACE TEMP TABLE units AS
    SELECT *, (epoch_us(timestamp) - ?) // ? AS cohort FROM (
        SELECT * FROM labelled WHERE NOT is_copy AND route = ?
        {first})
    WHERE label IS NOT NULL
"""

_FIRST_OF_BUCKET = """
    AND bucket IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY bucket ORDER BY timestamp, request_id, row_index) = 1
"""

_PLAIN = "SELECT cohort, model_name, model_version, {value} AS value FROM units"

_RANKED = """
    WITH ranked AS (
        SELECT cohort, model_name, model_version, number, label_number > 0 AS is_positive, row_number() OVER (
            PARTITION BY cohort, model_name, model_version, label_number > 0
            ORDER BY timestamp, request_id, row_index) AS k
        FROM units WHERE number IS NOT NULL AND label_number IS NOT NULL)
    SELECT cohort, model_name, model_version,
        CASE WHEN p.number > n.number THEN 1.0 WHEN p.number = n.number THEN 0.5 ELSE 0.0 END AS value
    FROM ranked p JOIN ranked n USING (cohort, model_name, model_version, k)
    WHERE p.is_positive AND NOT n.is_positive
"""

_VALUES = {
    Value.CORRECT: _PLAIN.format(value="is_correct::INT::DOUBLE"),
    Value.ABSOLUTE_ERROR: _PLAIN.format(value=LOSSES[Loss.ABSOLUTE]),
    Value.LABEL: _PLAIN.format(value="label_number"),
    Value.RANKED: _RANKED,
}


class LabelledUnits:
    """Reads the units of one endpoint; `payload` is the full name of its payload table."""

    def __init__(self, labelled: Labelled, payload: str, *, is_by_bucket: bool) -> None:
        self._labelled = labelled
        self._payload = payload
        self._first = _FIRST_OF_BUCKET if is_by_bucket else ""

    def cohorts(
        self, value: Value, *, since: datetime, until: datetime, width: timedelta, now: datetime
    ) -> Sequence[UnitCohort]:
        """Units first seen from `since` until before `until`, by callers' own requests.

        Raises as `Labelled.cohorts` does.
        """
        check_period(since, until, width)
        with self._labelled.querying(self._payload, since, until) as database:
            delays = read_delays(database)
            database.execute(_UNITS.format(first=self._first), [*steps(since, width), PRIMARY])
            found = database.execute(
                f"""
                SELECT cohort, model_name, model_version, count(value), avg(value), var_pop(value) * count(value)
                FROM ({_VALUES[value]}) GROUP BY ALL ORDER BY ALL
                """
            ).fetchall()
        arms: dict[int, dict[Arm, Moments]] = {}
        for number, model, version, n, mean, m2 in found:
            arms.setdefault(number, {})[Arm(model, version, PRIMARY)] = Moments(n, mean or 0.0, m2 or 0.0)
        cohorts = []
        for number, values in sorted(arms.items()):
            start = since + number * width
            end = min(start + width, until)
            _, is_mature = mature(delays, end, now)
            cohorts.append(UnitCohort(start, end, is_mature, values))
        return cohorts
