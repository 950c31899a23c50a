"""`pierhead monitors`: what models are asked and answer, against what they were trained on."""

from typing import Any

import click

from pierhead.cli.monitor_lines import standing_lines
from pierhead.cli.monitor_report import report
from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_fields, show_json, show_table
from pierhead.cli.remote import Remote, part

MONITORS = "/api/2.0/pierhead/monitors"

_PROFILES = ("inference-log", "time-series", "snapshot")
_WINDOWS = "5 minutes, 30 minutes, 1 hour, 1 day, 1-4 weeks, 1 month, 1 year. Repeat [1 hour, 1 day]."


@click.group()
def monitors() -> None:
    """Monitors of tables and endpoints: list show create refresh status.

    NAME is an endpoint, which means its predictions, or a Delta table, catalog.schema.table.
    """


monitors.add_command(report)


@monitors.command("list")
@output_option
@talks_to_server
def list_monitors(remote: Remote, output: Format) -> None:
    """List monitors and how their newest refresh ended."""
    body = remote.get(MONITORS)
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["TABLE", "ENDPOINT", "KIND", "STATUS", "NEWEST REFRESH", "ENDED"],
        [_line(each) for each in body["monitors"]],
        empty="No monitors. Endpoints with an inference table get one; make others: pierhead monitors create",
    )


@monitors.command("show")
@click.argument("name")
@output_option
@talks_to_server
def show(remote: Remote, name: str, output: Format) -> None:
    """Show what the monitor of NAME measures, and its last refreshes."""
    body = remote.get(f"{MONITORS}/{part(name)}")
    if output is Format.JSON:
        show_json(body)
        return
    monitor = body["monitor"]
    if monitor is None:
        say(f"Nobody monitors {body['table_name']}; pierhead monitors create {name}")
        return
    profile = monitor.get("inference_log") or monitor.get("time_series") or {}
    schedule = monitor.get("schedule", {})
    show_fields(
        [
            ("table", monitor["table_name"]),
            ("endpoint", body["endpoint"]),
            ("status", _word(monitor["status"])),
            ("problem", monitor.get("latest_monitor_failure_msg")),
            ("kind", _profile_of(monitor)),
            *((name.removesuffix("_col"), value) for name, value in profile.items() if name != "problem_type"),
            ("baseline", monitor.get("baseline_table_name") or "each version's recorded training data"),
            ("slices", monitor.get("slicing_exprs")),
            ("custom metrics", [metric["name"] for metric in monitor.get("custom_metrics", [])]),
            ("schedule", schedule and f"{schedule['quartz_cron_expression']} {schedule['timezone_id']}"),
            ("profile metrics", monitor["profile_metrics_table_name"]),
            ("drift metrics", monitor["drift_metrics_table_name"]),
            ("version", monitor["monitor_version"]),
        ]
    )
    _show_refreshes(body["refreshes"])


@monitors.command("create")
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(_PROFILES), default="inference-log", help="What lies in the table [inference-log]."
)
@click.option("--problem", type=click.Choice(["classification", "regression"]), help="What the model does.")
@click.option("--timestamp", default="timestamp", help="Column that says when [timestamp].")
@click.option("--prediction", default="prediction", help="Column of the prediction [prediction].")
@click.option("--model-id", default="model_id", help="Column that says which model [model_id].")
@click.option("--label", help="Column of what was true [label, of an endpoint].")
@click.option("--probability", help="Column of the classes' probabilities.")
@click.option("--granularity", "granularities", multiple=True, help=_WINDOWS)
@click.option("--baseline", help="Table to compare with [the versions' training data].")
@click.option("--slice", "slices", multiple=True, help="Column or predicate. Repeat.")
@click.option("--schedule", help="Quartz cron expression, in UTC.")
@click.option("--output-schema", help="Where the metric tables go, catalog.schema [the table's].")
@output_option
@talks_to_server
def create(remote: Remote, name: str, output: Format, **said: Any) -> None:
    """Monitor NAME. Each window of its rows is profiled and compared with the baseline and with the window before."""
    body = remote.get(f"{MONITORS}/{part(name)}")
    table, is_endpoint = body["table_name"], body["endpoint"] is not None
    done = remote.call("POST", _official(table), _definition(table, is_endpoint=is_endpoint, said=said))
    if output is Format.JSON:
        show_json(done)
        return
    profile, drift = done["profile_metrics_table_name"], done["drift_metrics_table_name"]
    say(f"{table} is monitored; metrics go to {profile} and {drift}")
    say(f"Compute them: pierhead monitors refresh {name}")


