"""A/B tests: made, ended and reported by people, read by the controller's loop."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from pierhead.gateway.records import PRIMARY, InferenceRecord
from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import Conflict, InvalidArgument, InvalidState, NotFound, NotImplementedYet
from pierhead.kit.ids import new_id
from pierhead.rollouts.domain.abtest_readings import ABReading
from pierhead.rollouts.domain.abtest_reports import ABReport, report_of
from pierhead.rollouts.domain.abtests import ABStatus, ABTest, ABTestSpec, Metric, end_of
from pierhead.rollouts.domain.observations import Route
from pierhead.rollouts.ports import Outcomes, UnreadableOutcomes
from pierhead.rollouts.services.folding import observation_of
from pierhead.rollouts.services.observations import Observations
from pierhead.rollouts.store.abtests import ABTestStore
from pierhead.rollouts.store.positions import PositionStore
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.table_tags import table_policy
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.store.endpoints import EndpointStore
from pierhead.statistics.sequential.means import Moments

log = structlog.get_logger()

_TICK_BYTES = 8 * 1024 * 1024

MOST_RUNNING = 5
"""Tests of one endpoint at a time: each is told of every request."""


class ABTests:
    """Use cases inside one transaction."""

    def __init__(self, connection: Connection, clock: Clock, endpoints: Endpoints, outcomes: Outcomes) -> None:
        self._connection = connection
        self._store = ABTestStore(connection)
        self._clock = clock
        self._endpoints = endpoints
        self._outcomes = outcomes

    def create(self, name: str, endpoint: Endpoint, spec: ABTestSpec, *, creator: str) -> ABTest:
        """Begin to compare. Raises NotImplementedYet for metrics that nobody measures, InvalidArgument for a plan that
        cannot be carried out, InvalidState while too many tests of the endpoint run."""
        refuse_impossible(endpoint, spec)
        running = [each.name for each in self._store.list_running() if each.endpoint_id == endpoint.id]
        if len(running) >= MOST_RUNNING:
            raise InvalidState(
                f"{len(running)} A/B tests of endpoint {endpoint.name!r} are running, and there may be no more: "
                f"{', '.join(running)}; stop one of them: pierhead abtests stop NAME"
            )
        missing = [
            f"{metric.value}: {why}"
            for metric in spec.metrics
            if metric.needs_labels and (why := self._outcomes.why_not(endpoint, metric))
        ]
        if missing:
            raise NotImplementedYet(f"these metrics are made of labels and cannot be had: {'; '.join(missing)}")
        config = endpoint.active or endpoint.newest
        test = ABTest(
            id=new_id(),
            name=name,
            endpoint_id=endpoint.id,
            endpoint_name=endpoint.name,
            config_version=config.version,
            status=ABStatus.RUNNING,
            spec=spec,
            reading=ABReading(len(spec.arms)),
            revision=1,
            created_by=creator,
            created_at=self._clock.now(),
        )
        self._store.add(test)
        self._endpoints.observe(endpoint.id, test.id, spec.observe_rate)
        note(object=f"A/B test {test.id}", endpoint=endpoint.name, decision="create")
        return test

    def get(self, reference: str) -> ABTest:
        """By id, or the newest of this name. Raises NotFound."""
        found = self._store.find(reference)
        if found is None:
            raise NotFound(f"there is no A/B test {reference!r}; `pierhead abtests list` shows all")
        return found

    def list_newest(self, endpoint_name: str | None = None) -> list[ABTest]:
        """Newest first."""
        return self._store.list_newest(endpoint_name)

    def stop(self, reference: str, *, by: str, reason: str) -> ABTest:
        """End it; what it has found stays. Raises NotFound, InvalidState, or Conflict."""
        test = self.get(reference)
        if test.status is not ABStatus.RUNNING:
            raise InvalidState(f"A/B test {test.name!r} is over already: {test.reason}")
        why = f"{by} stopped it" + (f": {reason}" if reason else "")
        ended = end(self._connection, self._endpoints, test, ABStatus.STOPPED, why, self._clock.now())
        note(object=f"A/B test {test.id}", endpoint=test.endpoint_name, decision="stop")
        return ended

    def report(self, test: ABTest) -> ABReport:
        """What it says at this moment."""

        def outcomes(metric: Metric) -> Sequence[Moments] | str:
            try:
                return self._outcomes.moments(self._connection, test, metric)
            except UnreadableOutcomes as error:
                return str(error)

        return report_of(test.spec, test.reading, outcomes)


def refuse_impossible(endpoint: Endpoint, spec: ABTestSpec) -> None:
    """Raises InvalidArgument for what would never come to a result."""
    if spec.observe_rate <= 0:
        raise InvalidArgument("`observe_rate` must be above 0: nothing would be seen")
    masked = sorted(set(spec.slices) & set(table_policy(endpoint.tags).masks))
    if masked:
        raise InvalidArgument(f"column {masked[0]!r} is masked by a tag of endpoint {endpoint.name!r}: it is no slice")
    labelled = [metric.value for metric in spec.metrics if metric.needs_labels]
    versions = Counter((arm.model_name, arm.model_version) for arm in spec.arms)
    (model, version), arms = versions.most_common(1)[0]
    if labelled and arms > 1:
        raise InvalidArgument(
            f"{arms} arms serve {model} version {version}, and labels are joined by version: they cannot be compared "
            f"by {', '.join(labelled)}"
        )


def end(
    connection: Connection, endpoints: Endpoints, test: ABTest, status: ABStatus, reason: str, now: datetime
) -> ABTest:
    """Raises Conflict if somebody changed it since it was read."""
    ended = replace(test, status=status, reason=reason, ended_at=now)
    if not ABTestStore(connection).put(ended):
        raise Conflict(f"A/B test {test.name!r} was changed at the same moment; look at it, and try again")
    endpoints.stop_observing(test.endpoint_id, test.id)
    PositionStore(connection).forget(test.id)
    return ended


@dataclass(frozen=True, slots=True)
class _Seen:
    test: ABTest
    endpoint: Endpoint | None
    positions: dict[str, int]


class ABTestLoop:
    """Reads observations into running tests; its memory can be lost."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        observations: Observations,
        endpoints: Callable[[Connection], Endpoints],
    ) -> None:
        self._database = database
        self._clock = clock
        self._observations = observations
        self._endpoints = endpoints

    def tick(self) -> None:
        """One reading of each running test; one that fails does not hold up the others."""
        with self._database.reading() as connection:
            positions = PositionStore(connection)
            running = [
                _Seen(test, EndpointStore(connection).find_by_id(test.endpoint_id), positions.of(test.id))
                for test in ABTestStore(connection).list_running()
            ]
        for seen in running:
            try:
                self._read(seen)
            except Conflict:
                # Somebody ended it meanwhile: nothing of this was kept.
                continue
            except Exception:
                log.exception("an A/B test could not be read, will try again", test=seen.test.id)

    def _read(self, seen: _Seen) -> None:
        test, now = seen.test, self._clock.now()
        self._observations.release(test.id, seen.positions)
        batch = self._observations.read(test.id, seen.positions, _TICK_BYTES)
        if seen.endpoint is not None:
            fold(test, batch.records, seen.endpoint)
        ending = end_of(test, seen.endpoint, now)
        if ending is None and batch.positions == seen.positions:
            return
        with self._database.transaction() as connection:
            if ending is not None:
                end(connection, self._endpoints(connection), test, *ending, now)
            elif ABTestStore(connection).put(test):
                PositionStore(connection).put(test.id, batch.positions)
            else:
                raise Conflict(f"A/B test {test.id} was changed meanwhile")
        if ending is not None:
            log.info("A/B test ended", test=test.name, endpoint=test.endpoint_name, reason=ending[1])


def fold(test: ABTest, records: Iterable[InferenceRecord], endpoint: Endpoint) -> None:
    """Count records in the test's reading.

    While a rollout is under way units are dealt out anew, so that nothing is counted then.
    """
    if endpoint.ramp is not None:
        return
    arms = {arm.entity_id: place for place, arm in enumerate(test.spec.arms)}
    masked = table_policy(endpoint.tags).masks
    for record in records:
        arm = arms.get(record.served_entity_id)
        if arm is not None and record.route == PRIMARY:
            test.reading.fold(arm, observation_of(record, Route.PRIMARY, masked), test.spec.slices)
