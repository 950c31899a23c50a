"""`pierhead rollouts policy`: which endpoints must roll new versions out step by step."""

from pathlib import Path

import click

from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_json, show_table
from pierhead.cli.remote import Remote

_POLICIES = "/api/2.0/pierhead/rollout-policies"


@click.group()
def policy() -> None:
    """What the guard goes by: show apply history."""


@policy.command("show")
@click.option("--revision", type=click.IntRange(0), help="Which revision [the newest]; 0 ships with Pierhead.")
@output_option
@talks_to_server
def show_policy(remote: Remote, revision: int | None, output: Format) -> None:
    """Print the policies as YAML."""
    body = remote.get(_POLICIES, {} if revision is None else {"revision": revision})
    if output is Format.JSON:
        show_json(body)
        return
    found = body["policy"]
    say(f"Rollout policies, revision {found['revision']}" + (", ships with Pierhead" if found["is_shipped"] else ""))
    click.echo(found["content"].rstrip("\n"))


@policy.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@output_option
@talks_to_server
def apply_policy(remote: Remote, file: Path, output: Format) -> None:
    """Let the policies in FILE decide from now on; for admins."""
    try:
        content = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read: {error}") from None
    body = remote.call("POST", f"{_POLICIES}/apply", {"content": content})
    if output is Format.JSON:
        show_json(body)
        return
    done = "decides now" if body["is_new"] else "was there already, nothing changed"
    say(f"Rollout policies, revision {body['policy']['revision']}, {done}")


@policy.command("history")
@output_option
@talks_to_server
def policy_history(remote: Remote, output: Format) -> None:
    """List the revisions, newest first."""
    body = remote.get(f"{_POLICIES}/history")
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["REVISION", "APPLIED", "BY", "DIGEST"],
        [
            (
                each["revision"],
                "ships with Pierhead" if each["is_shipped"] else moment(each["applied_at"]),
                each["applied_by"],
                each["digest"][:12],
            )
            for each in body["revisions"]
        ],
        empty="No revisions.",
    )
