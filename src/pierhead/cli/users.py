"""`pierhead users`: who is known to a home; run by who owns the home."""

from pathlib import Path

import click

from pierhead.cli.account_output import account_fields, account_json
from pierhead.cli.home_identities import open_identities
from pierhead.cli.options import confirm, home_option, load_settings, output_option, yes_option
from pierhead.cli.output import Format, moment, say, show_fields, show_json, show_table
from pierhead.kit.web.caller import PrincipalKind

_KIND = PrincipalKind.USER


@click.group()
def users() -> None:
    """Users: list show create deactivate activate delete restore add-group remove-group."""


@users.command("list")
@output_option
@home_option
def list_users(output: Format, home: Path | None) -> None:
    """List the users of this home."""
    with open_identities(load_settings(home=home), reads=True) as identities:
        found = [account_json(user) for user in identities.accounts.list_all(_KIND)]
    if output is Format.JSON:
        show_json({"users": found})
        return
    rows = [
        (user["user_name"], "yes" if user["active"] else "no", user["groups"], moment(user["creation_time"]))
        for user in found
    ]
    show_table(["NAME", "ACTIVE", "GROUPS", "CREATED"], rows, empty="No users. Make one: pierhead users create NAME")


@users.command("show")
@click.argument("name")
@output_option
@home_option
def show_user(name: str, output: Format, home: Path | None) -> None:
    """Show user NAME: groups, entitlements, and the service principals they answer for."""
    with open_identities(load_settings(home=home), reads=True) as identities:
        user = identities.get_user(name)
        owned = [account.name for account in identities.accounts.list_owned_by(user)]
    if output is Format.JSON:
        show_json(account_json(user) | {"service_principals": owned})
        return
    show_fields([*account_fields(user), ("service principals", owned)])


@users.command("create")
@click.argument("name")
@click.option("--group", "groups", multiple=True, help="Group to join; may be given several times.")
@home_option
def create_user(name: str, groups: tuple[str, ...], home: Path | None) -> None:
    """Create user NAME in this home; run by who owns the home."""
    with open_identities(load_settings(home=home)) as identities:
        identities.create_user(name, frozenset(groups))
    say(f"Created user {name}; give them the output of: pierhead env --user {name}")


@users.command("deactivate")
@click.argument("name")
@home_option
def deactivate_user(name: str, home: Path | None) -> None:
    """Close every door to user NAME, and to the service principals they answer for; nothing else changes."""
    with open_identities(load_settings(home=home)) as identities:
        user = identities.get_user(name)
        identities.accounts.deactivate(user)
        owned = [account.name for account in identities.accounts.list_owned_by(user)]
    say(f"Deactivated user {user.name}; back with: pierhead users activate {user.name}")
    _tell_of_orphans(owned)


@users.command("activate")
@click.argument("name")
@home_option
def activate_user(name: str, home: Path | None) -> None:
    """Let user NAME in again, with the tokens they had."""
    with open_identities(load_settings(home=home)) as identities:
        user = identities.get_user(name)
        identities.accounts.activate(user)
    say(f"Activated user {user.name}")


@users.command("delete")
@click.argument("name")
@yes_option
@home_option
def delete_user(name: str, yes: bool, home: Path | None) -> None:
    """Delete user NAME with their tokens, groups and rights; nobody else can ever have the name."""
    with open_identities(load_settings(home=home), reads=True) as identities:
        user = identities.get_user(name)
        owned = [account.name for account in identities.accounts.list_owned_by(user)]
    confirm(f"Delete user {user.name}, with all tokens and rights?", is_given=yes)
    with open_identities(load_settings(home=home)) as identities:
        identities.accounts.delete(identities.get_user(name))
    say(f"Deleted user {user.name}; back with: pierhead users restore {user.name}")
    _tell_of_orphans(owned)


@users.command("restore")
@click.argument("name")
@home_option
def restore_user(name: str, home: Path | None) -> None:
    """Bring deleted user NAME back, without the groups, rights and tokens they had."""
    with open_identities(load_settings(home=home)) as identities:
        user = identities.accounts.restore(name, _KIND)
    say(f"Restored user {user.name}, in no group; next: pierhead users add-group {user.name} GROUP")


@users.command("add-group")
@click.argument("name")
@click.argument("group")
@home_option
def add_group(name: str, group: str, home: Path | None) -> None:
    """Put user NAME into GROUP."""
    with open_identities(load_settings(home=home)) as identities:
        identities.accounts.join(identities.get_user(name), group)
    say(f"User {name} is in group {group}")


@users.command("remove-group")
@click.argument("name")
@click.argument("group")
@home_option
def remove_group(name: str, group: str, home: Path | None) -> None:
    """Take user NAME out of GROUP."""
    with open_identities(load_settings(home=home)) as identities:
        identities.accounts.leave(identities.get_user(name), group)
    say(f"User {name} is not in group {group}")


def _tell_of_orphans(names: list[str]) -> None:
    if names:
        say(
            f"Note: these service principals cannot log in until another user answers for them: {', '.join(names)}; "
            "pierhead service-principals set-owner NAME USER"
        )
