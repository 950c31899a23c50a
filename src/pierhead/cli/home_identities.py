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
    from pierhead.kit.db import Database

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
def open_identities(settings: Any, *, reads: bool = False) -> Iterator["Identities"]:
    """The identities of a home, in one transaction; nothing is kept of what only `reads`.

    What is changed here is recorded as done by the owner of the home. Raises Failure if no platform was started on it
    yet.
    """
    from pierhead.identity.services.accounts import Identities
    from pierhead.identity.services.audit import home_owner
    from pierhead.kit.audit_context import acting
    from pierhead.kit.clock import SystemClock

    with open_home(settings) as database, acting(home_owner(), *_command()):
        unit = database.reading if reads else database.transaction
        with unit() as connection:
            yield Identities(connection, SystemClock())


@contextmanager
def open_home(settings: Any) -> Iterator["Database"]:
    """The database of a home. Raises Failure if no platform was started on it yet, DiskFull from within the block."""
    from pierhead.kit.full_disk import full_disk_is_told
    from pierhead.kit.schema import EMPTY, newest_revision, revision_of
    from pierhead.processes.prepare import open_database

    home = Home(settings.home)
    started_once = bool(settings.database_url) or home.database.exists()
    database = open_database(settings, home)
    try:
        if not started_once or revision_of(database) == EMPTY:
            raise Failure(f"{home.root} holds no platform yet", remedy=f"pierhead up --home {home.root}")
        if revision_of(database) != newest_revision():
            raise Failure(
                f"the platform on {home.root} was last started by an older release, and its tables are of that one",
                remedy=f"pierhead up --home {home.root}",
            )
        with full_disk_is_told(click.get_current_context().command_path):
            yield database
    finally:
        database.dispose()


def _command() -> tuple[str, dict[str, object]]:
    """The command that runs, and what was given to it."""
    context = click.get_current_context()
    words = []
    each: click.Context | None = context
    while each is not None and each.parent is not None:
        words.append(each.info_name or "")
        each = each.parent
    given = {name: value for name, value in context.params.items() if name not in ("home", "output")}
    return " ".join(["pierhead", *reversed(words)]), given
