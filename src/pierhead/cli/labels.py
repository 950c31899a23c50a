"""`pierhead labels`: ground truth that comes late."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_json, show_table
from pierhead.cli.remote import Remote, part

_FILES = "CSV, Parquet or JSON, by its ending."
_SOURCE = "Where they are from, for rows that do not say."
_TYPES = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet", ".json": "application/json"}


@click.group()
def labels() -> None:
    """What turned out to be true of an endpoint's predictions: add import show."""


@labels.command("add")
@click.argument("endpoint")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help=_FILES)
@click.option("--source", default="", help=_SOURCE)
@output_option
@talks_to_server
def add(remote: Remote, endpoint: str, file: Path, source: str, output: Format) -> None:
    """Add labels for ENDPOINT out of a file. The columns are request_id (and row_index) or entity_key, label, and if
    you like label_ts, source, weight and withdraw. The same file twice is taken once."""
    content_type = _type_of(file)
    _show_added(remote.send("POST", _path(endpoint, source), file.read_bytes(), 600, content_type=content_type), output)


@labels.command("import")
@click.argument("endpoint")
@click.argument("table")
@click.option("--version", type=click.IntRange(0), help="The version of the table [its newest].")
@click.option("--column", "columns", multiple=True, help="OURS=THEIRS: how the table calls a column. Repeat.")
@click.option("--source", default="", help=_SOURCE)
@output_option
@talks_to_server
def import_table(
    remote: Remote,
    endpoint: str,
    table: str,
    version: int | None,
    columns: tuple[str, ...],
    source: str,
    output: Format,
) -> None:
    """Add labels for ENDPOINT out of a registered Delta TABLE. The same version twice is taken once."""
    body: dict[str, Any] = {"table": table, "columns": dict(map(_pair, columns))}
    body |= {} if version is None else {"version": version}
    _show_added(remote.call("POST", _path(endpoint, source), body, timeout_s=600), output)


@labels.command("show")
@click.argument("endpoint")
@click.option("--days", type=click.IntRange(1, 3650), default=7, help="Of so many days [7].")
@output_option
@talks_to_server
def show(remote: Remote, endpoint: str, days: int, output: Format) -> None:
    """Show how many predictions of ENDPOINT have a label, day by day, and how long labels take."""
    from time import time

    since = {"since_ms": int((time() - days * 86_400) * 1000)}
    found = remote.get(f"/api/2.0/pierhead/endpoints/{part(endpoint)}/labels", since)
    if output is Format.JSON:
        show_json(found)
        return
    show_table(
        ["FROM", "VERSION", "ROUTE", "PREDICTIONS", "LABELLED", "MATURE", "P90 DELAY (S)"],
        [_line(cohort) for cohort in found["cohorts"]],
        empty=f"No predictions in {days} days.",
    )
    say(f"{found['label_rows']} labels in all, {found['unknown_requests']} of requests that nobody knows")
    _warn(found["unusable_labels"])


def _path(endpoint: str, source: str) -> str:
    path = f"/api/2.0/pierhead/endpoints/{part(endpoint)}/labels"
    return f"{path}?{urlencode({'source': source})}" if source else path


def _show_added(done: dict[str, Any], output: Format) -> None:
    if output is Format.JSON:
        show_json(done)
    elif done["is_replay"]:
        say(f"These labels are in {done['table']} already; nothing was added")
    else:
        say(f"Added {done['rows_added']} labels to {done['table']}; {done['rows_without_label']} rows had none")
        _warn(done["rows_unusable"])


def _warn(unusable: int) -> None:
    if unusable:
        say(f"Warning: {unusable} labels are no numbers, as the predictions are: no prediction is right by them")


def _line(cohort: dict[str, Any]) -> tuple[object, ...]:
    delay = cohort["delay_seconds"]
    return (
        moment(cohort["start_ms"]),
        f"{cohort['model_name']}/{cohort['model_version']}",
        cohort["route"],
        cohort["predictions"],
        f"{cohort['coverage']:.1%}",
        f"{cohort['maturity']:.0%}",
        None if delay is None else round(delay["p90"]),
    )


def _type_of(file: Path) -> str:
    try:
        return _TYPES[file.suffix.lower()]
    except KeyError:
        raise Failure(f"{file} ends in none of {', '.join(_TYPES)}", code=ExitCode.USAGE) from None


def _pair(text: str) -> tuple[str, str]:
    ours, separator, theirs = text.partition("=")
    if not separator or not ours or not theirs:
        raise click.BadParameter(f"{text!r} is not of the form OURS=THEIRS", param_hint="--column")
    return ours, theirs
