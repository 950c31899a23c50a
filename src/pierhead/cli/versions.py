"""`pierhead versions`: versions of registered models."""

from typing import Any

import click

from pierhead.cli.options import confirm, output_option, talks_to_server, yes_option
from pierhead.cli.output import Format, moment, say, show_fields, show_json, show_table
from pierhead.cli.remote import Remote

_VERSIONS = "/api/2.0/mlflow/model-versions"
_STAGES = ("None", "Staging", "Production", "Archived")


@click.group()
def versions() -> None:
    """Model versions: list get delete transition."""


@versions.command("list")
@click.argument("model")
@output_option
@talks_to_server
def list_versions(remote: Remote, model: str, output: Format) -> None:
    """List the versions of MODEL, newest first."""
    if "'" in model:
        raise click.BadParameter("a name has no quotes", param_hint="MODEL")
    body = remote.pages(f"{_VERSIONS}/search", "model_versions", {"filter": f"name='{model}'", "max_results": 200})
    body["model_versions"].sort(key=lambda version: int(version["version"]), reverse=True)
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["VERSION", "STAGE", "STATUS", "ALIASES", "CREATED", "BY"],
        [
            (
                version["version"],
                version.get("current_stage"),
                version.get("status"),
                version.get("aliases"),
                moment(version.get("creation_timestamp")),
                version.get("user_id"),
            )
            for version in body["model_versions"]
        ],
        empty=f"Model {model} has no versions (or does not exist: `pierhead models list`).",
    )


@versions.command("get")
@click.argument("model")
@click.argument("version")
@output_option
@talks_to_server
def get_version(remote: Remote, model: str, version: str, output: Format) -> None:
    """Show one version of MODEL."""
    _show(remote.get(f"{_VERSIONS}/get", {"name": model, "version": version}), output)


@versions.command("delete")
@click.argument("model")
@click.argument("version")
@yes_option
@talks_to_server
def delete_version(remote: Remote, model: str, version: str, yes: bool) -> None:
    """Delete one version of MODEL."""
    confirm(f"Delete version {version} of model {model}?", is_given=yes)
    remote.call("DELETE", f"{_VERSIONS}/delete", {"name": model, "version": version})
    say(f"Deleted version {version} of model {model}")


@versions.command("transition")
@click.argument("model")
@click.argument("version")
@click.argument("stage", type=click.Choice(_STAGES, case_sensitive=False))
@click.option("--archive-existing", is_flag=True, help="Archive the versions that hold the stage now.")
@output_option
@talks_to_server
def transition_version(
    remote: Remote, model: str, version: str, stage: str, archive_existing: bool, output: Format
) -> None:
    """Move a version of MODEL to STAGE."""
    body = {"name": model, "version": version, "stage": stage, "archive_existing_versions": archive_existing}
    _show(remote.call("POST", f"{_VERSIONS}/transition-stage", body), output)


def _show(body: dict[str, Any], output: Format) -> None:
    if output is Format.JSON:
        show_json(body)
        return
    version = body["model_version"]
    show_fields(
        [
            ("model", version["name"]),
            ("version", version["version"]),
            ("stage", version.get("current_stage")),
            ("status", version.get("status")),
            ("status message", version.get("status_message")),
            ("description", version.get("description")),
            ("aliases", version.get("aliases")),
            ("tags", [f"{tag['key']}={tag.get('value', '')}" for tag in version.get("tags", [])]),
            ("run", version.get("run_id")),
            ("source", version.get("source")),
            ("by", version.get("user_id")),
            ("created", moment(version.get("creation_timestamp"))),
            ("updated", moment(version.get("last_updated_timestamp"))),
        ]
    )
