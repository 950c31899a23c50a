"""`pierhead`: the outermost command."""

import click

import pierhead
from pierhead.cli.abtests import abtests
from pierhead.cli.accounts import env, login
from pierhead.cli.alerts import alerts
from pierhead.cli.audit import audit
from pierhead.cli.catalogs import catalogs
from pierhead.cli.configuration import config
from pierhead.cli.diagnosis import doctor
from pierhead.cli.endpoints import endpoints
from pierhead.cli.gateways import gateways
from pierhead.cli.group import PierheadGroup
from pierhead.cli.groups import groups
from pierhead.cli.labels import labels
from pierhead.cli.models import models
from pierhead.cli.monitors import monitors
from pierhead.cli.policies import policies
from pierhead.cli.rollouts import rollouts
from pierhead.cli.server import api, controller, gateway, tracking, up
from pierhead.cli.service_principals import service_principals
from pierhead.cli.tables import tables
from pierhead.cli.tokens import tokens
from pierhead.cli.users import users
from pierhead.cli.versions import versions
from pierhead.cli.webhooks import webhooks


@click.group(cls=PierheadGroup, context_settings={"help_option_names": ["-h", "--help"], "show_default": False})
@click.version_option(pierhead.__version__, message="pierhead %(version)s")
def main() -> None:
    """Deploy models with the official MLflow and Databricks clients, on machines of your own.

    Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 not allowed, 5 conflict or precondition, 6 wait timed out,
    7 server unreachable, 10 gate closed, 130 interrupted.
    """


_PROCESSES = (up, api, gateway, gateways, controller, tracking)
_IDENTITIES = (env, login, users, groups, service_principals, tokens)
_REST = (
    audit,
    doctor,
    config,
    models,
    versions,
    policies,
    webhooks,
    endpoints,
    rollouts,
    abtests,
    alerts,
    catalogs,
    tables,
    labels,
    monitors,
)
for command in (*_PROCESSES, *_IDENTITIES, *_REST):
    main.add_command(command)
