"""The process that becomes MLflow's tracking server."""

import os
from typing import NoReturn

from pierhead.kit.home import Home
from pierhead.tracking.services import database, mlflow_server


def run(home: Home, listen_fd: int) -> NoReturn:
    """Replace this process by MLflow's server, which accepts on the listening unix socket `listen_fd`."""
    environment = mlflow_server.environment(home, os.environ)
    database.prepare(
        home.tracking_database,
        mlflow_server.release(),
        lambda path: mlflow_server.upgrade_database(path, environment),
    )
    os.set_inheritable(listen_fd, True)
    arguments = mlflow_server.command(listen_fd)
    os.execve(arguments[0], arguments, environment)
