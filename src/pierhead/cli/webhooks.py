"""`pierhead webhooks`: who is told of what happens in the registry, and whether they hear it."""

from typing import Any

import click

from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_json, show_table
from pierhead.cli.remote import Remote, part

_WEBHOOKS = "/api/2.0/pierhead/webhooks"


@click.group()
def webhooks() -> None:
    """Registry webhooks: list deliveries retry."""


@webhooks.command("list")
@click.option("--model", help="Only those of this model.")
@output_option
@talks_to_server
def list_webhooks(remote: Remote, model: str | None, output: Format) -> None:
    """List the webhooks that you manage, and why some of them are disabled."""
    body = remote.pages(_WEBHOOKS, "webhooks", {"model_name": model} if model else {})
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["ID", "MODEL", "URL", "EVENTS", "STATUS", "FAILURES", "NEXT TRY"],
        [
            (
                each["id"],
                each.get("model_name", "all"),
                each["http_url_spec"]["url"],
                each["events"],
                each["status"],
                each["failures"],
                moment(each.get("next_try_at")),
            )
            for each in body["webhooks"]
        ],
        empty="No webhooks.",
    )
    for each in body["webhooks"]:
        if each.get("disabled_because"):
            say(f"Webhook {each['id']} was disabled: {each['disabled_because']}; next: {_retry(each)}")


@webhooks.command("deliveries")
@click.argument("webhook")
@click.option("--limit", type=click.IntRange(1, 200), default=50, help="How many at most [50].")
@output_option
@talks_to_server
def list_deliveries(remote: Remote, webhook: str, limit: int, output: Format) -> None:
    """List what was sent to the webhook with the id WEBHOOK, or waits to be, newest first."""
    body = remote.get(f"{_WEBHOOKS}/{part(webhook)}/deliveries", {"max_results": limit})
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["DELIVERY", "EVENT", "HAPPENED", "STATE", "TRIES", "LAST TRY", "OUTCOME"],
        [
            (
                each["id"],
                each["event"],
                moment(each["event_timestamp"]),
                each["state"],
                each["tries"],
                moment(each.get("last_try_at")),
                each.get("last_outcome"),
            )
            for each in body["deliveries"]
        ],
        empty="No deliveries.",
    )


@webhooks.command("retry")
@click.argument("webhook")
@output_option
@talks_to_server
def retry(remote: Remote, webhook: str, output: Format) -> None:
    """Try at once what waits for the webhook with the id WEBHOOK, also if the platform has disabled it."""
    body = remote.call("POST", f"{_WEBHOOKS}/{part(webhook)}/retry", {})
    if output is Format.JSON:
        show_json(body)
        return
    found = body["webhook"]
    say(f"Webhook {found['id']} is {found['status']}; next: pierhead webhooks deliveries {found['id']}")


def _retry(webhook: dict[str, Any]) -> str:
    return f"pierhead webhooks retry {webhook['id']}"
