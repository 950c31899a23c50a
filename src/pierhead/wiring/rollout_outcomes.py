"""A/B tests' `Outcomes`, filled by the labels and requests tables of the endpoint."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import duckdb
from sqlalchemy import Connection

from pierhead.gateway.records import PRIMARY
from pierhead.kit.clock import Clock
from pierhead.kit.delta import DELTA_ERRORS, first_line
from pierhead.monitoring.domain.cohorts import Arm as LabelledArm
from pierhead.monitoring.domain.cohorts import ArmReading, Cohort, Loss
from pierhead.monitoring.services.labelled import Labelled
from pierhead.rollouts.domain.abtests import ABTest, Arm, Metric
from pierhead.rollouts.ports import UnreadableOutcomes
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.tags import UNIT_KEY, unit_of
from pierhead.serving.store.endpoints import EndpointStore
from pierhead.statistics.sequential.means import Moments

_MOST_COHORTS = 20
_LEAST_WIDTH = timedelta(minutes=1)
_HAD = (Metric.ACCURACY, Metric.LOSS)


class JoinedOutcomes:
    """`rollouts.ports.Outcomes`: accuracy, and the absolute error as loss, of predictions whose labels have come."""

    def __init__(self, tables: Path, clock: Clock) -> None:
        self._labelled = Labelled(tables)
        self._clock = clock

    def why_not(self, endpoint: Endpoint, metric: Metric) -> str | None:
        if metric not in _HAD:
            return f"of labels there are {' and '.join(each.value for each in _HAD)} only, so far"
        if unit_of(endpoint.tags):
            return f"labels are joined to requests, and the endpoint deals out units by its tag {UNIT_KEY}"
        if _payload(endpoint) is None:
            return f"endpoint {endpoint.name!r} has no inference table that labels could be joined to"
        return None

    def moments(self, connection: Connection, test: ABTest, metric: Metric) -> Sequence[Moments]:
        """Of cohorts that are mature and in which every arm has labels. Raises UnreadableOutcomes."""
        sums = [Moments() for _ in test.spec.arms]
        endpoint = EndpointStore(connection).find_by_id(test.endpoint_id)
        payload, now = _payload(endpoint), self._clock.now()
        until = test.ended_at or now
        if payload is None or until - test.created_at < _LEAST_WIDTH:
            return sums
        width = max((until - test.created_at) / _MOST_COHORTS, _LEAST_WIDTH)
        try:
            found = self._labelled.cohorts(
                payload, since=test.created_at, until=until, width=width, now=now, loss=Loss.ABSOLUTE
            )
        except (*DELTA_ERRORS, duckdb.Error) as error:
            raise UnreadableOutcomes(f"labels of {payload} cannot be read: {first_line(error)}") from error
        for cohort in found.cohorts:
            readings = [each for arm in test.spec.arms if (each := _reading(cohort, arm)) is not None and each.labelled]
            if cohort.is_mature and len(readings) == len(sums):
                sums = [of.merge(_moments(each, metric)) for of, each in zip(sums, readings, strict=True)]
        return sums


def _payload(endpoint: Endpoint | None) -> str | None:
    return None if endpoint is None or endpoint.active is None else endpoint.capture_table(endpoint.active)


def _reading(cohort: Cohort, arm: Arm) -> ArmReading | None:
    return cohort.arms.get(LabelledArm(arm.model_name, arm.model_version, PRIMARY))


def _moments(reading: ArmReading, metric: Metric) -> Moments:
    if metric is Metric.LOSS:
        return reading.loss
    share = reading.correct / reading.labelled
    return Moments(reading.labelled, share, reading.labelled * share * (1 - share))
