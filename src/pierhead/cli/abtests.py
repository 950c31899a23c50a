"""`pierhead abtests`: entities of an endpoint compared on its live traffic."""

from typing import Any

import click

from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_fields, show_json, show_table
from pierhead.cli.remote import Remote, part
from pierhead.cli.rollout_words import amount

_ABTESTS = "/api/2.0/pierhead/abtests"


@click.group()
def abtests() -> None:
    """A/B tests: create list report stop. NAME is a test's name or id."""


@abtests.command("create")
@click.argument("name")
@click.option("--endpoint", required=True, help="Endpoint whose traffic is split.")
@click.option("--arm", "arms", multiple=True, help="Served entity that takes part [all]; several are allowed.")
@click.option("--control", help="The arm that the others are compared with [the first].")
@click.option(
    "--metric", "metrics", multiple=True, help="score, latency, error_rate [these], or one that needs labels."
)
@click.option("--slice", "slices", multiple=True, help="Column of the request whose values are looked at one by one.")
@click.option("--alpha", type=float, default=0.05, help="Chance of any false finding [0.05].")
@click.option("--units", type=click.IntRange(1), help="End after so many units [when it is stopped].")
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), help="End after so long.")
@click.option("--observe-rate", type=click.FloatRange(0, 1), default=1.0, help="Share of the requests looked at [1].")
@output_option
@talks_to_server
def create_abtest(remote: Remote, name: str, output: Format, **given: Any) -> None:
    """Compare the served entities of an endpoint from now on; its traffic stays as it is split."""
    asked = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    body = {"name": name} | {key: value for key, value in asked.items() if value not in (None, [])}
    found = remote.call("POST", _ABTESTS, body)["abtest"]
    if output is Format.JSON:
        show_json(found)
        return
    arms = " and ".join(f"{arm['served_entity']} ({arm['weight']:g} %)" for arm in found["arms"])
    say(f"Comparing {arms}; look at any time: pierhead abtests report {name}")


@abtests.command("list")
@click.option("--endpoint", help="Of this endpoint alone.")
@output_option
@talks_to_server
def list_abtests(remote: Remote, endpoint: str | None, output: Format) -> None:
    """List A/B tests, newest first."""
    body = remote.get(_ABTESTS, {"endpoint": endpoint} if endpoint else None)
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["NAME", "ENDPOINT", "STATUS", "ARMS", "BEGAN", "ENDED", "BY"],
        [
            (
                each["name"],
                each["endpoint"],
                each["status"],
                [arm["served_entity"] for arm in each["arms"]],
                moment(each["created_at"]),
                moment(each["ended_at"]),
                each["created_by"],
            )
            for each in body["abtests"]
        ],
        empty="No A/B tests. Begin one: pierhead abtests create NAME --endpoint ENDPOINT",
    )


@abtests.command("report")
@click.argument("name")
@output_option
@talks_to_server
def report_abtest(remote: Remote, name: str, output: Format) -> None:
    """Say what is known by now. One may look as often as one likes: the intervals allow for it."""
    body = remote.get(f"{_ABTESTS}/{part(name)}/report")
    if output is Format.JSON:
        show_json(body)
        return
    test, ratio = body["abtest"], body["sample_ratio"]
    show_fields(
        [
            ("test", f"{test['name']} on endpoint {test['endpoint']}"),
            ("status", test["status"] + (f": {test['reason']}" if test["reason"] else "")),
            ("units", f"{body['units']} in {body['requests']} requests"),
            ("sample ratio", _ratio(ratio)),
            ("strays", body["strays"] or None),
        ]
    )
    click.echo()
    _show_arms(body)
    click.echo()
    _show_findings(body)
    for view in body["bayesian_view"]:
        chance = view["probability_better_than_control"]
        say(f"For illustration: {view['arm']} fails less often than the control with probability {chance:.3f}")


@abtests.command("stop")
@click.argument("name")
@click.option("--reason", default="", help="Why; it is kept.")
@talks_to_server
def stop_abtest(remote: Remote, name: str, reason: str) -> None:
    """End an A/B test; what it found stays."""
    remote.call("POST", f"{_ABTESTS}/{part(name)}/stop", {"reason": reason})
    say(f"Stopped; what it found: pierhead abtests report {name}")


def _ratio(ratio: dict[str, Any]) -> str:
    split = " : ".join(
        f"{units} ({weight:g} %)" for units, weight in zip(ratio["units"], ratio["weights"], strict=True)
    )
    verdict = (
        "MISMATCH: units are lost or led astray, nothing below means anything" if ratio["is_mismatched"] else "fits"
    )
    return f"{split}, p {amount(ratio['p'])}: {verdict}"


def _show_arms(body: dict[str, Any]) -> None:
    show_table(
        ["ARM", "UNITS", "FAILURES", "SCORE", "LATENCY MS", "P99 MS"],
        [
            (
                arm["served_entity"] + (" (control)" if told["is_control"] else ""),
                arm["units"],
                arm["failures"],
                amount(arm["score_mean"]),
                amount(arm["latency_mean_ms"]),
                amount(arm["p99_ms"]),
            )
            for arm, told in zip(body["arms"], body["abtest"]["arms"], strict=True)
        ],
        empty="No arms.",
    )


def _show_findings(body: dict[str, Any]) -> None:
    show_table(
        ["METRIC", "ARM", "SLICE", "CONTROL", "ARM'S", "DIFFERENCE", "BOUNDS", "P", "SAYS"],
        [
            (
                each["metric"],
                each["arm"],
                f"{each['slice']['column']}={each['slice']['value']}" if each["slice"] else "all",
                amount(each["control_value"]),
                amount(each["arm_value"]),
                amount(each["difference"]),
                f"{amount(each['lower']) or '-∞'} .. {amount(each['upper']) or '∞'}",
                amount(each["p"]),
                each["says"],
            )
            for each in body["findings"]
        ],
        empty="Nothing was compared yet.",
    )
