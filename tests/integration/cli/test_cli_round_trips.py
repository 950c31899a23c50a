"""What the server shows of an endpoint can be sent back to it with another version."""

from datetime import UTC, datetime

from pierhead.cli.endpoint_configs import with_version
from pierhead.identity.domain.levels import Level
from pierhead.serving.api.databricks_requests_wire import read_update
from pierhead.serving.api.databricks_wire import detailed
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import ConfigStatus, Endpoint, EndpointConfig, EntitySpec, Route, ServedEntity

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _specs(version: str) -> tuple[EntitySpec, EntitySpec]:
    tuned = EntitySpec(
        "c.s.m",
        version,
        name="a",
        scale_to_zero_enabled=False,
        environment_vars={"A": "1"},
        min_provisioned_concurrency=4,
        max_provisioned_concurrency=8,
    )
    return tuned, EntitySpec("c.s.other", "1", name="b", workload_size="Large", workload_type="CPU")


def test_an_update_to_another_version_loses_no_setting_on_the_way_through_the_server() -> None:
    routes = (Route("a", 9000), Route("b", 1000))
    capture = CaptureConfig("c", "s", "fraud", True)
    entities = tuple(ServedEntity(f"id-{spec.name}", spec.name or "", spec, "digest") for spec in _specs("1"))
    config = EndpointConfig("e", 1, ConfigStatus.ACTIVE, entities, routes, capture, "ada", _NOW)
    endpoint = Endpoint("e", "fraud", "ada", None, (), None, _NOW, _NOW, config, config)

    body = with_version(detailed(endpoint, "http://h", Level.CAN_MANAGE), "c.s.m", "2", size=None, scale_to_zero=None)

    assert read_update(body) == ConfigDraft(_specs("2"), routes, capture)
