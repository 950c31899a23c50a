"""A worker's life: load, prove, serve, drain, end."""

import asyncio
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

from pierhead.worker.batching import batcher_of
from pierhead.worker.config import EXIT_FAILED, EXIT_FORGOTTEN, WorkerConfig, read_config
from pierhead.worker.door import Door
from pierhead.worker.proof import NotProved, prove
from pierhead.worker.scoring import NoScoring, Scorer
from pierhead.worker.server import WorkerServer
from pierhead.worker.status import StatusFile
from pierhead.worker.surroundings import calm_mlflow, forget_platform, hold_lifeline, lower_own_rank, open_log
from pierhead.worker.wording import reason_of

Load = Callable[[WorkerConfig, StatusFile], tuple[Door, str]]
"""Makes the door of a loaded and proved model, and says what an operator should know about the proof."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Run the worker whose record is the last argument (`--config FILE`); never returns."""
    live(arguments, _load, asyncio.run, time.monotonic())


def live(arguments: Sequence[str], load: Load, run: Callable[[Any], None], began_s: float) -> NoReturn:
    """A worker's life, whatever it serves; `run` runs a coroutine to its end. Never returns."""
    hold_lifeline()
    forget_platform()
    lower_own_rank()
    open_log()
    try:
        config = read_config(Path(arguments[-1]))
    except FileNotFoundError:
        _end(EXIT_FORGOTTEN)
    status = StatusFile(config.status)
    status.loading()
    try:
        door, message = load(config, status)
    except BaseException as error:
        traceback.print_exc()
        status.failed(str(error) if isinstance(error, NotProved | NoScoring) else _why_not_loaded(error))
        _end(EXIT_FAILED)
    gc.collect()
    # What was loaded stays: the collector need not look at it again and again.
    gc.freeze()
    load_ms = int((time.monotonic() - began_s) * 1000)
    print(f"ready after {load_ms} ms {message}".rstrip(), flush=True)
    run(door.run(message=message, load_ms=load_ms))
    _end(0)


def _load(config: WorkerConfig, status: StatusFile) -> tuple[Door, str]:
    import mlflow.pyfunc

    calm_mlflow()
    model: Any = mlflow.pyfunc.load_model(str(config.model))
    scorer = Scorer(model)
    # On a thread, like every later prediction: some models work only on the thread that they were made for.
    with ThreadPoolExecutor(1, thread_name_prefix="proof") as thread:
        message = thread.submit(prove, model, scorer, config.model).result()
    batcher = batcher_of(model) if config.batching else None
    return WorkerServer(config, scorer, status, batcher=batcher), message


def _why_not_loaded(error: BaseException) -> str:
    return f"the model could not be loaded: {reason_of(error)}"


def _end(code: int) -> NoReturn:
    """Take the processes along that the model's code started; threads of its own cannot hold us up."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
    os._exit(code)
