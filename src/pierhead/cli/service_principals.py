"""`pierhead service-principals`: programs that act under a name of their own; run by who owns the home."""

from pathlib import Path

import click

from pierhead.cli.account_output import account_fields, account_json
from pierhead.cli.home_identities import open_identities
from pierhead.cli.options import confirm, home_option, load_settings, output_option, yes_option
from pierhead.cli.output import Format, moment, say, show_fields, show_json, show_table
from pierhead.kit.web.caller import PrincipalKind

_KIND = PrincipalKind.SERVICE_PRINCIPAL


@click.group("service-principals")
def service_principals() -> None:
    """Service principals: list show create set-owner deactivate activate delete restore."""


@service_principals.command("list")
@output_option
@home_option
def list_service_principals(output: Format, home: Path | None) -> None:
    """List the service principals of this home, and who answers for them."""
    with open_identities(load_settings(home=home), reads=True) as identities:
        found = [account_json(account) for account in identities.accounts.list_all(_KIND)]
    if output is Format.JSON:
        show_json({"service_principals": found})
        return
    rows = [
        (
            account["user_name"],
            account["owner"],
            "yes" if account["active"] else "no",
            account["groups"],
            account["application_id"],
            moment(account["creation_time"]),
        )
        for account in found
    ]
    show_table(
        ["NAME", "OWNER", "ACTIVE", "GROUPS", "APPLICATION ID", "CREATED"],
        rows,
        empty="No service principals. Make one: pierhead service-principals create NAME --owner USER",
    )


@service_principals.command("show")
@click.argument("name")
@output_option
@home_option
def show_service_principal(name: str, output: Format, home: Path | None) -> None:
    """Show service principal NAME (or application id)."""
    with open_identities(load_settings(home=home), reads=True) as identities:
        account = identities.accounts.get(name, _KIND)
    if output is Format.JSON:
        show_json(account_json(account))
        return
    show_fields(account_fields(account))


@service_principals.command("create")
@click.argument("name")
@click.option("--owner", required=True, help="User who answers for what it does.")
@click.option("--group", "groups", multiple=True, help="Group to join; may be given several times.")
@home_option
def create_service_principal(name: str, owner: str, groups: tuple[str, ...], home: Path | None) -> None:
    """Create service principal NAME and print its application id."""
    with open_identities(load_settings(home=home)) as identities:
        account = identities.accounts.create_service_principal(name, owner, groups)
    say(f"Created service principal {name}; next: pierhead tokens create --service-principal {name}")
    click.echo(account.application_id)


@service_principals.command("set-owner")
@click.argument("name")
@click.argument("user")
@home_option
def set_owner(name: str, user: str, home: Path | None) -> None:
    """Let USER answer for service principal NAME from now on."""
    with open_identities(load_settings(home=home)) as identities:
        account = identities.accounts.get(name, _KIND)
        identities.accounts.set_owner(account, user)
    say(f"Service principal {account.name} belongs to {user}")


@service_principals.command("deactivate")
@click.argument("name")
@home_option
def deactivate_service_principal(name: str, home: Path | None) -> None:
    """Close every door to service principal NAME; nothing else changes."""
    with open_identities(load_settings(home=home)) as identities:
        account = identities.accounts.get(name, _KIND)
        identities.accounts.deactivate(account)
    say(f"Deactivated service principal {account.name}")


@service_principals.command("activate")
@click.argument("name")
@home_option
def activate_service_principal(name: str, home: Path | None) -> None:
    """Let service principal NAME in again, with the tokens it had."""
    with open_identities(load_settings(home=home)) as identities:
        account = identities.accounts.get(name, _KIND)
        identities.accounts.activate(account)
    say(f"Activated service principal {account.name}")


@service_principals.command("delete")
@click.argument("name")
@yes_option
@home_option
def delete_service_principal(name: str, yes: bool, home: Path | None) -> None:
    """Delete service principal NAME with its tokens, groups and rights; nobody else can ever have the name."""
    with open_identities(load_settings(home=home), reads=True) as identities:
        account = identities.accounts.get(name, _KIND)
    confirm(f"Delete service principal {account.name}, with all tokens and rights?", is_given=yes)
    with open_identities(load_settings(home=home)) as identities:
        identities.accounts.delete(identities.accounts.get(name, _KIND))
    say(f"Deleted service principal {account.name}; back with: pierhead service-principals restore {account.name}")


@service_principals.command("restore")
@click.argument("name")
@home_option
def restore_service_principal(name: str, home: Path | None) -> None:
    """Bring deleted service principal NAME back, without the groups, rights and tokens it had."""
    with open_identities(load_settings(home=home)) as identities:
        account = identities.accounts.restore(name, _KIND)
    say(f"Restored service principal {account.name}, in no group; next: pierhead groups add GROUP {account.name}")
