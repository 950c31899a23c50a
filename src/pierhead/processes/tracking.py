"""The process that becomes MLflow's tracking server."""

import os
from typing import NoReturn

from pierhead.kit.home import Home
from pierhead.tracking.services import mlflow_server


def run(home: Home, listen_fd: int) -> NoReturn:
    """Replace this process by MLflow's server, which accepts on the listening unix socket `listen_fd`."""
    mlflow_server.prepare_database(home.tracking_database)
    os.set_inheritable(listen_fd, True)
    arguments = mlflow_server.command(listen_fd)
    os.execve(arguments[0], arguments, mlflow_server.environment(home, os.environ))
