"""A child of the job that executes an artifact, so that a bad network harms nobody else.

Commands: `load`, `time`; REQUEST frames are invocations, answered by RESPONSE or DECLINED.
"""

import json
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from pierhead.compile.extract.conversation import Channel, Refused, encode_bytes, serve
from pierhead.compile.extract.guard import Orders, confine
from pierhead.kit.frames import DECLINED, REQUEST, Request
from pierhead.worker.scoring import Answer


class CompiledChild:
    """One artifact; the first command must be `load`."""

    def load(self, fields: dict[str, Any]) -> dict[str, Any]:
        """`artifact`: its folder, `shares_runs`: see CompiledScorer. Refused if this runtime cannot execute it."""
        from pierhead.compile.runtime.artifact import Artifact, UnusableArtifact
        from pierhead.compile.runtime.scoring import CompiledScorer

        try:
            artifact = Artifact.load(Path(fields["artifact"]))
            self._scorer = CompiledScorer(artifact, shares_runs=bool(fields["shares_runs"]))
        except UnusableArtifact as error:
            raise Refused(str(error)) from error
        return {}

    def time(self, fields: dict[str, Any]) -> dict[str, Any]:
        """`body`, `repeat`: median microseconds of a call. Refused if it is declined."""
        body, repeat = fields["body"].encode(), int(fields["repeat"])
        taken = []
        for _ in range(repeat):
            began_s = time.perf_counter()
            [answer] = self._scorer.score_many([("application/json", body)])
            taken.append((time.perf_counter() - began_s) * 1e6)
        if not isinstance(answer, Answer):
            raise Refused(answer.reason)
        return {"compiled_us": statistics.median(taken)}

    def score(self, request: Request) -> Answer | bytes:
        [answer] = self._scorer.score_many([(request.content_type, request.body)])
        if isinstance(answer, Answer):
            return answer
        return encode_bytes(DECLINED, request.id, answer.reason.encode())


def main(arguments: Sequence[str]) -> NoReturn:
    """Serve the job that holds the other end of the socket; returns never."""
    channel = Channel(confine(Orders(**json.loads(arguments[-1]))))
    child = CompiledChild()
    serve(channel, {"load": child.load, "time": child.time}, {REQUEST: child.score})
    os._exit(0)
