"""`pierhead up`: the whole platform on one machine, under one supervisor."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from pierhead.identity.services.audit import home_owner
from pierhead.kit.audit_context import acting
from pierhead.kit.clock import SystemClock
from pierhead.kit.home import Home
from pierhead.kit.replacing import replace_file
from pierhead.kit.settings import Settings
from pierhead.processes.children import ChildSpec
from pierhead.processes.lifeline import Lifeline
from pierhead.processes.liveness import Patience
from pierhead.processes.lock import lock_home
from pierhead.processes.platform import Doors, platform
from pierhead.processes.prepare import create_folders, ensure_admin, open_database, prepare_database
from pierhead.processes.readiness import platform_probe
from pierhead.processes.records import kill_leftovers
from pierhead.processes.sockets import address_file, listen_public, listen_unix, public_address
from pierhead.processes.supervisor import Supervisor
from pierhead.processes.tls import require_tls
from pierhead.processes.uv import require_uv

Specify = Callable[[Settings, Doors], Sequence[ChildSpec]]
KillStrangers = Callable[[Home], object]

_PATIENCE = Patience()


def leave_alone(_home: Home) -> None:
    """Workers of a dead supervisor end by themselves: their lifeline is closed."""


def up(
    settings: Settings,
    *,
    kill_strangers: KillStrangers = leave_alone,
    specify: Specify = platform,
    patience: Patience = _PATIENCE,
) -> int:
    """Run the platform until SIGINT or SIGTERM; returns the exit code. Raises CannotStart or SchemaTooNew.

    `kill_strangers` ends what else a dead supervisor may have left in this home.
    """
    home = Home(settings.home)
    require_uv()
    require_tls(settings)
    create_folders(home)
    with ExitStack() as cleanup:
        cleanup.callback(os.close, lock_home(home))
        kill_leftovers(home)
        kill_strangers(home)
        public = cleanup.enter_context(listen_public(settings.host, settings.port))
        api = cleanup.enter_context(listen_unix(home.api_socket))
        tracking = cleanup.enter_context(listen_unix(home.tracking_socket))
        for door in (home.api_socket, home.tracking_socket, address_file(home)):
            cleanup.callback(door.unlink, missing_ok=True)
        lifeline = Lifeline()
        cleanup.callback(lifeline.cut)

        token = _prepare(settings, home)
        port = public.getsockname()[1]
        address = public_address(settings.host, port, is_tls=settings.tls_certificate is not None)
        replace_file(address_file(home), address + "\n")
        doors = Doors(public.fileno(), api.fileno(), tracking.fileno(), lifeline.read_fd)
        return Supervisor(
            home,
            specify(settings.model_copy(update={"port": port}), doors),
            probe=platform_probe(address, token),
            say=_say,
            on_ready=lambda: print(f"Pierhead is ready at {address}", flush=True),
            # Whoever comes now is refused at once instead of waiting for an answer that nobody will give.
            on_stopping=public.close,
            on_stopped=lifeline.cut,
            patience=patience,
        ).run()


def _prepare(settings: Settings, home: Home) -> str:
    """Bring tables and admin into being; returns the admin's token."""
    database = open_database(settings, home)
    try:
        prepare_database(database)
        with acting(home_owner(), "pierhead up"):
            token, is_new = ensure_admin(database, home, SystemClock())
    finally:
        database.dispose()
    if is_new:
        _say(f"The admin's token is in {home.admin_token}; `pierhead env` prints it for the official clients")
    return token


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
