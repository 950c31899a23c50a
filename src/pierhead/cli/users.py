"""`pierhead users` and `groups`: who is known to a home; run by who owns the home."""

from pathlib import Path

import click

from pierhead.cli.home_identities import open_identities
from pierhead.cli.options import home_option, load_settings, output_option
from pierhead.cli.output import Format, moment, say, show_json, show_table


@click.group()
def users() -> None:
    """Users: list create."""


@users.command("list")
@output_option
@home_option
def list_users(output: Format, home: Path | None) -> None:
    """List the users of this home."""
    from pierhead.kit.clock import to_ms

    with open_identities(load_settings(home=home)) as identities:
        found = identities.list_users()
    if output is Format.JSON:
        shown = [
            {
                "id": user.id,
                "user_name": user.name,
                "active": user.is_active,
                "groups": sorted(user.groups),
                "creation_time": to_ms(user.created_at),
            }
            for user in found
        ]
        show_json({"users": shown})
        return
    rows = [
        (user.name, "yes" if user.is_active else "no", sorted(user.groups), moment(to_ms(user.created_at)))
        for user in found
    ]
    show_table(["NAME", "ACTIVE", "GROUPS", "CREATED"], rows, empty="No users. Make one: pierhead users create NAME")


@users.command("create")
@click.argument("name")
@click.option("--group", "groups", multiple=True, help="Group to join; may be given several times.")
@home_option
def create_user(name: str, groups: tuple[str, ...], home: Path | None) -> None:
    """Create user NAME in this home; run by who owns the home."""
    with open_identities(load_settings(home=home)) as identities:
        identities.create_user(name, frozenset(groups))
    say(f"Created user {name}; give them the output of: pierhead env --user {name}")


@click.group()
def groups() -> None:
    """Groups: list."""


@groups.command("list")
@output_option
@home_option
def list_groups(output: Format, home: Path | None) -> None:
    """List the groups of this home and who is in them."""
    with open_identities(load_settings(home=home)) as identities:
        names, known = identities.list_groups(), identities.list_users()
    members = {name: [user.name for user in known if name in user.groups] for name in names}
    if output is Format.JSON:
        show_json({"groups": [{"name": name, "members": members[name]} for name in names]})
        return
    show_table(["NAME", "MEMBERS"], [(name, members[name]) for name in names], empty="No groups.")
