"""A process of its own: eight threads are the first to decode what two stores keep. Its argument is an empty folder.

Each thread waits for the others between a query's rows and their decoding.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

from sqlalchemy import Connection, event

from pierhead.kit.db import Database, metadata, sqlite_url
from pierhead.rollouts.domain.guard import Share, Version
from pierhead.rollouts.domain.records import Departure
from pierhead.rollouts.store.departures import DepartureStore
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.endpoints import (
    ConfigStatus,
    Deployment,
    DeploymentState,
    Endpoint,
    EndpointConfig,
    EntitySpec,
    Route,
    ServedEntity,
    Tag,
)
from pierhead.serving.store.endpoints import EndpointStore

THREADS = 8
NOW = datetime(2026, 1, 1, tzinfo=UTC)
VERSION = Version("shop.models.churn", "1", "digest")
DEPARTURE = Departure("e0", "churn", NOW, {"stage": "production"}, True, (Share(VERSION, 10_000),), (VERSION,))
CONFIG = EndpointConfig(
    endpoint_id="e1",
    version=1,
    status=ConfigStatus.ACTIVE,
    entities=(ServedEntity("s1", "churn-1", EntitySpec("shop.models.churn", "1"), "digest"),),
    routes=(Route("churn-1", 10_000, ((0, 10_000),)),),
    capture=CaptureConfig("shop", "models", "churn"),
    creator="ada",
    created_at=NOW,
    deployments={"churn-1": Deployment(DeploymentState.READY, "")},
)
ENDPOINT = Endpoint("e1", "churn", "ada", None, (Tag("team", "growth"),), None, NOW, NOW, CONFIG, CONFIG)


def at_once(database: Database, read: Callable[[Connection], object]) -> list[object]:
    def in_transaction(_: int) -> object:
        with database.reading() as connection:
            return read(connection)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(in_transaction, range(THREADS)))


def main(folder: Path) -> None:
    database = Database(sqlite_url(folder / "kept.db"))
    metadata.create_all(database.engine)
    with database.transaction() as connection:
        EndpointStore(connection).add(ENDPOINT)
        DepartureStore(connection).add(DEPARTURE)
    barrier = Barrier(THREADS, timeout=30)
    event.listen(database.engine, "after_cursor_execute", lambda *_: barrier.wait())
    # As often as possible one thread has to stop for another.
    sys.setswitchinterval(1e-6)
    yesterday = NOW - timedelta(days=1)
    departures = at_once(database, lambda connection: DepartureStore(connection).list_since("churn", yesterday))
    assert departures == [[DEPARTURE]] * THREADS, departures
    endpoints = at_once(database, lambda connection: EndpointStore(connection).find("churn"))
    assert endpoints == [ENDPOINT] * THREADS, endpoints
    database.dispose()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
