"""A turn that ends without answers."""

import asyncio
from typing import Any, cast

import pytest

from pierhead.compile.runtime.turns import TurnLink, TurnServer
from pierhead.kit import frames


class Helpless:
    def score_many(self, requests: Any) -> Any:
        raise MemoryError


class Wire:
    is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True


def test_callers_of_a_turn_without_answers_are_not_left_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    wire = Wire()

    async def live() -> None:
        server = TurnServer(cast(Any, None), cast(Any, Helpless()), cast(Any, None))
        server.opens(asyncio.get_running_loop())
        link = TurnLink(server)
        link.connection_made(cast(Any, wire))
        link.data_received(frames.encode_request(frames.Request(1, "application/json", 1000, b"{}")))
        await asyncio.sleep(0)

    asyncio.run(live())
    assert wire.is_aborted
    assert "MemoryError" in capsys.readouterr().err
