"""`pierhead rollouts`: a new version gets its traffic step by step, judged by its answers."""

from pathlib import Path
from typing import Any

import click

from pierhead.cli.endpoint_configs import read_body
from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.options import confirm, output_option, talks_to_server, yes_option
from pierhead.cli.output import Format, moment, say, show_json, show_table
from pierhead.cli.remote import Remote, part
from pierhead.cli.rollout_overrides import give_override
from pierhead.cli.rollout_policies import policy
from pierhead.cli.rollout_words import STATUS_WORDS, candidate_of, gate_rows, report_lines, step_rows
from pierhead.cli.rollouts_watch import watch_rollout

ROLLOUTS = "/api/2.0/pierhead/rollouts"

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_reason = click.option("--reason", default="", help="Why; it is kept.")


@click.group()
def rollouts() -> None:
    """Rollouts: start list watch explain compare pause resume promote abort retry policy override.

    NAME is an endpoint, which means its newest rollout, or the id of a rollout.
    """


rollouts.add_command(watch_rollout)
rollouts.add_command(policy)
rollouts.add_command(give_override)


@rollouts.command("start")
@click.argument("endpoint")
@click.option("--model", help="Registered model, catalog.schema.model.")
@click.option("--version", help="Version of the model.")
@click.option("--replaces", help="Served entity whose place it takes [the one of the same model, or the only one].")
@click.option("--file", type=_file, help="Instead: the whole config, JSON or YAML.")
@click.option("--spec", type=_file, help="Steps and gates as YAML [shadow, 1, 4.9, 10, 25, 50, 100 %].")
@output_option
@talks_to_server
def start_rollout(  # noqa: PLR0913  # an argument for each option, as click hands them over
    remote: Remote,
    endpoint: str,
    model: str | None,
    version: str | None,
    replaces: str | None,
    file: Path | None,
    spec: Path | None,
    output: Format,
) -> None:
    """Roll a version out to ENDPOINT; without any, the config that waits there to become active."""
    body: dict[str, Any] = {"endpoint": endpoint}
    if file is not None and (model or version):
        raise click.UsageError("give either --file, or --model with --version")
    if bool(model) != bool(version):
        raise click.UsageError("--model and --version belong together")
    if model:
        body["entity"] = {"entity_name": model, "entity_version": version}
    if file is not None:
        body["config"] = read_body(file)["config"]
    if replaces:
        body["replaces"] = replaces
    if spec is not None:
        body["spec"] = _read(spec)
    found = remote.call("POST", ROLLOUTS, body)["rollout"]
    if output is Format.JSON:
        show_json(found)
        return
    say(f"Rollout {found['id']} of {candidate_of(found)} to endpoint {endpoint} begins")
    say(f"Follow it: pierhead rollouts watch {endpoint}")
    _show_steps(found)


@rollouts.command("list")
@click.option("--endpoint", help="Of this endpoint alone.")
@output_option
@talks_to_server
def list_rollouts(remote: Remote, endpoint: str | None, output: Format) -> None:
    """List rollouts, newest first."""
    body = remote.get(ROLLOUTS, {"endpoint": endpoint} if endpoint else None)
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["ENDPOINT", "CANDIDATE", "STATUS", "STEP", "BEGAN", "ENDED", "BY", "ID"],
        [
            (
                each["endpoint"],
                candidate_of(each),
                STATUS_WORDS.get(each["status"], each["status"]),
                f"{each['step'] + 1} of {len(each['steps'])}",
                moment(each["created_at"]),
                moment(each["ended_at"]),
                each["created_by"],
                each["id"],
            )
            for each in body["rollouts"]
        ],
        empty="No rollouts. Start one: pierhead rollouts start ENDPOINT --model catalog.schema.model --version 2",
    )


