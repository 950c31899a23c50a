"""`pierhead rollouts override`: leave to go past the guard once."""

import click

from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_json
from pierhead.cli.remote import Remote, part


@click.command("override")
@click.argument("endpoint")
@click.option("--reason", required=True, help="Why; it is on the audit trail.")
@click.option("--minutes", type=click.IntRange(1, 24 * 60), default=15, help="How long it counts [15].")
@output_option
@talks_to_server
def give_override(remote: Remote, endpoint: str, reason: str, minutes: int, output: Format) -> None:
    """Let the next config of ENDPOINT go live without a rollout; for whom the policy names."""
    path = f"/api/2.0/pierhead/serving-endpoints/{part(endpoint)}/rollout-overrides"
    found = remote.call("POST", path, {"reason": reason, "minutes": minutes})["override"]
    if output is Format.JSON:
        show_json(found)
        return
    say(f"The next config of endpoint {endpoint} may go live at once, until {moment(found['expires_at'])}")
