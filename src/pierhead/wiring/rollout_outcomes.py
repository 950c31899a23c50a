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
from pierhead.monitoring.services.endpoint_tables import find_payload
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.labelled_units import LabelledUnits, Value
from pierhead.rollouts.domain.abtests import ABTest, Arm, Metric
from pierhead.rollouts.ports import UnreadableOutcomes
from pierhead.rollouts.store.rollouts import RolloutStore
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.tags import unit_of
from pierhead.serving.store.endpoints import EndpointStore
from pierhead.statistics.sequential.means import Moments

_MOST_COHORTS = 20
_LEAST_WIDTH = timedelta(minutes=1)
_SETTLING = timedelta(seconds=5)
"""Gateways follow the end of a ramp within a second."""

_VALUES = {
    Metric.ACCURACY: Value.CORRECT,
    Metric.LOSS: Value.ABSOLUTE_ERROR,
    Metric.AUC: Value.RANKED,
    Metric.REVENUE: Value.LABEL,
}


class JoinedOutcomes:
    """`rollouts.ports.Outcomes`, of predictions whose labels have come; loss is the absolute error."""

    def __init__(self, tables: Path, clock: Clock) -> None:
        self._labelled = Labelled(tables)
        self._clock = clock

    def why_not(self, endpoint: Endpoint, metric: Metric) -> str | None:
        if metric not in _VALUES:
            return f"{metric.value} is not made of labels"
        if find_payload(endpoint) is None:
            return f"endpoint {endpoint.name!r} has no inference table that labels could be joined to"
        return None

    def moments(self, connection: Connection, test: ABTest, metric: Metric) -> Sequence[Moments]:
        """Of cohorts that are mature and in which every arm has labels. Raises UnreadableOutcomes."""
        sums = [Moments() for _ in test.spec.arms]
        endpoint = EndpointStore(connection).find_by_id(test.endpoint_id)
        payload, now = None if endpoint is None else find_payload(endpoint), self._clock.now()
        until = test.ended_at or now
        if endpoint is None or payload is None or until - test.created_at < _LEAST_WIDTH:
            return sums
        width = max((until - test.created_at) / _MOST_COHORTS, _LEAST_WIDTH)
        ramps = [
            (each.created_at, (each.ended_at or now) + _SETTLING)
            for each in RolloutStore(connection).list_newest(test.endpoint_name)
            if each.endpoint_id == test.endpoint_id
        ]
        try:
            units = LabelledUnits(self._labelled, payload, is_by_bucket=bool(unit_of(endpoint.tags)), ramps=ramps)
            found = units.cohorts(_VALUES[metric], since=test.created_at, until=until, width=width, now=now)
        except (*DELTA_ERRORS, duckdb.Error) as error:
            raise UnreadableOutcomes(f"labels of {payload} cannot be read: {first_line(error)}") from error
        arms = [_arm(each) for each in test.spec.arms]
        for cohort in found:
            if cohort.is_mature and all(arm in cohort.arms and cohort.arms[arm].n for arm in arms):
                sums = [of.merge(cohort.arms[arm]) for of, arm in zip(sums, arms, strict=True)]
        return sums


def _arm(arm: Arm) -> LabelledArm:
    return LabelledArm(arm.model_name, arm.model_version, PRIMARY)
