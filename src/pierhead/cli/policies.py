"""`pierhead policies`: who may make what live, on what evidence."""

from pathlib import Path
from typing import Any

import click

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.options import home_option, load_settings, output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_fields, show_json, show_table
from pierhead.cli.remote import Remote

_POLICIES = "/api/2.0/pierhead/policies"
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def policies() -> None:
    """Policies: list show history use apply validate test."""


@policies.command("list")
@output_option
@talks_to_server
def list_policies(remote: Remote, output: Format) -> None:
    """List the sets of policies, and which of them decides."""
    body = remote.get(_POLICIES)
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["NAME", "IN USE", "REVISION", "APPLIED", "BY", "DIGEST"],
        [
            (
                each["name"],
                "yes" if each["is_in_use"] else "",
                each["revision"],
                "ships with Pierhead" if each["is_shipped"] else moment(each.get("applied_at")),
                each.get("applied_by"),
                each["digest"][:12],
            )
            for each in body["policies"]
        ],
        empty="No policies.",
    )


@policies.command("show")
@click.argument("name", required=False)
@click.option("--revision", type=click.IntRange(1), help="Which revision [the newest].")
@output_option
@talks_to_server
def show_policies(remote: Remote, name: str | None, revision: int | None, output: Format) -> None:
    """Print the set NAME as YAML; without NAME the one that decides."""
    query = {key: value for key, value in (("name", name), ("revision", revision)) if value is not None}
    body = remote.get(f"{_POLICIES}/get", query)
    if output is Format.JSON:
        show_json(body)
        return
    found = body["policies"]
    used = "in use" if found["is_in_use"] else f"not in use; next: pierhead policies use {found['name']}"
    say(f"Policies {found['name']}, revision {found['revision']}, {used}")
    click.echo(found["content"].rstrip("\n"))


@policies.command("history")
@click.argument("name", required=False)
@output_option
@talks_to_server
def show_history(remote: Remote, name: str | None, output: Format) -> None:
    """List the revisions of the set NAME, newest first, and who chose which set when."""
    body = remote.get(f"{_POLICIES}/history", {"name": name} if name else {})
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["NAME", "REVISION", "APPLIED", "BY", "DIGEST"],
        [
            (
                each["name"],
                each["revision"],
                "ships with Pierhead" if each["is_shipped"] else moment(each.get("applied_at")),
                each.get("applied_by"),
                each["digest"][:12],
            )
            for each in body["revisions"]
        ],
        empty="No revisions.",
    )
    click.echo()
    show_table(
        ["CHOSEN", "AT", "BY"],
        [(each["name"], moment(each.get("chosen_at")), each.get("chosen_by")) for each in body["choices"]],
        empty="Nobody has chosen policies yet: `default` decides.",
    )


@policies.command("use")
@click.argument("name")
@talks_to_server
def use_policies(remote: Remote, name: str) -> None:
    """Let the set NAME decide from now on: `default`, `solo`, or one that was applied."""
    found = remote.call("POST", f"{_POLICIES}/use", {"name": name})["policies"]
    say(f"Policies {found['name']}, revision {found['revision']}, decide now")


@policies.command("apply")
@click.argument("file", type=_file)
@output_option
@talks_to_server
def apply_policies(remote: Remote, file: Path, output: Format) -> None:
    """Keep the set in FILE as a new revision; it decides at once if a set of its name is in use."""
    body = remote.call("POST", f"{_POLICIES}/apply", {"content": _read(file)})
    if output is Format.JSON:
        show_json(body)
        return
    found = body["policies"]
    done = "is new" if body["is_new"] else "was there already, nothing changed"
    used = "it decides now" if found["is_in_use"] else f"not in use; next: pierhead policies use {found['name']}"
    say(f"Policies {found['name']}, revision {found['revision']}, {done}; {used}")
    for group in body.get("missing_groups", []):
        say(f"Note: group {group} does not exist; next: pierhead groups create {group}")
    _note_externals(body.get("missing_external_checks", []), "the server's home")


