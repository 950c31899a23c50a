"""The worker that serves a compiled artifact: like any worker from outside, without the model's libraries inside."""

import asyncio
import gc
from collections.abc import Sequence
from typing import Any, NoReturn

import uvloop

from pierhead.compile.runtime.artifact import Artifact, UnusableArtifact
from pierhead.compile.runtime.golden import prove
from pierhead.compile.runtime.scoring import CompiledScorer
from pierhead.compile.runtime.turns import TurnServer
from pierhead.worker.config import WorkerConfig
from pierhead.worker.door import Door
from pierhead.worker.process import live
from pierhead.worker.proof import NotProved
from pierhead.worker.status import StatusFile

_SELDOM = (50_000, 20, 50)


def main(arguments: Sequence[str], began_s: float) -> NoReturn:
    """Run the worker whose record is the last argument (`--config FILE`); never returns.

    `began_s` is when the process began, on the monotonic clock.
    """
    live(arguments, _load, _run, began_s)


def _run(main_coroutine: Any) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main_coroutine)


def _load(config: WorkerConfig, status: StatusFile) -> tuple[Door, str]:
    if config.artifact is None:
        raise NotProved("the worker's record names no artifact")
    try:
        scorer = CompiledScorer(Artifact.load(config.artifact), shares_runs=config.batching)
    except UnusableArtifact as error:
        raise NotProved(f"the artifact cannot be used: {error}") from error
    message = prove(scorer, config.artifact)
    # What a turn leaves behind has no cycles: to search it for some after every few hundred rows costs more than it is.
    gc.set_threshold(*_SELDOM)
    return TurnServer(config, scorer, status), message
