"""One process of the platform by itself, on sockets of its own: for several machines, and for debugging."""

import os
from contextlib import ExitStack

from pierhead.kit.home import Home
from pierhead.kit.logs import configure
from pierhead.kit.settings import Settings
from pierhead.processes.entries import run_process
from pierhead.processes.lifeline import VARIABLE, Lifeline
from pierhead.processes.prepare import create_folders, open_database, prepare_database
from pierhead.processes.sockets import listen_public, listen_unix


def run_alone(name: str, settings: Settings) -> None:
    """Run `name` in this process until SIGTERM. Raises CannotStart or SchemaTooNew."""
    home = Home(settings.home)
    create_folders(home)
    configure(name)
    with ExitStack() as cleanup:
        if name in ("api", "controller"):
            database = open_database(settings, home)
            cleanup.callback(database.dispose)
            prepare_database(database)
        # Workers live as long as this process: nobody above it holds a lifeline.
        lifeline = Lifeline()
        cleanup.callback(lifeline.cut)
        os.environ[VARIABLE] = str(lifeline.read_fd)
        os.set_inheritable(lifeline.read_fd, True)
        run_process(
            name,
            settings,
            _listen(name, settings, home),
            lifeline_fd=lifeline.read_fd,
            gateway_id=f"alone-{settings.port}",
        )


def _listen(name: str, settings: Settings, home: Home) -> int:
    """A listening descriptor, which whoever serves it closes; -1 for a process that has none."""
    match name:
        case "gateway":
            listener = listen_public(settings.host, settings.port)
        case "api":
            listener = listen_unix(home.api_socket)
        case "tracking":
            listener = listen_unix(home.tracking_socket)
        case _:
            return -1
    return listener.detach()