@rollouts.command("explain")
@click.argument("name")
@click.option("--all", "is_all", is_flag=True, help="Every decision, not only the last one that changed something.")
@output_option
@talks_to_server
def explain_rollout(remote: Remote, name: str, is_all: bool, output: Format) -> None:
    """Say why the last decision of rollout NAME fell, with the numbers of every gate."""
    body = remote.get(f"{ROLLOUTS}/{part(name)}/decisions")
    if output is Format.JSON:
        show_json(body)
        return
    found, looks = body["rollout"], body["decisions"]
    turns = [look for look in looks if look["outcome"] != "wait"] or looks
    for look in looks if is_all else turns[:1]:
        step = f"step {look['step'] + 1} of {len(found['steps'])}"
        say(f"{moment(look['at'])}  {step}: {look['outcome'].replace('_', ' ')}")
        click.echo(look["reason"])
        if look["gates"]:
            show_table(["GATE", "SAYS", "HARM", "BOUNDS", "MARGIN", "N", ""], gate_rows(look["gates"]), empty="")
    if not looks:
        say("Nothing was decided yet: the candidate is being brought up.")


@rollouts.command("compare")
@click.argument("name")
@click.option("--most", type=click.IntRange(0), default=5, help="How many of the most different requests [5].")
@output_option
@talks_to_server
def compare_rollout(remote: Remote, name: str, most: int, output: Format) -> None:
    """Show what candidate and champion answered, step by step: numbers, worst slices, the most different requests."""
    body = remote.get(f"{ROLLOUTS}/{part(name)}/comparison")
    if output is Format.JSON:
        show_json(body)
        return
    for line in report_lines(body, most):
        click.echo(line)
    if not body["steps"]:
        say("No request was compared yet.")


def _act(remote: Remote, name: str, action: str, reason: str) -> dict[str, Any]:
    body: dict[str, Any] = remote.call("POST", f"{ROLLOUTS}/{part(name)}/{action}", {"reason": reason})["rollout"]
    return body


@rollouts.command("pause")
@click.argument("name")
@_reason
@talks_to_server
def pause_rollout(remote: Remote, name: str, reason: str) -> None:
    """Take no further step; what the candidate has of the traffic stays. Harm still ends the rollout."""
    _act(remote, name, "pause", reason)
    say(f"Paused; go on with `pierhead rollouts resume {name}`")


@rollouts.command("resume")
@click.argument("name")
@_reason
@talks_to_server
def resume_rollout(remote: Remote, name: str, reason: str) -> None:
    """Let a rollout go on that was paused, or that waits for a person."""
    _act(remote, name, "resume", reason)
    say(f"Goes on; follow it with `pierhead rollouts watch {name}`")


@rollouts.command("promote")
@click.argument("name")
@_reason
@yes_option
@talks_to_server
def promote_rollout(remote: Remote, name: str, reason: str, yes: bool) -> None:
    """Give the candidate all the traffic as soon as its config is ready, whatever its gates say. It counts as no proof
    of the version."""
    confirm(f"Give the candidate of {name} all the traffic?", is_given=yes)
    found = _act(remote, name, "promote", reason)
    say(f"{candidate_of(found)} gets all the traffic of endpoint {found['endpoint']} as soon as its config is active")


@rollouts.command("abort")
@click.argument("name")
@_reason
@talks_to_server
def abort_rollout(remote: Remote, name: str, reason: str) -> None:
    """End a rollout; what served before serves on."""
    found = _act(remote, name, "abort", reason)
    say(f"Ended; {found['champion']} has all the traffic of endpoint {found['endpoint']}")


@rollouts.command("retry")
@click.argument("name")
@_reason
@talks_to_server
def retry_rollout(remote: Remote, name: str, reason: str) -> None:
    """Begin a rollout anew that ended without a promotion."""
    found = _act(remote, name, "retry", reason)
    say(f"Attempt {found['attempt']} begins; follow it with `pierhead rollouts watch {name}`")


def _show_steps(found: dict[str, Any]) -> None:
    show_table(["", "STEP", "LEAST TIME", "LEAST REQUESTS", "GATES"], step_rows(found), empty="")


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {error}", code=ExitCode.USAGE) from None
