"""`pierhead`: the outermost command."""

import click

import pierhead
from pierhead.cli.accounts import env, login, users
from pierhead.cli.configuration import config
from pierhead.cli.diagnosis import doctor
from pierhead.cli.endpoints import endpoints
from pierhead.cli.group import PierheadGroup
from pierhead.cli.models import models
from pierhead.cli.server import api, controller, gateway, tracking, up
from pierhead.cli.versions import versions


@click.group(cls=PierheadGroup, context_settings={"help_option_names": ["-h", "--help"], "show_default": False})
@click.version_option(pierhead.__version__, message="pierhead %(version)s")
def main() -> None:
    """Deploy models with the official MLflow and Databricks clients, on machines of your own.

    Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 not allowed, 5 conflict or precondition, 6 wait timed out,
    7 server unreachable, 10 gate closed, 130 interrupted.
    """


for command in (up, api, gateway, controller, tracking, env, login, users, doctor, config, models, versions, endpoints):
    main.add_command(command)
