"""What each unit of an A/B test turned out to be worth, by its label: one value a unit, arm by arm.

A unit is one prediction, or, where requests are dealt out by a key, one of the 10,000 buckets: of a bucket only the
first prediction counts, so that who calls often does not pass for many. While a rollout deals out the requests buckets
are other ones: what was asked then is left out.

Which values there are depends on the order of the predictions alone, never on when somebody looks or which labels are
there already: bounds that hold at all times hold for values that come one after the other, and are not drawn anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from pierhead.gateway.records import PRIMARY
from pierhead.monitoring.domain.cohorts import Arm, Cut, Loss
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
    """Of two units that follow each other in an arm (the first and the second, the third and the fourth ...), one with
    a label above 0 and one with another: 1 if the first of these has the higher prediction, 1/2 if it has the same,
    else 0. The mean of these independent values is the area under the ROC curve (Mann and Whitney 1947)."""


@dataclass(frozen=True, slots=True)
class UnitCohort:
    """Values of units that were first seen in the same stretch of time; maturity as in `Cohort`."""

    is_mature: bool
    arms: Mapping[Arm, Moments]


_UNITS = """
    CREATE OR REPLACE TEMP TABLE units AS
    SELECT *, (epoch_us(timestamp) - ?) // ? AS cohort,
        row_number() OVER (PARTITION BY model_name, model_version ORDER BY timestamp, request_id, row_index) AS place
    FROM (SELECT * FROM labelled WHERE NOT is_copy AND route = ? {without} {first})
"""

_FIRST_OF_BUCKET = """
    AND bucket IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY bucket ORDER BY timestamp, request_id, row_index) = 1
"""

_PLAIN = "SELECT cohort, model_name, model_version, {value} AS value FROM units WHERE label IS NOT NULL"

_RANKED = """
    SELECT later.cohort, later.model_name, later.model_version,
        CASE WHEN earlier.number = later.number THEN 0.5
             WHEN (earlier.number > later.number) = (earlier.label_number > 0) THEN 1.0 ELSE 0.0 END AS value
    FROM units earlier JOIN units later ON later.place = earlier.place + 1
        AND later.model_name = earlier.model_name AND later.model_version = earlier.model_version
    WHERE earlier.place % 2 = 1 AND earlier.number IS NOT NULL AND later.number IS NOT NULL
        AND (earlier.label_number > 0) <> (later.label_number > 0)
"""

_VALUES = {
    Value.CORRECT: _PLAIN.format(value="is_correct::INT::DOUBLE"),
    Value.ABSOLUTE_ERROR: _PLAIN.format(value=LOSSES[Loss.ABSOLUTE]),
    Value.LABEL: _PLAIN.format(value="label_number"),
    Value.RANKED: _RANKED,
}


class LabelledUnits:
    """Reads the units of one endpoint; `payload` is the full name of its payload table, `ramps` are the times in which
    a rollout dealt out its requests."""

    def __init__(
        self, labelled: Labelled, payload: str, *, is_by_bucket: bool, ramps: Sequence[tuple[datetime, datetime]] = ()
    ) -> None:
        self._labelled = labelled
        self._payload = payload
        self._first = _FIRST_OF_BUCKET if is_by_bucket else ""
        self._without = "".join(map(_outside, ramps)) if is_by_bucket else ""

    def cohorts(
        self, value: Value, *, since: datetime, until: datetime, width: timedelta, now: datetime
    ) -> Sequence[UnitCohort]:
        """Units first seen from `since` until before `until`, by callers' own requests.

        Raises as `Labelled.cohorts` does.
        """
        check_period(since, until, width)
        with self._labelled.querying(self._payload, since, until) as database:
            delays = read_delays(database)
            database.execute(_UNITS.format(first=self._first, without=self._without), [*steps(since, width), PRIMARY])
            found = database.execute(
                f"""
                SELECT cohort, model_name, model_version, count(value), avg(value), var_pop(value) * count(value)
                FROM ({_VALUES[value]}) GROUP BY ALL ORDER BY ALL
                """
            ).fetchall()
        arms: dict[int, dict[Arm, Moments]] = {}
        for number, model, version, n, mean, m2 in found:
            arms.setdefault(number, {})[Arm(model, version, PRIMARY)] = Moments(n, mean or 0.0, m2 or 0.0)
        cut = Cut(since, until, width, now)
        return [UnitCohort(cut.place(number, delays)[-1], values) for number, values in sorted(arms.items())]


def _outside(ramp: tuple[datetime, datetime]) -> str:
    start, end = (f"TIMESTAMPTZ '{moment.isoformat()}'" for moment in ramp)
    return f" AND NOT (timestamp >= {start} AND timestamp < {end})"
