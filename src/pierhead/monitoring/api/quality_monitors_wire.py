"""Monitors in the field names of Databricks' `quality_monitors`."""

from collections.abc import Mapping
from typing import Any

from pierhead.catalog.domain.names import SchemaName
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName
from pierhead.monitoring.api.monitor_dialects import QUALITY_MONITORS
from pierhead.monitoring.api.monitor_reading import read_draft
from pierhead.monitoring.api.monitor_writing import config_json, refresh_json, state_json
from pierhead.monitoring.domain.monitors import Monitor, MonitorDraft, Refresh, Trigger

MOST_REFRESHES = 25
"""So many of the newest does a list show."""

_ONLY_READ = {"latest_monitor_failure_msg": "it is the platform's to say"}


def read_monitor(params: Mapping[str, Any], table: FullName, before: Monitor | None = None) -> MonitorDraft:
    """Raises InvalidArgument with all problems."""
    forbidden = {**_ONLY_READ, **({"dashboard_id": "there are no dashboards to choose"} if before is None else {})}
    problems = [f"{field} cannot be set: {why}" for field, why in forbidden.items() if params.get(field) is not None]
    said, schema = params.get("output_schema_name"), ""
    try:
        schema = str(SchemaName.parse(said)) if isinstance(said, str) else ""
    except InvalidArgument as error:
        problems.append(f"output_schema_name: {error.message}")
    if not isinstance(said, str):
        problems.append("missing value for required parameter 'output_schema_name'")
    return read_draft(
        params, QUALITY_MONITORS, table=str(table), output_schema=schema, before=before, problems=problems
    )


def monitor_info(monitor: Monitor) -> dict[str, Any]:
    return {
        "table_name": monitor.table,
        "output_schema_name": monitor.output_schema,
        **config_json(monitor, QUALITY_MONITORS),
        **state_json(monitor, QUALITY_MONITORS),
    }


def refresh_info(refresh: Refresh) -> dict[str, Any]:
    # This API has no word for a refresh that new rows asked for.
    trigger = "UNKNOWN_TRIGGER" if refresh.trigger is Trigger.DATA_CHANGE else refresh.trigger.value
    return refresh_json(refresh, state_prefix="") | {"trigger": trigger}
