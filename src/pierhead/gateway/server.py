"""The gateway process."""

import asyncio
import gc
import os
import resource
import signal

import structlog
import uvloop

from pierhead.gateway.config import GatewayConfig
from pierhead.gateway.gateway import Gateway
from pierhead.kit.clock import SystemClock
from pierhead.kit.spool import SpoolWriter

log = structlog.get_logger()

__all__ = ["Gateway", "GatewayConfig", "run"]


def run(config: GatewayConfig) -> None:
    """Serve until SIGTERM or SIGINT, then answer what is in flight and return. Closes the descriptor it is given.

    On SIGUSR1 retire first, without haste: a successor accepts on the same socket by then.
    """
    _allow_many_connections()
    spool = SpoolWriter(config.spool, f"gateway-{config.gateway_id}")
    try:
        uvloop.run(_serve(config, spool))
    finally:
        spool.close()


async def _serve(config: GatewayConfig, spool: SpoolWriter) -> None:
    loop = asyncio.get_running_loop()
    stop, retire = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, retire.set)
    gateway = Gateway(config, spool, SystemClock(), loop)
    # The listener has a copy. With this one open too, callers would still be let in while we drain, and never served.
    os.close(config.listen_fd)
    gateway.start()
    # What lives now lives for ever: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    # Requests leave no garbage in cycles: looking for it every few of them would find nothing.
    gc.set_threshold(20_000, 20, 20)
    stopping = asyncio.ensure_future(stop.wait())
    retiring = asyncio.ensure_future(retire.wait())
    await asyncio.wait((stopping, retiring), return_when=asyncio.FIRST_COMPLETED)
    if not stop.is_set():
        leaving = asyncio.ensure_future(gateway.retire())
        await asyncio.wait((stopping, leaving), return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
    retiring.cancel()
    stopping.cancel()
    await gateway.stop()


def _allow_many_connections() -> None:
    """Every caller costs a descriptor: take all that the system grants."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
