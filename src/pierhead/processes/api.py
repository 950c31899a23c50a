"""The api: the control plane's web application on an inherited socket."""

import gc
import signal
import socket
from types import FrameType
from typing import NoReturn

import uvicorn

from pierhead.kit import logs
from pierhead.kit.home import Home
from pierhead.kit.settings import Settings
from pierhead.wiring.api import api


def run(settings: Settings, home: Home, listen_fd: int) -> NoReturn:
    """Serve until SIGTERM or SIGINT; answers what is in flight, then exits 0."""
    logs.configure("api")
    config = uvicorn.Config(
        api(settings, home),
        log_config=None,
        access_log=False,
        server_header=False,
        # Only our own gateways reach this socket; what they say of the caller's address is true.
        proxy_headers=False,
        ws="none",
        # Longer than a gateway keeps an idle connection, so that it is never closed under a request.
        timeout_keep_alive=120,
        timeout_graceful_shutdown=20,
        h11_max_incomplete_event_size=256 * 1024,
    )
    # What stays for ever need not be looked at again: a full collection would hold every call up for 100 ms.
    gc.collect()
    gc.freeze()
    # uvicorn sends itself the signal once more when it has stopped.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    with socket.socket(fileno=listen_fd) as listener:
        uvicorn.Server(config).run(sockets=[listener])
    raise SystemExit(0)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
