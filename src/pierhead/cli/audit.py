"""`pierhead audit`: the trail of a home, read from its database; run by who owns the home, with or without a server."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.home_identities import open_home
from pierhead.cli.moments import MomentType
from pierhead.cli.options import home_option, load_settings, output_option
from pierhead.cli.output import Format, moment, say, show_json, show_table

if TYPE_CHECKING:
    from pierhead.identity.domain.audit_verification import Report

_EXIT_CODES = {
    "edited": ExitCode.RECORD_EDITED,
    "reordered": ExitCode.RECORDS_REORDERED,
    "removed": ExitCode.RECORD_REMOVED,
    "truncated": ExitCode.TRAIL_TRUNCATED,
    "bad signature": ExitCode.BAD_SIGNATURE,
    "no checkpoints": ExitCode.NO_CHECKPOINTS,
    "checkpoints damaged": ExitCode.CHECKPOINTS_DAMAGED,
}
_SHOWN_FINDINGS = 20


@click.group()
def audit() -> None:
    """The audit trail: list export verify."""


@audit.command("list")
@click.option("--actor", help="Only what this user or service principal did.")
@click.option("--action", help="Only this action; * stands for any text: 'registered-models/*'.")
@click.option("--object", help="Only what is about this object; * stands for any text: 'main.risk.*'.")
@click.option(
    "--since", type=MomentType(), help="Only since a time (UTC unless it says otherwise), or a while: 24h, 7d."
)
@click.option("--denied", "is_denied", flag_value=True, type=bool, help="Only what was refused.")
@click.option("--limit", type=click.IntRange(1), default=100, help="At most so many [100].")
@output_option
@home_option
def list_records(limit: int, output: Format, home: Path | None, **filters: Any) -> None:
    """List what was done in this home, the newest first."""
    from pierhead.identity.services.audit_reading import AuditReader, exported
    from pierhead.identity.store.audit import Search

    with open_home(load_settings(home=home)) as database:
        found = [exported(record) for record in AuditReader(database).search(Search(**filters), limit)]
    if output is Format.JSON:
        show_json({"records": found})
        return
    rows = [
        (
            fields["sequence_number"],
            moment(fields.get("event_time")),
            fields.get("user_identity", {}).get("email"),
            fields.get("action_name"),
            fields.get("object"),
            fields.get("decision"),
        )
        for fields in found
    ]
    show_table(["NUMBER", "TIME", "ACTOR", "ACTION", "OBJECT", "DECISION"], rows, empty="No records.")


@audit.command()
@click.option("--since", type=click.IntRange(1), default=1, help="Begin with the record of this number [1].")
@home_option
def export(since: int, home: Path | None) -> None:
    """Print all records as JSON lines, the oldest first, each with its hash and the content that the hash is over."""
    from pierhead.identity.services.audit_reading import AuditReader, exported

    with open_home(load_settings(home=home)) as database:
        for record in AuditReader(database).all_after(since - 1):
            click.echo(json.dumps(exported(record), ensure_ascii=False))


@audit.command()
@click.option(
    "--checkpoints", type=click.Path(path_type=Path), help="File of checkpoints, such as a copy kept elsewhere."
)
@click.option("--public-key", type=click.Path(path_type=Path), help="Public key, such as a copy kept elsewhere.")
@output_option
@home_option
@click.pass_context
def verify(
    context: click.Context, checkpoints: Path | None, public_key: Path | None, output: Format, home: Path | None
) -> None:
    """Tell whether the trail is what it was.

    Exit codes: 0 intact, 20 a record was edited, 21 records were reordered, 22 a record was removed, 23 the end is
    missing, 24 a checkpoint has a bad signature, 25 there is no checkpoint file, 26 the checkpoint file is damaged.
    """
    from sqlalchemy.exc import DBAPIError

    from pierhead.identity.services.audit_keys import PUBLIC_NAME
    from pierhead.identity.services.audit_reading import AuditReader
    from pierhead.kit.home import Home
    from pierhead.wiring.shared import checkpoint_file

    settings = load_settings(home=home)
    place = Home(settings.home)
    if checkpoints is not None and not checkpoints.exists():
        raise Failure(f"there is no file {checkpoints}", code=ExitCode.NO_CHECKPOINTS)
    try:
        with open_home(settings) as database:
            report = AuditReader(database).verify(
                checkpoints or checkpoint_file(settings, place),
                public_key or place.audit / PUBLIC_NAME,
                is_own_file=checkpoints is None,
            )
    except DBAPIError as error:
        raise Failure(f"the trail cannot be read at all: {error.orig}", code=ExitCode.RECORD_REMOVED) from None
    if output is Format.JSON:
        show_json(_as_json(report))
    else:
        _show(report)
    if report.first is not None:
        context.exit(int(_EXIT_CODES[report.first.problem.value]))


def _show(report: "Report") -> None:
    for finding in report.findings[:_SHOWN_FINDINGS]:
        click.echo(f"{finding.problem.value.upper()}: {finding.message}")
    if len(report.findings) > _SHOWN_FINDINGS:
        click.echo(f"and {len(report.findings) - _SHOWN_FINDINGS} more")
    if report.findings:
        return
    click.echo(f"Intact: {report.size} records, {report.covered} of them vouched for by checkpoints")
    if report.covered < report.size:
        say(f"Nothing would tell yet if the last {report.size - report.covered} went missing")


def _as_json(report: "Report") -> dict[str, Any]:
    return {
        "intact": report.first is None,
        "records": report.size,
        "covered": report.covered,
        "findings": [
            {"problem": each.problem.value, "sequence_number": each.number, "message": each.message}
            for each in report.findings
        ],
    }