@monitors.command("refresh")
@click.argument("name")
@click.option("--wait/--no-wait", default=True, help="Wait for its end [wait].")
@click.option("--timeout", "timeout_s", type=click.IntRange(1), default=600, help="Of the wait, in seconds [600].")
@output_option
@talks_to_server
def refresh(remote: Remote, name: str, wait: bool, timeout_s: int, output: Format) -> None:
    """Compute the metrics of what is new in NAME."""
    from pierhead.cli.monitor_waiting import wait_for_refresh

    table = remote.get(f"{MONITORS}/{part(name)}")["table_name"]
    found = remote.call("POST", f"{_official(table)}/refreshes", {})
    if wait:
        found = wait_for_refresh(remote, f"{_official(table)}/refreshes/{found['refresh_id']}", timeout_s)
    if output is Format.JSON:
        show_json(found)
        return
    _show_refreshes([found])


@monitors.command("status")
@click.argument("name")
@output_option
@talks_to_server
def status(remote: Remote, name: str, output: Format) -> None:
    """Show how NAME stands: drift by column, quality, latency by version, labels and open alerts."""
    body = remote.get(f"{MONITORS}/status/{part(name)}")
    if output is Format.JSON:
        show_json(body)
        return
    for line in standing_lines(body):
        click.echo(line)


def _official(table: str) -> str:
    return f"/api/2.1/unity-catalog/tables/{part(table)}/monitor"


def _definition(table: str, *, is_endpoint: bool, said: dict[str, Any]) -> dict[str, Any]:
    windows = {"timestamp_col": said["timestamp"], "granularities": list(said["granularities"]) or ["1 hour", "1 day"]}
    body: dict[str, Any] = {
        "output_schema_name": said["output_schema"] or table.rpartition(".")[0],
        "baseline_table_name": said["baseline"],
        "slicing_exprs": list(said["slices"]) or None,
    }
    if said["schedule"]:
        body["schedule"] = {"quartz_cron_expression": said["schedule"], "timezone_id": "UTC"}
    match said["kind"]:
        case "snapshot":
            body["snapshot"] = {}
        case "time-series":
            body["time_series"] = windows
        case _:
            if said["problem"] is None:
                raise click.UsageError("--problem is missing: classification or regression")
            body["inference_log"] = windows | {
                "problem_type": f"PROBLEM_TYPE_{said['problem'].upper()}",
                "prediction_col": said["prediction"],
                "model_id_col": said["model_id"],
                "label_col": said["label"] or ("label" if is_endpoint else None),
                "prediction_proba_col": said["probability"],
            }
    return body


def _line(each: dict[str, Any]) -> tuple[object, ...]:
    monitor, newest = each["monitor"], each["newest_refresh"] or {}
    return (
        monitor["table_name"],
        each["endpoint"],
        _profile_of(monitor),
        _word(monitor["status"]),
        newest.get("state"),
        moment(newest.get("end_time_ms")),
    )


def _profile_of(monitor: dict[str, Any]) -> str:
    log = monitor.get("inference_log")
    if log is not None:
        return f"inference log, {log['problem_type'].removeprefix('PROBLEM_TYPE_').lower()}"
    return "time series" if "time_series" in monitor else "snapshot"


def _word(status: str) -> str:
    return status.removeprefix("MONITOR_STATUS_").lower().replace("_", " ")


def _show_refreshes(refreshes: list[dict[str, Any]]) -> None:
    show_table(
        ["REFRESH", "STATE", "WHY", "ASKED", "ENDED", ""],
        [
            (
                each["refresh_id"],
                each["state"],
                each["trigger"].lower().replace("unknown_trigger", "new rows"),
                moment(each["start_time_ms"]),
                moment(each.get("end_time_ms")),
                each.get("message", ""),
            )
            for each in refreshes
        ],
        empty="No refresh yet.",
    )
