"""Records for observers: batched, bounded, and lost without anybody's noticing but the counter."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from structlog.testing import capture_logs

from pierhead.gateway.losses import Losses
from pierhead.gateway.observations import Observations
from pierhead.kit.spool import SpoolError

RECORD = ("r-1", None, 0)


class Writer:
    """Keeps what it gets; fails when told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.error: Exception | None = None
        self.is_closed = False

    def append(self, table: str, records: Sequence[bytes]) -> None:
        if self.error is not None:
            raise self.error
        self.calls.append((table, len(records)))

    def close(self) -> None:
        self.is_closed = True


class Desk:
    """Observations, and the writers that they opened."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.writers: list[Writer] = []
        self.observations = Observations(self._open, loop)

    def _open(self) -> Writer:
        self.writers.append(Writer())
        return self.writers[-1]


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def desk(loop: asyncio.AbstractEventLoop) -> Desk:
    return Desk(loop)


def test_records_are_written_together_to_each_observer(desk: Desk) -> None:
    desk.observations.follow(["a", "b"])
    for _ in range(3):
        desk.observations.keep(("a", "b"), RECORD, 10)
    desk.observations.keep(("b",), RECORD, 10)
    assert not desk.writers

    desk.observations.flush()
    desk.observations.flush()

    assert sorted(call for writer in desk.writers for call in writer.calls) == [
        ("pierhead.observations.a", 3),
        ("pierhead.observations.b", 1),
        ("pierhead.observations.b", 3),
    ]


def test_each_observer_has_a_writer_of_its_own_that_ends_with_it(desk: Desk) -> None:
    desk.observations.follow(["a", "b"])
    desk.observations.keep(("a",), RECORD, 1)
    desk.observations.keep(("b",), RECORD, 1)

    # What is kept is written before its observer goes.
    desk.observations.follow(["b"])

    [gone] = [writer for writer in desk.writers if writer.is_closed]
    assert gone.calls == [("pierhead.observations.a", 1)]
    desk.observations.keep(("a",), RECORD, 1)
    desk.observations.flush()
    assert len(gone.calls) == 1

    # One that comes back begins another stream.
    desk.observations.follow(["a", "b"])
    desk.observations.keep(("a",), RECORD, 1)
    desk.observations.close()
    assert len(desk.writers) == 3
    assert all(writer.is_closed for writer in desk.writers)


def test_nothing_is_kept_for_nobody(desk: Desk) -> None:
    desk.observations.keep((), RECORD, 10**9)
    desk.observations.flush()

    assert not desk.writers


def test_much_is_written_at_the_end_of_the_turn(desk: Desk, loop: asyncio.AbstractEventLoop) -> None:
    desk.observations.follow(["a"])
    for _ in range(3):
        desk.observations.keep(("a",), RECORD, 700_000)
    assert not desk.writers

    loop.run_until_complete(asyncio.sleep(0))

    assert desk.writers[0].calls == [("pierhead.observations.a", 3)]


def test_what_cannot_be_written_is_counted(desk: Desk) -> None:
    desk.observations.follow(["a"])
    desk.observations.keep(("a",), RECORD, 1)
    desk.observations.flush()
    desk.writers[0].error = SpoolError(28, "full", "/x", written=1)

    for _ in range(3):
        desk.observations.keep(("a",), RECORD, 1)
    desk.observations.flush()

    assert desk.observations.dropped == 2


def test_losses_are_told_of_once_a_minute() -> None:
    class Loop(asyncio.BaseEventLoop):
        now_s = 0.0

        def time(self) -> float:
            return self.now_s

    loop = Loop()
    losses = Losses("lost", loop)
    with capture_logs() as logs:
        for loop.now_s in (0.0, 1.0, 59.0, 61.0, 70.0):
            losses.add("t", 2, OSError("full"))
    loop.close()

    assert losses.count == 10
    assert [entry["lost_so_far"] for entry in logs] == [2, 8]
