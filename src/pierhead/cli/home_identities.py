"""The identities of a home, reached through its database: whoever owns the home may, with or without a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from pierhead.cli.failures import Failure
from pierhead.kit.home import Home

if TYPE_CHECKING:
    from pierhead.identity.services.accounts import Identities

_DEFAULT_LIFETIME_DAYS = 90

days_option = click.option(
    "--days",
    type=click.IntRange(1, 3650),
    help=f"How long a user's new token is valid [{_DEFAULT_LIFETIME_DAYS}].",
)


def lifetime_of(days: int | None) -> timedelta:
    """How long a token lives for which `--days` was given, or was not."""
    return timedelta(days=_DEFAULT_LIFETIME_DAYS if days is None else days)


@contextmanager
def open_identities(settings: Any) -> Iterator["Identities"]:
    """The identities of a home, in one transaction. Raises Failure if no platform was started on it yet."""
    from pierhead.identity.services.accounts import Identities
    from pierhead.kit.clock import SystemClock
    from pierhead.kit.schema import EMPTY, revision_of
    from pierhead.processes.prepare import open_database

    home = Home(settings.home)
    started_once = bool(settings.database_url) or home.database.exists()
    database = open_database(settings, home)
    try:
        if not started_once or revision_of(database) == EMPTY:
            raise Failure(f"{home.root} holds no platform yet", remedy=f"pierhead up --home {home.root}")
        with database.transaction() as connection:
            yield Identities(connection, SystemClock())
    finally:
        database.dispose()
