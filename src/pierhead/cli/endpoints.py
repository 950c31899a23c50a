"""`pierhead endpoints`: serving endpoints."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from pierhead.cli.endpoint_configs import capture_of, config_of, read_body, with_version
from pierhead.cli.endpoint_options import comes_from_file, config_options, timeout_option
from pierhead.cli.endpoints_top import endpoints_top
from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.options import confirm, output_option, talks_to_server, yes_option
from pierhead.cli.output import Format, moment, say, show_fields, show_json, show_table
from pierhead.cli.remote import QUERY_TIMEOUT_S, Remote, part
from pierhead.cli.waiting import find_entity, progress_of, wait_until_ready

_ENDPOINTS = "/api/2.0/serving-endpoints"
_OUR_OWN = "/api/2.0/pierhead/serving-endpoints"
"""What the official interface has no call for."""


@click.group()
def endpoints() -> None:
    """Serving endpoints: list get create update delete query logs events wait top."""


endpoints.add_command(endpoints_top)


@endpoints.command("list")
@output_option
@talks_to_server
def list_endpoints(remote: Remote, output: Format) -> None:
    """List serving endpoints."""
    body = remote.get(_ENDPOINTS)
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["NAME", "READY", "UPDATE", "SERVES", "BY", "UPDATED"],
        [
            (
                endpoint["name"],
                _state(endpoint, "ready"),
                _state(endpoint, "config_update"),
                _serves(endpoint.get("config") or endpoint.get("pending_config")),
                endpoint.get("creator"),
                moment(endpoint.get("last_updated_timestamp")),
            )
            for endpoint in body.get("endpoints") or []
        ],
        empty="No endpoints. Make one: pierhead endpoints create NAME --model catalog.schema.model --version 1",
    )


@endpoints.command("get")
@click.argument("name")
@output_option
@talks_to_server
def get_endpoint(remote: Remote, name: str, output: Format) -> None:
    """Show one endpoint."""
    _show(_get(remote, name), output)


@endpoints.command("create")
@click.argument("name")
@config_options
@output_option
@talks_to_server
def create_endpoint(remote: Remote, name: str, output: Format, is_wait: bool, timeout_s: float, **given: Any) -> None:
    """Create endpoint NAME that serves --version of --model, or what --file says."""
    if comes_from_file(given):
        body = read_body(given["file"])
    else:
        scale_to_zero = given["scale_to_zero"] is not False
        size = given["size"] or "Small"
        body = {"config": config_of(given["model"], given["version"], size, scale_to_zero=scale_to_zero)}
    body["name"] = name
    if given["capture"]:
        body["config"]["auto_capture_config"] = capture_of(given["capture"])
    _finish(remote, name, remote.call("POST", _ENDPOINTS, body), output, timeout_s if is_wait else None)


@endpoints.command("update")
@click.argument("name")
@config_options
@output_option
@talks_to_server
def update_endpoint(remote: Remote, name: str, output: Format, is_wait: bool, timeout_s: float, **given: Any) -> None:
    """Give endpoint NAME a new config; the earlier one serves until the new one is ready.

    With --model and --version the served entity of that model changes its version, and all else stays.
    """
    if comes_from_file(given):
        config = read_body(given["file"])["config"]
    else:
        changed = {key: given[key] for key in ("size", "scale_to_zero")}
        config = with_version(_get(remote, name), given["model"], given["version"], **changed)
    if given["capture"]:
        config["auto_capture_config"] = capture_of(given["capture"])
    endpoint = remote.call("PUT", f"{_ENDPOINTS}/{part(name)}/config", config)
    _finish(remote, name, endpoint, output, timeout_s if is_wait else None)


@endpoints.command("delete")
@click.argument("name")
@yes_option
@talks_to_server
def delete_endpoint(remote: Remote, name: str, yes: bool) -> None:
    """Delete an endpoint; requests on their way are still answered."""
    confirm(f"Delete endpoint {name}?", is_given=yes)
    remote.call("DELETE", f"{_ENDPOINTS}/{part(name)}")
    say(f"Deleted endpoint {name}")


@endpoints.command("query")
@click.argument("name")
@click.option("--data", required=True, help="Request body: JSON, @FILE, or @- for standard input.")
@talks_to_server
def query_endpoint(remote: Remote, name: str, data: str) -> None:
    """Send one request to an endpoint and print the answer."""
    raw = _read_data(data)
    show_json(remote.send("POST", f"/serving-endpoints/{part(name)}/invocations", raw, QUERY_TIMEOUT_S))


@endpoints.command("logs")
@click.argument("name")
@click.option("--build", is_flag=True, help="How the model's environment was built, instead of what it says now.")
@click.option("--entity", help="Served entity [of the newest config: the one that failed, else the first].")
@output_option
@talks_to_server
def endpoint_logs(remote: Remote, name: str, build: bool, entity: str | None, output: Format) -> None:
    """Print what a served model writes."""
    entity = entity or find_entity(_get(remote, name))
    if entity is None:
        raise Failure(
            f"endpoint {name!r} serves nothing", code=ExitCode.NOT_FOUND, remedy=f"pierhead endpoints get {name}"
        )
    kind = "build-logs" if build else "logs"
    body = remote.get(f"{_ENDPOINTS}/{part(name)}/served-models/{part(entity)}/{kind}")
    if output is Format.JSON:
        show_json(body)
    else:
        click.echo(body.get("logs", ""), nl=not str(body.get("logs", "")).endswith("\n"))


@endpoints.command("events")
@click.argument("name")
@output_option
@talks_to_server
def endpoint_events(remote: Remote, name: str, output: Format) -> None:
    """Print what has happened to an endpoint."""
    body = remote.get(f"{_OUR_OWN}/{part(name)}/events")
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["TIME", "KIND", "MESSAGE"],
        [(moment(event["time_ms"]), event["kind"], event["message"]) for event in body["events"]],
        empty=f"Nothing has happened to endpoint {name} yet.",
    )


@endpoints.command("wait")
@click.argument("name")
@timeout_option
@output_option
@talks_to_server
def wait_for_endpoint(remote: Remote, name: str, timeout_s: float, output: Format) -> None:
    """Return when an endpoint is ready; exit code 6 if it is not in time, 1 if it cannot be."""
    _finish(remote, name, {}, output, timeout_s)


def _get(remote: Remote, name: str) -> dict[str, Any]:
    body: dict[str, Any] = remote.get(f"{_ENDPOINTS}/{part(name)}")
    return body


def _finish(remote: Remote, name: str, endpoint: dict[str, Any], output: Format, wait_s: float | None) -> None:
    if wait_s is not None:
        endpoint = wait_until_ready(lambda: _get(remote, name), name, wait_s)
        say(f"Endpoint {name} is ready")
    elif output is Format.TABLE:
        say(f"Accepted; follow it with `pierhead endpoints wait {name}`")
    _show(endpoint, output)


def _read_data(data: str) -> bytes:
    try:
        if data == "@-":
            raw = sys.stdin.buffer.read()
        elif data.startswith("@"):
            raw = Path(data[1:]).read_bytes()
        else:
            raw = data.encode()
    except OSError as error:
        raise click.UsageError(f"--data: {data[1:]} cannot be read: {error.strerror}") from None
    try:
        json.loads(raw)
    except ValueError as error:
        raise click.UsageError(f"--data is not valid JSON: {error}") from None
    return raw


def _show(endpoint: dict[str, Any], output: Format) -> None:
    if output is Format.JSON:
        show_json(endpoint)
        return
    progress = progress_of(endpoint)
    show_fields(
        [
            ("name", endpoint.get("name")),
            ("ready", _state(endpoint, "ready")),
            ("update", _state(endpoint, "config_update")),
            ("serves", _serves(endpoint.get("config"))),
            ("pending", _serves(endpoint.get("pending_config"))),
            ("reason" if progress.has_failed else "state", progress.story),
            ("tags", [f"{tag['key']}={tag.get('value', '')}" for tag in endpoint.get("tags") or []]),
            ("by", endpoint.get("creator")),
            ("created", moment(endpoint.get("creation_timestamp"))),
            ("updated", moment(endpoint.get("last_updated_timestamp"))),
        ]
    )


def _state(endpoint: dict[str, Any], key: str) -> str:
    return str((endpoint.get("state") or {}).get(key) or "")


def _serves(config: dict[str, Any] | None) -> list[str]:
    """`model/version`, with the share of the traffic where it is split.

    >>> _serves({"served_entities": [{"name": "a", "entity_name": "c.s.m", "entity_version": "3"}]})
    ['c.s.m/3']
    """
    entities = (config or {}).get("served_entities") or []
    routes = ((config or {}).get("traffic_config") or {}).get("routes") or []
    shares = {
        route.get("served_entity_name") or route.get("served_model_name"): route.get("traffic_percentage")
        for route in routes
    }
    lines = []
    for entity in entities:
        share = shares.get(entity.get("name"))
        split = f" {share}%" if share is not None and len(entities) > 1 else ""
        lines.append(f"{entity.get('entity_name')}/{entity.get('entity_version')}{split}")
    return lines
