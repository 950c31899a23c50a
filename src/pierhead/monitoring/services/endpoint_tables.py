"""Which tables an endpoint has."""

from collections.abc import Iterable

from pierhead.kit.errors import InvalidState
from pierhead.monitoring.domain.table_names import labels_of, requests_of
from pierhead.serving.domain.endpoints import Endpoint


def payload_of(endpoint: Endpoint) -> str:
    """The full name of the table that its invocations are kept in. Raises InvalidState if it has none."""
    table = find_payload(endpoint)
    if table is None:
        raise InvalidState(
            f"endpoint {endpoint.name!r} has no inference table; set auto_capture_config, or inference_table_config of "
            "its AI gateway"
        )
    return table


def find_payload(endpoint: Endpoint) -> str | None:
    """As `payload_of`; None if it has none."""
    configs = [config for config in (endpoint.active, endpoint.newest) if config is not None]
    return next((table for config in configs if (table := endpoint.capture_table(config)) is not None), None)


def endpoint_of(table: str, endpoints: Iterable[Endpoint]) -> Endpoint | None:
    """The endpoint whose invocations, predictions or labels lie in a table; None if it is no endpoint's."""
    for endpoint in endpoints:
        payload = find_payload(endpoint)
        if payload is not None and table in (payload, requests_of(payload), labels_of(payload)):
            return endpoint
    return None
