"""`pierhead tokens`: the keys of users and service principals of a home; run by who owns the home."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pierhead.cli.home_identities import days_option, lifetime_of, open_identities
from pierhead.cli.options import home_option, load_settings, output_option
from pierhead.cli.output import Format, moment, say, show_json, show_table
from pierhead.kit.web.caller import PrincipalKind

if TYPE_CHECKING:
    from pierhead.identity.domain.accounts import Account
    from pierhead.identity.services.accounts import Identities

user_option = click.option("--user", help="Whose token it is.")
service_principal_option = click.option(
    "--service-principal", help="The same for a service principal, by name or application id."
)


@click.group()
def tokens() -> None:
    """Tokens: list create revoke."""


@tokens.command("list")
@click.option("--user", help="Only this user's.")
@click.option("--service-principal", help="Only this service principal's.")
@output_option
@home_option
def list_tokens(user: str | None, service_principal: str | None, output: Format, home: Path | None) -> None:
    """List tokens, oldest first: whose they are and when they end, never the tokens themselves."""
    from pierhead.kit.clock import to_ms

    with open_identities(load_settings(home=home), reads=True) as identities:
        account = _find_account(identities, user, service_principal)
        found = identities.tokens.list_of(None if account is None else account.id)
    infos = [
        {
            "token_id": token.id,
            "user_name": holder.name,
            "created_by_username": token.created_by or holder.name,
            "comment": token.comment,
            "creation_time": to_ms(token.created_at),
            # As in Databricks' own listing, -1 is never.
            "expiry_time": -1 if token.expires_at is None else to_ms(token.expires_at),
        }
        for token, holder in found
    ]
    if output is Format.JSON:
        show_json({"token_infos": infos})
        return
    show_table(
        ["ID", "USER", "COMMENT", "CREATED", "EXPIRES"],
        [
            (
                info["token_id"],
                info["user_name"],
                info["comment"],
                moment(info["creation_time"]),
                "never" if info["expiry_time"] == -1 else moment(info["expiry_time"]),
            )
            for info in infos
        ],
        empty="No tokens. Make one: pierhead tokens create --user NAME",
    )


@tokens.command("create")
@user_option
@service_principal_option
@days_option
@click.option("--comment", default="", help="What it is for.")
@home_option
def create_token(
    user: str | None, service_principal: str | None, days: int | None, comment: str, home: Path | None
) -> None:
    """Create a token and print it, this once."""
    if user is None and service_principal is None:
        raise click.UsageError("whose token shall it be? Give --user NAME or --service-principal NAME")
    lifetime = lifetime_of(days)
    with open_identities(load_settings(home=home)) as identities:
        account = _find_account(identities, user, service_principal)
        assert account is not None
        value = identities.create_token(account, comment, lifetime)
    say(f"A token of {account.name} for {lifetime.days} days; it is not shown again")
    click.echo(value)


@tokens.command("revoke")
@click.argument("token_id", metavar="ID")
@home_option
def revoke_token(token_id: str, home: Path | None) -> None:
    """Take the token with this ID (see `tokens list`) out of use, at once."""
    with open_identities(load_settings(home=home)) as identities:
        identities.tokens.revoke(token_id)
    say(f"Revoked token {token_id}")


def _find_account(identities: "Identities", user: str | None, service_principal: str | None) -> "Account | None":
    """Raises UsageError if both are given, or NotFound."""
    if user is not None and service_principal is not None:
        raise click.UsageError("give --user or --service-principal, not both")
    if service_principal is not None:
        return identities.accounts.get(service_principal, PrincipalKind.SERVICE_PRINCIPAL)
    return None if user is None else identities.get_user(user)
