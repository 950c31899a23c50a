"""What a worker's door does with requests that are on their way."""

import asyncio
from pathlib import Path

from pierhead.kit.frames import RESPONSE, FrameReader, Request, Response, decode_response
from pierhead.worker.config import WorkerConfig
from pierhead.worker.model_thread import Job
from pierhead.worker.scoring import Scorer
from pierhead.worker.server import Link, WorkerServer
from pierhead.worker.status import StatusFile


class NeverAsked(Scorer):
    def __init__(self) -> None:
        pass


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return False


def server(folder: Path) -> WorkerServer:
    config = WorkerConfig("w", "load", folder / "model", folder / "w.sock", folder / "w.status")
    return WorkerServer(config, NeverAsked(), StatusFile(config.status))


def job(link: Link | None = None, *, timeout_ms: int) -> Job:
    return Job(link, Request(7, "", timeout_ms, b""), arrived_s=1000.0)


def test_a_drain_lasts_until_the_last_requests_own_time_out(tmp_path: Path) -> None:
    async def ask() -> list[bool]:
        drained = server(tmp_path)
        drained.take(job(timeout_ms=1000))
        drained.take(job(timeout_ms=297_000))
        return [drained.is_drained(at) for at in (1031.0, 1120.0, 1297.0, 1300.0)]

    assert asyncio.run(ask()) == [False, False, False, True]


def test_a_drain_does_not_wait_for_answers_that_nobody_wants(tmp_path: Path) -> None:
    async def ask() -> bool:
        drained = server(tmp_path)
        unwanted = job(timeout_ms=297_000)
        drained.take(unwanted)
        unwanted.cancelled = True
        return drained.is_drained(asyncio.get_running_loop().time() + 10)

    assert asyncio.run(ask())


def test_an_answer_that_fits_into_no_frame_becomes_a_refusal(tmp_path: Path) -> None:
    wire, link = Wire(), Link(server(tmp_path))
    link.connection_made(wire)
    link.answer(job(link, timeout_ms=0), Response(7, 200, "x" * 70_000, 0, 0, b"{}"))
    link.flush()
    [(kind, request_id, payload)] = FrameReader().feed(wire.written)
    assert (kind, request_id) == (RESPONSE, 7)
    response = decode_response(request_id, payload)
    assert response.status == 500
    assert b"the answer could not be sent" in response.body
