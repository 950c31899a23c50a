"""`pierhead models promote` and its kin: asking for a promotion, approving it, going past the gate."""

from typing import Any

import click

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_json, show_table
from pierhead.cli.remote import Refused, Remote, part

_OURS = "/api/2.0/pierhead"
_REQUESTS = "/api/2.0/mlflow/transition-requests"


class _Number(click.ParamType[str]):
    """A version's number: an alias, or a version that was left out, must not become part of an address."""

    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not (text.isascii() and text.isdigit()):
            self.fail(f"{text!r} is no version; give its number, which `pierhead versions list NAME` shows", param, ctx)
        return text


class _Place(click.ParamType[str]):
    """What the server would refuse is refused before anything is sent."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from pierhead.kit.errors import InvalidArgument
        from pierhead.registry.domain.stages import Stage
        from pierhead.registry.domain.targets import parse_place

        text = str(value)
        try:
            parse_place(text)
        except InvalidArgument as error:
            stages = ", ".join(stage.value for stage in Stage)
            is_alias = text.startswith("@")
            self.fail(
                error.message if is_alias else f"{text!r} is no stage ({stages}); for an alias write '@{text}'",
                param,
                ctx,
            )
        return text


version_argument = click.argument("version", type=_Number())
to_option = click.option(
    "--to",
    "place",
    type=_Place(),
    default="Production",
    metavar="PLACE",
    help="A stage in any capitalisation, or an alias after an @ [Production].",
)
comment_option = click.option(
    "--comment", default="", help="What to say about it; everybody who reads the model sees it."
)
keep_others_option = click.option(
    "--keep-others", is_flag=True, help="Leave the versions that are in the stage now; otherwise they are archived."
)


@click.command("promote")
@click.argument("name")
@version_argument
@to_option
@click.option("--dry-run", is_flag=True, help="Only say what the gate would say.")
@comment_option
@keep_others_option
@click.option("--break-glass", metavar="REASON", help="Go past the policy in an emergency; somebody reviews it later.")
@output_option
@talks_to_server
def promote(  # noqa: PLR0913  # one for each option
    remote: Remote,
    name: str,
    version: str,
    place: str,
    dry_run: bool,
    comment: str,
    keep_others: bool,
    break_glass: str | None,
    output: Format,
) -> None:
    """Move VERSION of model NAME to Production, or approve who asked for that.

    Exit code 10 if the gate is closed, or if more approvals are needed.
    """
    if dry_run:
        _look(remote, name, version, place, output)
        return
    body = {"to": place, "comment": comment} | _archiving(place, keep_others)
    if break_glass is not None:
        body["break_glass_reason"] = break_glass
    try:
        outcome = remote.call("POST", f"{_version(name, version)}/promote", body)
    except Refused as refused:
        raise _closed(remote, name, version, place, refused) from None
    if output is Format.JSON:
        show_json(outcome)
    if outcome["decision"] == "counted":
        raise Failure(outcome["message"], code=ExitCode.GATE_CLOSED)
    if output is Format.TABLE:
        say(f"Version {version} of {name} is at {outcome['to']} now" + _remark(outcome["message"]))


@click.command("request")
@click.argument("name")
@version_argument
@to_option
@comment_option
@click.option("--cancel", is_flag=True, help="Take your request back.")
@talks_to_server
def request(remote: Remote, name: str, version: str, place: str, comment: str, cancel: bool) -> None:
    """Ask for VERSION of model NAME to be moved to Production."""
    body = {"name": name, "version": version, "stage": place, "comment": comment}
    if cancel:
        me = remote.get("/api/2.0/preview/scim/v2/Me")["userName"]
        remote.call("DELETE", f"{_REQUESTS}/delete", query=body | {"creator": me})
        say(f"Took back the request to move version {version} of {name} to {place}")
        return
    asked = remote.call("POST", f"{_REQUESTS}/create", body)["request"]
    say(f"Asked to move version {version} of {name} to {asked['to_stage']}" + _remark(asked.get("system_comment", "")))
    if asked.get("expiration_timestamp"):
        say(f"The request ends at {moment(asked['expiration_timestamp'])}")


@click.command("approve")
@click.argument("name")
@version_argument
@to_option
@comment_option
@keep_others_option
@talks_to_server
def approve(remote: Remote, name: str, version: str, place: str, comment: str, keep_others: bool) -> None:
    """Approve the request to move VERSION of model NAME; the last approval needed moves it.

    Exit code 10 if the gate is closed.
    """
    body = {"name": name, "version": version, "stage": place, "comment": comment} | _archiving(place, keep_others)
    try:
        activity = remote.call("POST", f"{_REQUESTS}/approve", body)["activity"]
    except Refused as refused:
        raise _closed(remote, name, version, place, refused) from None
    if activity["activity_type"] == "APPLIED_TRANSITION":
        say(
            f"Version {version} of {name} is at {activity['to_stage']} now"
            + _remark(activity.get("system_comment", ""))
        )
    else:
        say("Your approval counts" + _remark(activity.get("system_comment", "")))


@click.command("reject")
@click.argument("name")
@version_argument
@to_option
@comment_option
@talks_to_server
def reject(remote: Remote, name: str, version: str, place: str, comment: str) -> None:
    """Reject every open request to move VERSION of model NAME there."""
    body = {"name": name, "version": version, "stage": place, "comment": comment}
    activity = remote.call("POST", f"{_REQUESTS}/reject", body)["activity"]
    say(f"Rejected the request to move version {version} of {name} to {activity['to_stage']}")


@click.command("requests")
@click.argument("name", required=False)
@output_option
@talks_to_server
def requests(remote: Remote, name: str | None, output: Format) -> None:
    """List what waits for an approval, of model NAME or of all."""
    body = remote.get(f"{_OURS}/transition-requests", {"name": name} if name else {})
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["MODEL", "VERSION", "TO", "ASKED BY", "AT", "UNTIL", "APPROVED BY", "COMMENT"],
        [
            (
                each["name"],
                each["version"],
                each["to"],
                each["user_id"],
                moment(each["creation_timestamp"]),
                moment(each.get("expiration_timestamp")),
                each["approvals"],
                each["comment"],
            )
            for each in body["requests"]
        ],
        empty="Nothing waits for an approval.",
    )


def _look(remote: Remote, name: str, version: str, place: str, output: Format) -> None:
    body = remote.get(f"{_version(name, version)}/promotion", {"to": place})
    if output is Format.JSON:
        show_json(body)
    else:
        show_table(
            ["", "CONDITION", "WHAT IS SO"],
            [(_MARKS[each["outcome"]], each["code"], each["message"]) for each in body["conditions"]],
            empty="No policy speaks of this.",
        )
        for line in _verdict(body):
            say(line)
    if body["decision"] != "open":
        raise click.exceptions.Exit(int(ExitCode.GATE_CLOSED))


_MARKS = {"met": "ok", "unmet": "NO", "warning": "warn"}


def _verdict(body: dict[str, Any]) -> list[str]:
    """What the gate would do, and what to do about it."""
    policy = f" (policy {body['policy']})" if body.get("policy") else ""
    if body["decision"] == "open":
        return [f"The gate is open for you{policy}", *body["notes"]]
    if body["decision"] == "counted":
        return [f"Your approval would count{policy}; {body['missing']} more needed", *body["notes"]]
    lines = [f"The gate is closed{policy}"]
    if body["approvers"]:
        lines.append(f"Who could approve: group {' or '.join(body['approvers'])}")
    return [*lines, f"Next:  {body['remedy']}"]


def _closed(remote: Remote, name: str, version: str, place: str, refused: Refused) -> Failure:
    """The refusal of the gate with its own exit code; any other refusal as it is."""
    if refused.status not in (400, 403):
        return refused
    try:
        body = remote.get(f"{_version(name, version)}/promotion", {"to": place})
    except Failure:
        return refused
    return Failure(refused.message, code=ExitCode.GATE_CLOSED) if body["decision"] != "open" else refused


def _version(name: str, version: str) -> str:
    return f"{_OURS}/models/{part(name)}/versions/{part(version)}"


def _archiving(place: str, keep_others: bool) -> dict[str, Any]:
    """Only Staging and Production can archive what is there."""
    if place.lower() not in ("production", "staging", "@production"):
        return {}
    return {"archive_existing_versions": not keep_others}


def _remark(text: str) -> str:
    return f" ({text})" if text else ""
