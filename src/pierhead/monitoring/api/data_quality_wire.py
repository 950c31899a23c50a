"""Monitors in the field names of Databricks' `data_quality`."""

from collections.abc import Mapping
from typing import Any

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.api.monitor_dialects import DATA_QUALITY
from pierhead.monitoring.api.monitor_reading import read_draft
from pierhead.monitoring.api.monitor_writing import config_json, refresh_json, state_json
from pierhead.monitoring.domain.monitors import Monitor, MonitorDraft, Refresh

CONFIG = "data_profiling_config"
_ANALYSES = frozenset({"inference_log", "time_series", "snapshot"})


def read_config(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said of a table. Raises InvalidArgument."""
    if params.get("anomaly_detection_config") is not None:
        raise InvalidArgument("anomaly_detection_config is of schemas; a table has a data_profiling_config")
    config = params.get(CONFIG)
    if not isinstance(config, Mapping):
        raise InvalidArgument(f"missing value for required parameter '{CONFIG}'")
    return config


def read_schema_id(config: Mapping[str, Any]) -> str:
    """Raises InvalidArgument."""
    said = config.get("output_schema_id")
    if not isinstance(said, str) or not said:
        raise InvalidArgument(f"missing value for required parameter '{CONFIG}.output_schema_id'")
    return said


def read_monitor(
    config: Mapping[str, Any], *, table: str, output_schema: str, before: Monitor | None = None
) -> MonitorDraft:
    """Raises InvalidArgument with all problems."""
    return read_draft(config, DATA_QUALITY, table=table, output_schema=output_schema, before=before)


def masked(before: Mapping[str, Any], said: Mapping[str, Any], update_mask: str) -> dict[str, Any]:
    """The config with the fields of the mask taken from what is said; those that it does not say are gone.

    Raises InvalidArgument if the mask names no field of the config.

    >>> masked({"slicing_exprs": ["a"], "assets_dir": "/x"}, {}, "data_profiling_config.slicing_exprs")
    {'assets_dir': '/x'}
    """
    config = dict(before)
    for path in (each.strip() for each in update_mask.split(",")):
        if path in (CONFIG, "*"):
            config = dict(said)
            continue
        first, *rest = path.split(".")
        if first != CONFIG or not rest or not all(rest):
            raise InvalidArgument(f"update_mask: {path!r} names no field of {CONFIG}")
        if rest[0] in _ANALYSES and said.get(rest[0]) is not None:
            # One analysis takes the place of another.
            config = {key: value for key, value in config.items() if key not in _ANALYSES - {rest[0]}}
        _put(config, said, rest)
    return config


def monitor_json(monitor: Monitor, *, object_id: str, schema_id: str) -> dict[str, Any]:
    config = {
        "output_schema_id": schema_id,
        "monitored_table_name": monitor.table,
        **config_json(monitor, DATA_QUALITY),
        **state_json(monitor, DATA_QUALITY),
    }
    return {"object_type": "table", "object_id": object_id, CONFIG: config}


def refresh_info(refresh: Refresh, *, object_id: str) -> dict[str, Any]:
    return {
        "object_type": "table",
        "object_id": object_id,
        **refresh_json(refresh, state_prefix="MONITOR_REFRESH_STATE_"),
        "trigger": f"MONITOR_REFRESH_TRIGGER_{refresh.trigger.value}",
    }


def _put(config: dict[str, Any], said: Mapping[str, Any], path: list[str]) -> None:
    """Set or remove what lies at the path; the objects on the way are copied."""
    *way, last = path
    for key in way:
        inner, value = config.get(key), said.get(key)
        config[key] = dict(inner) if isinstance(inner, Mapping) else {}
        config, said = config[key], value if isinstance(value, Mapping) else {}
    if said.get(last) is None:
        config.pop(last, None)
    else:
        config[last] = said[last]
