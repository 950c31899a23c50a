"""`pierhead alerts`: what monitors found, and what is done about it."""

from typing import Any

import click

from pierhead.cli.alert_rules import rules, test_rules
from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_fields, show_json, show_table
from pierhead.cli.remote import Remote, part

ALERTS = "/api/2.0/pierhead/alerts"

_STATUSES = ("OK", "PENDING", "TRIGGERED", "ERROR", "NO_DATA")
_reason = click.option("--reason", default="", help="Why; it is kept.")


@click.group()
def alerts() -> None:
    """Alerts: list show ack silence rules test."""


alerts.add_command(rules)
alerts.add_command(test_rules)


@alerts.command("list")
@click.option("--endpoint", help="Of this endpoint alone.")
@click.option("--table", help="Of this table alone, catalog.schema.table.")
@click.option("--rule", help="Of rules of this name alone.")
@click.option("--status", type=click.Choice(_STATUSES, case_sensitive=False), help="In this state alone.")
@output_option
@talks_to_server
def list_alerts(
    remote: Remote, endpoint: str | None, table: str | None, rule: str | None, status: str | None, output: Format
) -> None:
    """List alerts: one for each rule and each column, or other series, that it is about."""
    given = {"endpoint": endpoint, "table": table, "rule": rule, "status": status.upper() if status else None}
    body = remote.get(ALERTS, {key: value for key, value in given.items() if value})
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["ABOUT", "RULE", "SERIES", "STATUS", "VALUE", "LIMIT", "N", "SINCE", "ALERT"],
        [
            (
                each["subject"]["name"],
                each["rule"],
                each["series"],
                _status(each),
                _number(each.get("value")),
                "" if each["threshold"] is None else f"{each['side']} {each['threshold']:g}",
                each.get("n"),
                moment(each["since"]),
                each["fingerprint"][:12],
            )
            for each in body["alerts"]
        ],
        empty="No alerts. Rules make them: pierhead alerts rules show",
    )


@alerts.command("show")
@click.argument("alert")
@output_option
@talks_to_server
def show_alert(remote: Remote, alert: str, output: Format) -> None:
    """Show one ALERT, by its fingerprint or the beginning of it: numbers, worst slices, what happened, who was told."""
    body = remote.get(f"{ALERTS}/{part(alert)}")
    if output is Format.JSON:
        show_json(body)
        return
    found = body["alert"]
    show_fields(
        [
            ("alert", found["fingerprint"]),
            ("about", f"{found['subject']['kind']} {found['subject']['name']}"),
            ("rule", f"{found['rule']} ({found['severity']})"),
            ("series", found["series"]),
            ("status", f"{_status(found)} since {moment(found['since'])}"),
            ("message", found["message"]),
            ("acknowledged by", found["acknowledged_by"]),
            ("silent until", moment(found["silenced_until"])),
        ]
    )
    slices = found.get("worst_slices") or []
    parts = [(each["slice"], _number(each["value"]), each["n"]) for each in slices]
    show_table(["SLICE", "VALUE", "N"], parts, empty="")
    events = [(moment(each["at"]), each["kind"], each["by"], each["message"]) for each in body["events"]]
    show_table(["AT", "WHAT", "BY", ""], events, empty="Nothing happened yet.")
    told = [
        (
            moment(each["happened_at"]),
            each["destination"],
            each["state"],
            each["tries"],
            each["last_outcome"],
            each["subject"],
        )
        for each in body["deliveries"]
    ]
    if told:
        show_table(["RULE TOLD", "TO", "STATE", "TRIES", "OUTCOME", ""], told, empty="")


@alerts.command("ack")
@click.argument("alert")
@_reason
@talks_to_server
def acknowledge_alert(remote: Remote, alert: str, reason: str) -> None:
    """Say that somebody takes care of a triggered ALERT: it is not told again, until it has cleared."""
    found = remote.call("POST", f"{ALERTS}/{part(alert)}/ack", {"reason": reason})["alert"]
    say(f"Acknowledged: {found['rule']} of {found['subject']['name']}")


@alerts.command("silence")
@click.argument("alert")
@click.option("--minutes", type=click.IntRange(0), default=60, help="How long [60]; 0 ends a silence.")
@_reason
@talks_to_server
def silence_alert(remote: Remote, alert: str, minutes: int, reason: str) -> None:
    """Tell nobody of an ALERT for a while. What is still so then is told then."""
    body = {"minutes": minutes, "reason": reason}
    found = remote.call("POST", f"{ALERTS}/{part(alert)}/silence", body)["alert"]
    until = moment(found["silenced_until"])
    say(f"Silent until {until}" if until else "It is told again")


def _status(alert: dict[str, Any]) -> str:
    marks = [word for word, key in (("acked", "acknowledged_by"), ("silent", "silenced_until")) if alert[key]]
    return f"{alert['status']} ({', '.join(marks)})" if marks else str(alert["status"])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
