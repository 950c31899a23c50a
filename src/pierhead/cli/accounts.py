"""`pierhead env` and `login`: who talks to the platform, and with which token."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from pierhead.cli.exports import SHELLS, client_variables, export_lines
from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.home_identities import days_option, lifetime_of, open_identities
from pierhead.cli.options import home_option, load_settings
from pierhead.cli.output import say
from pierhead.cli.profiles import config_file, find_profile, with_section
from pierhead.cli.remote import Remote
from pierhead.cli.target import Target, address_of, read_admin_token, target_of
from pierhead.kit.home import Home


@click.command()
@home_option
@click.option("--user", help="For this user or service principal, with a new token; without, for the admin.")
@days_option
@click.option("--shell", type=click.Choice(SHELLS), default="bash")
def env(home: Path | None, user: str | None, days: int | None, shell: str) -> None:
    """Print what the official clients need: eval "$(pierhead env)"."""
    if user is None and days is not None:
        raise click.UsageError("--days belongs to --user: the admin's token does not end")
    settings = load_settings(home=home)
    place = Home(settings.home)
    token = read_admin_token(place) if user is None else _new_token(settings, user, lifetime_of(days))
    for line in export_lines(client_variables(_address(settings), token), shell):
        click.echo(line)


@click.command()
@home_option
@click.option("--host", help="URL of a platform elsewhere.")
@click.option("--token", help="Token for --host.")
@click.option("--profile", default="pierhead", help="Name of the profile [pierhead].")
def login(home: Path | None, host: str | None, token: str | None, profile: str) -> None:
    """Write a profile for the official clients to ~/.databrickscfg."""
    if (host is None) != (token is None):
        raise click.UsageError("--host and --token belong together")
    if any(character in profile for character in "[]\n"):
        raise click.BadParameter("a profile's name has no brackets", param_hint="--profile")
    if host is not None and token is not None:
        target = target_of(host, token)
    else:
        settings = load_settings(home=home)
        target = Target(_address(settings), read_admin_token(Home(settings.home)))
    _check(target)
    path = _write_profile(profile, target)
    say(f"Wrote profile {profile} to {path}; the clients use it with")
    click.echo(f"export DATABRICKS_CONFIG_PROFILE={export_lines({'P': profile}, 'bash')[0].partition('=')[2]}")


def _new_token(settings: Any, user: str, lifetime: timedelta) -> str:
    with open_identities(settings) as identities:
        return identities.create_token(identities.accounts.get(user), "pierhead env", lifetime)


def _address(settings: Any) -> str:
    """Where the platform of this home answers; where it will, if it does not run."""
    from pierhead.processes.sockets import public_address

    return address_of(Home(settings.home)) or public_address(settings.host, settings.port)


def _check(target: Target) -> None:
    """Raises Failure if the server refuses the token; one that does not answer may come later."""
    try:
        Remote(target).get("/api/2.0/preview/scim/v2/Me")
    except Failure as failure:
        if failure.exit_code != ExitCode.UNREACHABLE:
            raise
        say(f"Note: {target.host} does not answer now, so the token was not checked")


def _write_profile(profile: str, target: Target) -> Path:
    from pierhead.kit.replacing import replace_file

    # A link to a file elsewhere stays a link.
    path = config_file().resolve()
    find_profile(profile, path)
    text = path.read_text() if path.exists() else ""
    try:
        replace_file(path, with_section(text, profile, {"host": target.host, "token": target.token}))
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}") from None
    return path
