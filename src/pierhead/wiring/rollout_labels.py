"""Rollouts' `Labels`, filled by the labels and requests tables of the endpoint.

Joining them takes seconds where a tick takes a second, so that a loop of its own does it and leaves what it found in a
file per rollout. It is made anew from the tables whenever it is lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import msgspec
import structlog
from sqlalchemy import Connection

from pierhead.gateway.records import CANDIDATE, PRIMARY, SHADOW
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.delta import DELTA_ERRORS, first_line
from pierhead.kit.replacing import replace_file
from pierhead.monitoring.domain.cohorts import Arm, ArmReading, Cohort, Loss, PairCohort
from pierhead.monitoring.services.endpoint_tables import find_payload
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.labelled_pairs import read_pairs
from pierhead.rollouts.domain.gates.results import LabelCohort, LabelledArm
from pierhead.rollouts.domain.readings import SETTLING_MS
from pierhead.rollouts.domain.rollouts import Rollout
from pierhead.rollouts.store.rollouts import RolloutStore
from pierhead.serving.store.endpoints import EndpointStore
from pierhead.statistics.sequential.means import Moments

log = structlog.get_logger()

_MOST_COHORTS = 20
_LEAST_WIDTH = timedelta(minutes=1)
_READ_EVERY = timedelta(minutes=1)
"""Labels come late anyway."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The labels of one step of one attempt, as of a moment."""

    attempt: int
    step: int
    at: datetime
    cohorts: tuple[LabelCohort, ...]

    def is_of(self, rollout: Rollout) -> bool:
        return (self.attempt, self.step) == (rollout.state.attempt, rollout.state.step)


_KNOWN = msgspec.json.Decoder(_Known)


class KnownLabels:
    """`rollouts.ports.Labels`: what was joined last, about a minute ago."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def cohorts(self, _connection: Connection, rollout: Rollout) -> Sequence[LabelCohort]:
        if rollout.ready_at is None or not rollout.state.status.is_open:
            return ()
        known = _read(self._folder, rollout)
        return () if known is None else known.cohorts


class LabelJoins:
    """Keeps `KnownLabels` of all rollouts under way. An endpoint without an inference table has none."""

    def __init__(self, database: Database, tables: Path, folder: Path, clock: Clock) -> None:
        self._database = database
        self._labelled = Labelled(tables)
        self._folder = folder
        self._clock = clock

    def tick(self) -> None:
        """Join the labels of rollouts whose last join is a minute old; nothing in the database is open meanwhile."""
        with self._database.reading() as connection:
            rollouts = [each for each in RolloutStore(connection).list_under_way() if each.ready_at is not None]
            payloads = {each.id: _payload(connection, each) for each in rollouts}
        self._folder.mkdir(parents=True, exist_ok=True)
        for rollout in rollouts:
            payload, known = payloads[rollout.id], _read(self._folder, rollout)
            if payload is not None and (known is None or not timedelta() <= self._clock.now() - known.at < _READ_EVERY):
                self._join(rollout, payload)
        for path in set(self._folder.glob("*.json")) - {_path(self._folder, each.id) for each in rollouts}:
            path.unlink(missing_ok=True)

    def _join(self, rollout: Rollout, payload: str) -> None:
        now = self._clock.now()
        since = rollout.state.step_started_at + timedelta(milliseconds=SETTLING_MS)
        if now - since < _LEAST_WIDTH:
            return
        try:
            cohorts = self._cohorts(rollout, payload, since, now)
        except (*DELTA_ERRORS, duckdb.Error) as error:
            # What was known before stays.
            log.warning("labels cannot be read", table=payload, rollout=rollout.id, reason=first_line(error))
            return
        known = _Known(rollout.state.attempt, rollout.state.step, now, cohorts)
        replace_file(_path(self._folder, rollout.id), msgspec.json.encode(known), synced=False)

    def _cohorts(self, rollout: Rollout, payload: str, since: datetime, now: datetime) -> tuple[LabelCohort, ...]:
        width = max((now - since) / _MOST_COHORTS, _LEAST_WIDTH)
        route = SHADOW if rollout.spec.steps[rollout.state.step].is_shadow else CANDIDATE
        found = self._labelled.cohorts(payload, since=since, until=now, width=width, now=now, loss=Loss.ABSOLUTE)
        pairs: Sequence[PairCohort] = ()
        if route == SHADOW:
            pairs = read_pairs(
                self._labelled, payload, since=since, until=now, width=width, now=now, loss=Loss.ABSOLUTE
            )
        return tuple(
            _cohort(each, route, [pair for pair in pairs if pair.start == each.start]) for each in found.cohorts
        )


def _payload(connection: Connection, rollout: Rollout) -> str | None:
    endpoint = EndpointStore(connection).find_by_id(rollout.endpoint_id)
    return None if endpoint is None else find_payload(endpoint)


def _path(folder: Path, rollout_id: str) -> Path:
    return folder / f"{rollout_id}.json"


def _read(folder: Path, rollout: Rollout) -> _Known | None:
    """What is known of the step that the rollout is in."""
    try:
        known = _KNOWN.decode(_path(folder, rollout.id).read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return known if known.is_of(rollout) else None


def _cohort(cohort: Cohort, route: str, pairs: Iterable[PairCohort]) -> LabelCohort:
    differences, counts = Moments(), [0, 0, 0]
    for pair in pairs:
        differences = differences.merge(pair.difference)
        counts = [sum(both) for both in zip(counts, (pair.pairs, pair.gained, pair.lost), strict=True)]
    return LabelCohort(
        cohort.start,
        cohort.end,
        cohort.is_mature,
        _arm(cohort.arms, PRIMARY),
        _arm(cohort.arms, route),
        differences,
        *counts,
    )


def _arm(arms: Mapping[Arm, ArmReading], route: str) -> LabelledArm:
    """All versions that answered on this route: the champion may be a split of several."""
    total = LabelledArm(0, 0)
    for arm, reading in arms.items():
        if arm.route == route:
            losses = total.losses.merge(reading.loss)
            total = LabelledArm(total.labelled + reading.labelled, total.correct + reading.correct, losses)
    return total
