"""Rollouts on a real database and a real spool, with serving's control plane around them; gateways are played."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

import pierhead.rollouts.store  # noqa: F401 - declares the tables
from integration.serving.serving_rig import MODEL, Rig, draft, spec
from pierhead.gateway.records import InferenceRecord, encode
from pierhead.kit.clock import to_ms
from pierhead.kit.db import Database
from pierhead.kit.spool import SpoolWriter
from pierhead.rollouts.domain.gates.results import LabelCohort, OpenAlert
from pierhead.rollouts.domain.proofs import FULL_WORTH
from pierhead.rollouts.domain.readings import Reading
from pierhead.rollouts.domain.rollouts import Candidate, Look, Rollout
from pierhead.rollouts.domain.spec_yaml import parse_spec
from pierhead.rollouts.services.loop import RolloutLoop, Surroundings
from pierhead.rollouts.services.observations import Batch, Observations, Positions
from pierhead.rollouts.services.rollouts import Rollouts
from pierhead.rollouts.store.rollouts import LookStore, ReadingStore, RolloutStore
from pierhead.serving.services.endpoints import Endpoints

SHORT = b"""
quiet_after: 1m
steps:
- {shadow_rate: 1, least_duration: 2s, least_requests: 40}
- {weight: 4.9, least_duration: 2s, least_requests: 40}
- {weight: 50, least_duration: 2s, least_requests: 40}
- {weight: 100, least_duration: 0s, least_requests: 0}
"""


@dataclass
class Behaviour:
    """How an arm answers: the score of request number `i`, its status and its latency in milliseconds."""

    score: Callable[[int], float] = lambda i: (i * 37 % 100) / 100
    status: Callable[[int], int] = lambda _i: 200
    latency_ms: float = 5.0


class ToldEvidence:
    """Evidence as it was told, by check."""

    def __init__(self) -> None:
        self.told: dict[str, tuple[bool, str]] = {}

    def tell(
        self, _connection: Connection, _candidate: Candidate, check: str, *, passed: bool, message: str, at: datetime
    ) -> None:
        assert at.tzinfo is not None
        self.told[check] = (passed, message)


class NoFacts:
    """Nobody sends labels, and there are no monitors."""

    def cohorts(self, _connection: Connection, _rollout: Rollout) -> Sequence[LabelCohort]:
        return ()

    def open_alerts(self, _connection: Connection, _rollout: Rollout) -> Sequence[OpenAlert]:
        return ()


class Slow:
    """Engines that are compiled until `until`, or never."""

    def __init__(self) -> None:
        self.until: datetime | None = None

    def are_settled(self, _connection: Connection, _candidate: Candidate, now: datetime) -> bool:
        return self.until is None or now >= self.until


class Killed(BaseException):
    """Nobody catches it, as nobody catches a kill."""


class DyingDatabase(Database):
    """One whose process dies at the end of each writing transaction, before the commit or after it."""

    def __init__(self, url: str, *, commits: bool) -> None:
        super().__init__(url)
        self._commits = commits

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            yield connection
            if not self._commits:
                raise Killed
        raise Killed


class Interrupted(Observations):
    """Does something else first, once, whenever it is read."""

    def __init__(self, root: Path, first: Callable[[], object]) -> None:
        super().__init__(root)
        self._first = first

    def read(self, observer_id: str, positions: Positions, max_bytes: int) -> Batch:
        first, self._first = self._first, lambda: None
        first()
        return super().read(observer_id, positions, max_bytes)


class InSmallBites(Observations):
    """Reads a few records at a time, as of a backlog."""

    def read(self, observer_id: str, positions: Positions, max_bytes: int) -> Batch:
        return super().read(observer_id, positions, min(max_bytes, 4000))


class RolloutRig:
    def __init__(self, folder: Path, database: Database) -> None:
        self.serving = Rig(folder, database)
        self.clock = self.serving.clock
        self.database = database
        self.root = folder / "observations"
        self.observations = Observations(self.root)
        self.evidence = ToldEvidence()
        self.engines = Slow()
        self.hindrance = ""
        self.nudges = 0
        self.champion, self.candidate = Behaviour(), Behaviour()
        self.loop = self.new_loop()
        self._numbers = itertools.count()
        self.writer = SpoolWriter(self.root, "g1")

    def new_loop(self, database: Database | None = None, observations: Observations | None = None) -> RolloutLoop:
        """As after a restart of the controller."""
        facts = NoFacts()
        around = Surroundings(
            self.endpoints,
            observations or self.observations,
            facts,
            facts,
            self.evidence,
            self.engines,
            lambda _connection, _endpoint, rollout: self.hindrance if rollout.state.step else "",
            self._nudge,
        )
        return RolloutLoop(database or self.database, self.clock, around)

    def endpoints(self, connection: Connection) -> Endpoints:
        return Endpoints(connection, self.clock, self.serving.versions)

    def _nudge(self) -> None:
        self.nudges += 1

    def close(self) -> None:
        self.writer.close()
        self.serving.close()

    def live(self) -> None:
        """An endpoint `fraud` that serves version 1."""
        self.serving.create("fraud", spec("1"))
        self.serving.until_ready()

    def rollouts(self, connection: Connection) -> Rollouts:
        return Rollouts(connection, self.clock, self.endpoints(connection))

    def start(self, text: bytes = SHORT, version: str = "2") -> Rollout:
        with self.database.transaction() as connection:
            return self.rollouts(connection).start(
                "fraud",
                draft(spec(version)),
                parse_spec(text),
                creator="ada",
                admit=lambda _before, _after, _spec: FULL_WORTH,
            )

    def act(self, action: str, reason: str = "") -> Rollout:
        with self.database.transaction() as connection:
            more = {"permit": lambda _endpoint: None} if action == "promote" else {}
            found: Rollout = getattr(self.rollouts(connection), action)("fraud", by="ada", reason=reason, **more)
            return found

    def get(self) -> Rollout:
        with self.database.reading() as connection:
            found = RolloutStore(connection).find_newest("fraud")
        assert found is not None
        return found

    def looks(self) -> list[Look]:
        """Oldest first."""
        with self.database.reading() as connection:
            return list(reversed(LookStore(connection).list_newest(self.get().id)))

    def counted(self, step: int) -> int:
        """How many requests were counted in a step."""
        with self.database.reading() as connection:
            kept = ReadingStore(connection).find(self.get().id, step)
        if kept is None:
            return 0
        reading = Reading.from_json(json.loads(kept))
        return reading.champion.requests + (reading.candidate.requests if reading.terms.points else 0)

    def second(self, requests: int = 40) -> None:
        """A second goes by: gateways see requests, the loops look."""
        self.serve(requests)
        self.loop.tick()
        self.serving.tick(4)

    def judge(self, seconds: int) -> None:
        """So many seconds of a first step."""
        self.until(lambda rollout: rollout.ready_at is not None)
        for _ in range(seconds):
            self.second()

    def until(self, is_so: Callable[[Rollout], bool], most_seconds: int = 120) -> Rollout:
        for _ in range(most_seconds):
            if is_so(self.get()):
                return self.get()
            self.second()
        raise AssertionError(f"it never came about: {self.get()}")

    def until_over(self) -> Rollout:
        return self.until(lambda rollout: not rollout.state.status.is_open)

    def serve(self, requests: int) -> None:
        """What gateways write down of so many requests, by the ramp of this moment."""
        ramp = self.serving.get().ramp
        observers = [observer.id for observer in self.serving.get().observers]
        records: list[InferenceRecord] = []
        for number in itertools.islice(self._numbers, requests):
            bucket = number * 7919 % 10_000
            if ramp is not None and bucket < ramp.points:
                records.append(self._record(number, "candidate", self.candidate, bucket))
                continue
            records.append(self._record(number, "primary", self.champion, bucket))
            if ramp is not None and ramp.shadow_rate:
                records.append(self._record(number, "shadow", self.candidate, None))
        for observer in observers:
            self.writer.append(f"pierhead.observations.{observer}", [encode(record) for record in records] or [])

    def record(self, number: int) -> InferenceRecord:
        """Of an answered request."""
        return self._record(number, "primary", self.champion, number * 7919 % 10_000)

    def _record(self, number: int, route: str, arm: Behaviour, bucket: int | None) -> InferenceRecord:
        request_id = f"r{number}"
        status = arm.status(number)
        body = json.dumps({"predictions": [arm.score(number)]}).encode() if status == 200 else b"{}"
        entity = "model-1" if route == "primary" else "model-2"
        return InferenceRecord(
            request_id=f"{request_id}-shadow" if route == "shadow" else request_id,
            client_request_id=None,
            timestamp_ms=to_ms(self.clock.now()),
            status_code=status,
            execution_duration_ms=arm.latency_ms,
            sampling_rate=1.0,
            request=json.dumps({"dataframe_records": [{"x": number, "city": f"c{number % 3}"}]}).encode(),
            request_content_type="application/json",
            response=body,
            logging_error_codes=[],
            endpoint_name="fraud",
            endpoint_id="e",
            config_version=1,
            served_entity_id="s",
            served_entity_name=entity,
            model_name=MODEL,
            model_version=entity[-1],
            requester="ada",
            queue_ms=0.0,
            predict_ms=arm.latency_ms,
            error_code=None if status == 200 else "INTERNAL_ERROR",
            route=route,
            bucket=bucket,
            shadow_of=request_id if route == "shadow" else None,
        )
