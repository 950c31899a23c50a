"""`pierhead monitors report`: everything about an endpoint's inputs and answers on one web page."""

from datetime import datetime
from pathlib import Path

import click

from pierhead.cli.failures import Failure
from pierhead.cli.moments import MomentType
from pierhead.cli.options import talks_to_server
from pierhead.cli.output import say
from pierhead.cli.remote import QUERY_TIMEOUT_S, Remote, part

_SINCE = "Begin at a time (UTC unless it says otherwise), or a while ago: 24h, 7d [all data, 14d at most]."


@click.command("report")
@click.argument("endpoint")
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="File to write, - for standard output [ENDPOINT-report.html].",
)
@click.option("--since", type=MomentType(), help=_SINCE)
@talks_to_server
def report(remote: Remote, endpoint: str, file: Path | None, since: datetime | None) -> None:
    """Write a report of ENDPOINT as one HTML file: what needs attention, drift, performance, traffic and latency."""
    query = {} if since is None else {"since_ms": int(since.timestamp() * 1000)}
    page = remote.text(f"/api/2.0/pierhead/monitors/report/{part(endpoint)}", query, QUERY_TIMEOUT_S)
    target = file or Path(f"{part(endpoint)}-report.html")
    if str(target) == "-":
        click.echo(page, nl=False)
        return
    try:
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Failure(f"{target} cannot be written: {error.strerror}") from None
    say(f"Wrote {target}")
