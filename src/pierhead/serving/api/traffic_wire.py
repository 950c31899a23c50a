"""Who gets how much of an endpoint's traffic, to the hundredth of a percent. Our own: Databricks has whole percents."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pierhead.serving.api.reader_wire import Fields, Reader
from pierhead.serving.domain.candidates import candidate_route_name
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig, Route
from pierhead.serving.domain.ramps import Ramp
from pierhead.serving.domain.shares import POINTS_PER_PERCENT
from pierhead.serving.domain.tags import unit_of

_PERCENT = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,2})?")


def traffic(endpoint: Endpoint) -> dict[str, Any]:
    """What is live, or is to be first; what is asked for besides; and the ramp between the two."""
    config = endpoint.active or endpoint.newest
    pending = endpoint.pending
    return {
        **_config(config),
        "unit_key": unit_of(endpoint.tags) or "request",
        "ramp": None if endpoint.ramp is None else _ramp(endpoint, endpoint.ramp),
        "pending": None if pending is None or pending is config else _config(pending),
    }


def read_routes(params: Mapping[str, Any]) -> ConfigDraft:
    """A change of the routes alone. Raises InvalidArgument with everything that is wrong."""
    reader = Reader()
    fields = reader.open(params, "request", ("name", "routes"))
    routes = tuple(_route(reader, item, f"routes[{i}]") for i, item in enumerate(fields.items("routes")))
    if not routes:
        reader.problems.append("the request needs routes, each with a served_entity_name and a traffic_percentage")
    reader.finish()
    return ConfigDraft(routes=routes)


def _config(config: EndpointConfig) -> dict[str, Any]:
    return {
        "config_version": config.version,
        "routes": [
            {
                "served_entity_name": route.entity_name,
                "traffic_percentage": route.points / POINTS_PER_PERCENT,
                "ranges": [list(each) for each in route.ranges],
            }
            for route in config.routes
        ],
    }


def _ramp(endpoint: Endpoint, ramp: Ramp) -> dict[str, Any]:
    return {
        "rollout_id": ramp.rollout_id,
        "config_version": ramp.config_version,
        "served_entity_name": candidate_route_name(endpoint),
        "traffic_percentage": ramp.points / POINTS_PER_PERCENT,
        "shadow_rate": ramp.shadow_rate,
        "is_finished": ramp.is_finished,
    }


def _route(reader: Reader, item: object, where: str) -> Route:
    fields = reader.open(item, where, ("served_entity_name", "traffic_percentage", "ranges"))
    return Route(fields.required_text("served_entity_name"), _points(reader, fields))


def _points(reader: Reader, fields: Fields) -> int:
    """From percent with up to two decimals, as a number or as a string."""
    value = fields.find("traffic_percentage")
    if not isinstance(value, bool) and _PERCENT.fullmatch(str(value)):
        return int(Decimal(str(value)) * POINTS_PER_PERCENT)
    reader.problems.append(f"{fields.where}.traffic_percentage must be a number with up to two decimals, not {value!r}")
    return 0
