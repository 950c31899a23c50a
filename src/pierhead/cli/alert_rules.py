"""`pierhead alerts rules` and `pierhead alerts test`."""

from pathlib import Path

import click

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, say, show_json, show_table
from pierhead.cli.remote import Remote

_RULES = "/api/2.0/pierhead/alerts/rules"

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def rules() -> None:
    """What alerts go by: show apply."""


@rules.command("show")
@click.argument("about", required=False)
@output_option
@talks_to_server
def show_rules(remote: Remote, about: str | None, output: Format) -> None:
    """Print the rules of an endpoint or a table (catalog.schema.table) as YAML; without ABOUT, list all rules."""
    body = remote.get(_RULES, _subject(about) if about else None)
    if output is Format.JSON:
        show_json(body)
        return
    if about:
        click.echo(body["content"].rstrip("\n"))
        return
    show_table(
        ["ABOUT", "RULE", "METRIC", "SEVERITY", "BY"],
        [
            (
                each["subject"]["name"],
                each["spec"]["name"],
                each["spec"]["metric"],
                each["spec"].get("severity", "warning"),
                each["created_by"],
            )
            for each in body["rules"]
        ],
        empty="No rules. An endpoint gets some with its inference table; others: pierhead alerts rules apply FILE",
    )


@rules.command("apply")
@click.argument("file", type=_file)
@output_option
@talks_to_server
def apply_rules(remote: Remote, file: Path, output: Format) -> None:
    """Let the endpoint or table that FILE names have the rules in it, and no others."""
    body = remote.call("POST", f"{_RULES}/apply", {"content": _read(file)})
    if output is Format.JSON:
        show_json(body)
        return
    done = [f"{len(body[key])} {key}" for key in ("added", "changed", "removed") if body[key]]
    say(f"Rules: {', '.join(done) or 'nothing changed'}")
    for name in body["unknown_destinations"]:
        say(f"Note: there is no notification destination named {name!r} yet")


@click.command("test")
@click.argument("about", required=False)
@click.option("--file", type=_file, help="Rules to try, instead of those in force.")
@click.option("--send", metavar="RULE", help="Send a test message to where this rule is told.")
@output_option
@talks_to_server
def test_rules(remote: Remote, about: str | None, file: Path | None, send: str | None, output: Format) -> None:
    """Say what the rules of an endpoint or table (ABOUT), or those in a file, would find now. Nothing is changed."""
    if (about is None) == (file is None):
        raise click.UsageError("name either an endpoint or a table, or give --file")
    if send is not None:
        if about is None:
            raise click.UsageError("--send is for rules in force: name their endpoint or table")
        sent = remote.call("POST", f"{_RULES}/send-test", _subject(about) | {"rule": send})["sent"]
        say(f"A test message is on its way to {sent} destination{'s' if sent > 1 else ''}")
        return
    body = remote.call("POST", f"{_RULES}/test", _subject(about) if about else {"content": _read(file)})
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["RULE", "SERIES", "STATUS", "WOULD TELL", ""],
        [(each["rule"], each["series"], each["status"], each["notice"], each["message"]) for each in body["alerts"]],
        empty="No rules.",
    )


def _subject(about: str) -> dict[str, str]:
    return {"table" if about.count(".") == 2 else "endpoint": about}


def _read(file: Path | None) -> str:
    assert file is not None, "one of the two was given"
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {error}", code=ExitCode.USAGE) from None
