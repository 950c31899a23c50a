"""`pierhead models`: registered models."""

from typing import Any

import click

from pierhead.cli.compilation import certificate, compile_version
from pierhead.cli.lineage import lineage, reproduce
from pierhead.cli.model_history import emergencies, history, review
from pierhead.cli.options import confirm, output_option, talks_to_server, yes_option
from pierhead.cli.output import Format, moment, say, show_fields, show_json, show_table
from pierhead.cli.promotions import approve, promote, reject, request, requests
from pierhead.cli.remote import Remote

_MODELS = "/api/2.0/mlflow/registered-models"


@click.group()
def models() -> None:
    """Registered models: list get create delete alias lineage reproduce promote request approve reject requests history
    emergencies review compile certificate."""


for command in (
    *(lineage, reproduce, promote, request, approve, reject, requests, history, emergencies, review),
    *(compile_version, certificate),
):
    models.add_command(command)


@models.command("list")
@click.option("--filter", "condition", default="", help="As in mlflow.search_registered_models.")
@output_option
@talks_to_server
def list_models(remote: Remote, condition: str, output: Format) -> None:
    """List registered models."""
    query = {"max_results": 200} | ({"filter": condition} if condition else {})
    body = remote.pages(f"{_MODELS}/search", "registered_models", query)
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["NAME", "LATEST VERSIONS", "ALIASES", "UPDATED"],
        [
            (model["name"], _latest(model), _aliases(model), moment(model.get("last_updated_timestamp")))
            for model in body["registered_models"]
        ],
        empty="No registered models. The first one comes with mlflow.register_model(...) or `pierhead models create`.",
    )


@models.command("get")
@click.argument("name")
@output_option
@talks_to_server
def get_model(remote: Remote, name: str, output: Format) -> None:
    """Show one registered model."""
    _show(remote.get(f"{_MODELS}/get", {"name": name}), output)


@models.command("create")
@click.argument("name")
@click.option("--description", default="")
@output_option
@talks_to_server
def create_model(remote: Remote, name: str, description: str, output: Format) -> None:
    """Create a registered model without versions; NAME is catalog.schema.model."""
    _show(remote.call("POST", f"{_MODELS}/create", {"name": name, "description": description}), output)


@models.command("delete")
@click.argument("name")
@yes_option
@talks_to_server
def delete_model(remote: Remote, name: str, yes: bool) -> None:
    """Delete a registered model with all its versions."""
    confirm(f"Delete model {name} with all its versions?", is_given=yes)
    remote.call("DELETE", f"{_MODELS}/delete", {"name": name})
    say(f"Deleted model {name}")


@models.command("alias")
@click.argument("name")
@click.argument("alias")
@click.argument("version", required=False)
@click.option("--delete", "is_delete", is_flag=True, help="Remove the alias.")
@talks_to_server
def alias_model(remote: Remote, name: str, alias: str, version: str | None, is_delete: bool) -> None:
    """Point ALIAS of model NAME at VERSION, or remove it with --delete."""
    if is_delete == (version is not None):
        raise click.UsageError("give either VERSION or --delete")
    if is_delete:
        remote.call("DELETE", f"{_MODELS}/alias", {"name": name, "alias": alias})
        say(f"Removed alias {alias} of {name}")
        return
    remote.call("POST", f"{_MODELS}/alias", {"name": name, "alias": alias, "version": version})
    say(f"{name}@{alias} is version {version} now")


def _show(body: dict[str, Any], output: Format) -> None:
    if output is Format.JSON:
        show_json(body)
        return
    model = body["registered_model"]
    show_fields(
        [
            ("name", model["name"]),
            ("description", model.get("description")),
            ("latest versions", _latest(model)),
            ("aliases", _aliases(model)),
            ("tags", [f"{tag['key']}={tag.get('value', '')}" for tag in model.get("tags", [])]),
            ("created", moment(model.get("creation_timestamp"))),
            ("updated", moment(model.get("last_updated_timestamp"))),
        ]
    )


def _latest(model: dict[str, Any]) -> list[str]:
    return [
        f"{version['version']} ({version.get('current_stage', 'None')})" for version in _list(model, "latest_versions")
    ]


def _aliases(model: dict[str, Any]) -> list[str]:
    return [f"{alias['alias']}={alias['version']}" for alias in _list(model, "aliases")]


def _list(model: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return list(model.get(key) or [])