@policies.command("validate")
@click.argument("file", type=_file)
@click.option("--model", help="Also say which of the policies speaks of this model.")
@click.option("--to", "place", default="Production", help="A stage, or an alias after an @ [Production].")
@home_option
def validate_policies(file: Path, model: str | None, place: str, home: Path | None) -> None:
    """Read FILE and say what is wrong with it; needs no server."""
    from pierhead.registry.domain.targets import parse_place
    from pierhead.wiring.external_checks import external_checks_of

    found = _parse(file, _read(file))
    names = ", ".join(policy.name for policy in found.policies)
    say(f"{file} holds the set {found.name} with {len(found.policies)} policies: {names}")
    if found.all_external_names:
        root = load_settings(home=home).home
        _note_externals(sorted(found.all_external_names - external_checks_of(root)), str(root))
    if model is not None:
        policy = found.find(model, parse_place(place))
        said = "none: rights alone decide" if policy is None else policy.name
        click.echo(f"{model} to {place}: {said}")


@policies.command("test")
@click.argument("model")
@click.argument("version")
@click.option("--to", "place", help="A stage, or an alias after an @ [Production].")
@click.option("--endpoint", help="Instead: serving it under this endpoint.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of that endpoint; several are allowed.")
@click.option("--as", "user", help="What somebody else would be told; for admins.")
@click.option("--file", "file", type=_file, help="Under the set in this file instead of the one that decides.")
@output_option
@talks_to_server
def try_policies(  # noqa: PLR0913  # an argument for each option, as click hands them over
    remote: Remote,
    model: str,
    version: str,
    place: str | None,
    endpoint: str | None,
    tags: tuple[str, ...],
    user: str | None,
    file: Path | None,
    output: Format,
) -> None:
    """Say what the gate would say of VERSION of MODEL, condition by condition; changes nothing.

    Exit code 0 if it would open or count an approval, 10 if it is closed.
    """
    if endpoint is not None and place is not None:
        raise click.UsageError("give either --to or --endpoint")
    asked = {
        "name": model,
        "version": version,
        "to": place,
        "endpoint": endpoint,
        "endpoint_tags": _tags(tags) if endpoint else None,
        "user": user,
        "content": None if file is None else _read(file),
    }
    body = remote.call("POST", f"{_POLICIES}/test", {key: value for key, value in asked.items() if value is not None})
    if output is Format.JSON:
        show_json(body)
    else:
        _show_trial(body)
    if body["decision"] == "closed":
        raise Failure(
            f"the gate is closed for {body['user']}: version {body['version']} of {body['name']} to {body['to']}",
            code=ExitCode.GATE_CLOSED,
            remedy=body.get("remedy", ""),
        )


def _note_externals(names: list[str], home: str) -> None:
    for name in names:
        say(
            f"Note: nobody can ask the external check {name}, so that it always says no; next: add [{name}] with url "
            f"and secret to external-checks.toml in {home}"
        )


def _show_trial(body: dict[str, Any]) -> None:
    show_fields(
        [
            ("decision", body["decision"]),
            ("policy", body.get("policy") or "none speaks of this: rights alone decide"),
            ("who could approve", body.get("approvers")),
            ("approvals missing", body.get("missing")),
        ]
    )
    click.echo()
    show_table(
        ["CONDITION", "OUTCOME", ""],
        [(each["code"], each["outcome"], each["message"]) for each in body["conditions"]],
        empty="No conditions.",
    )
    for note in body.get("notes", []):
        say(f"Note: {note}")


def _tags(texts: tuple[str, ...]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise click.UsageError(f"--tag must be KEY=VALUE, not {text!r}")
    return dict((text.partition("=")[0], text.partition("=")[2]) for text in texts)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read: {error}") from None


def _parse(file: Path, text: str) -> Any:
    """The set in a file. Raises Failure with a line for each thing that is wrong."""
    from pierhead.registry.domain.policy_yaml import InvalidPolicies, parse_policies

    try:
        return parse_policies(text.encode())
    except InvalidPolicies as error:
        raise Failure(f"{file}: {error.message}", code=ExitCode.USAGE) from None
