"""`pierhead groups`: who acts together in a home; run by who owns the home."""

from pathlib import Path

import click

from pierhead.cli.home_identities import open_identities
from pierhead.cli.options import confirm, home_option, load_settings, output_option, yes_option
from pierhead.cli.output import Format, say, show_json, show_table


@click.group()
def groups() -> None:
    """Groups: list create delete add remove."""


@groups.command("list")
@output_option
@home_option
def list_groups(output: Format, home: Path | None) -> None:
    """List the groups of this home and who is in them."""
    with open_identities(load_settings(home=home), reads=True) as identities:
        accounts = identities.accounts.list_all()
        found = [
            {
                "id": group.id,
                "name": group.name,
                "members": [account.name for account in accounts if group.name in account.groups],
                "entitlements": sorted(group.entitlements),
            }
            for group in identities.groups.list_all()
        ]
    if output is Format.JSON:
        show_json({"groups": found})
        return
    show_table(
        ["NAME", "MEMBERS", "ENTITLEMENTS"],
        [(group["name"], group["members"], group["entitlements"]) for group in found],
        empty="No groups.",
    )


@groups.command("create")
@click.argument("name")
@click.option("--entitlement", "entitlements", multiple=True, help="Like workspace-access; may be given several times.")
@home_option
def create_group(name: str, entitlements: tuple[str, ...], home: Path | None) -> None:
    """Create group NAME."""
    with open_identities(load_settings(home=home)) as identities:
        identities.groups.create(name, entitlements=frozenset(entitlements))
    say(f"Created group {name}; next: pierhead groups add {name} USER")


@groups.command("delete")
@click.argument("name")
@yes_option
@home_option
def delete_group(name: str, yes: bool, home: Path | None) -> None:
    """Delete group NAME with its rights; its members stay."""
    with open_identities(load_settings(home=home), reads=True) as identities:
        group = identities.groups.get(name)
    confirm(f"Delete group {group.name}, with the rights that it has?", is_given=yes)
    with open_identities(load_settings(home=home)) as identities:
        identities.groups.delete(identities.groups.get(name))
    say(f"Deleted group {group.name}")


@groups.command("add")
@click.argument("name")
@click.argument("members", nargs=-1, required=True, metavar="MEMBER...")
@home_option
def add_members(name: str, members: tuple[str, ...], home: Path | None) -> None:
    """Put users or service principals into group NAME: all of them, or none if one does not exist."""
    with open_identities(load_settings(home=home)) as identities:
        group = identities.groups.get(name)
        for member in members:
            identities.accounts.join(identities.accounts.get(member), group.name)
    say(f"In group {group.name}: {', '.join(members)}")


@groups.command("remove")
@click.argument("name")
@click.argument("members", nargs=-1, required=True, metavar="MEMBER...")
@home_option
def remove_members(name: str, members: tuple[str, ...], home: Path | None) -> None:
    """Take users or service principals out of group NAME: all of them, or none if one does not exist."""
    with open_identities(load_settings(home=home)) as identities:
        group = identities.groups.get(name)
        for member in members:
            identities.accounts.leave(identities.accounts.get(member), group.name)
    say(f"Not in group {group.name}: {', '.join(members)}")
