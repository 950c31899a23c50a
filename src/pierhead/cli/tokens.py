"""`pierhead tokens`: the keys of users of a home; run by who owns the home."""

from pathlib import Path

import click

from pierhead.cli.home_identities import days_option, lifetime_of, open_identities
from pierhead.cli.options import home_option, load_settings, output_option
from pierhead.cli.output import Format, moment, say, show_json, show_table


@click.group()
def tokens() -> None:
    """Tokens: list create revoke."""


@tokens.command("list")
@click.option("--user", help="Only this user's.")
@output_option
@home_option
def list_tokens(user: str | None, output: Format, home: Path | None) -> None:
    """List tokens, oldest first: whose they are and when they end, never the tokens themselves."""
    from pierhead.kit.clock import to_ms

    with open_identities(load_settings(home=home)) as identities:
        found = identities.list_tokens(None if user is None else identities.get_user(user))
    infos = [
        {
            "token_id": token.id,
            "user_name": owner.name,
            "comment": token.comment,
            "creation_time": to_ms(token.created_at),
            # As in Databricks' own listing, -1 is never.
            "expiry_time": -1 if token.expires_at is None else to_ms(token.expires_at),
        }
        for token, owner in found
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
@click.option("--user", required=True, help="Whose token it is.")
@days_option
@click.option("--comment", default="", help="What it is for.")
@home_option
def create_token(user: str, days: int | None, comment: str, home: Path | None) -> None:
    """Create a token and print it, this once."""
    lifetime = lifetime_of(days)
    with open_identities(load_settings(home=home)) as identities:
        value = identities.create_token(identities.get_user(user), comment, lifetime)
    say(f"A token of {user} for {lifetime.days} days; it is not shown again")
    click.echo(value)


@tokens.command("revoke")
@click.argument("token_id", metavar="ID")
@home_option
def revoke_token(token_id: str, home: Path | None) -> None:
    """Take the token with this ID (see `tokens list`) out of use, at once."""
    with open_identities(load_settings(home=home)) as identities:
        identities.revoke_token(token_id)
    say(f"Revoked token {token_id}")
