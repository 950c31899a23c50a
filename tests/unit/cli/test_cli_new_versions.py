"""What `endpoints update --model --version` makes of the config that an endpoint has."""

from typing import Any

import pytest

from pierhead.cli.endpoint_configs import with_version
from pierhead.cli.failures import Failure

_TRAFFIC = {"routes": [{"served_entity_name": "a", "traffic_percentage": 90}, {"served_entity_name": "b"}]}


def _entity(name: str, model: str = "c.s.m", **more: Any) -> dict[str, Any]:
    shown = {"state": {"deployment": "DEPLOYMENT_READY"}, "creator": "ada", "creation_timestamp": 1}
    return {"name": name, "entity_name": model, "entity_version": "1"} | shown | more


def _endpoint(*entities: dict[str, Any], **more: Any) -> dict[str, Any]:
    config = {"config_version": 4, "served_entities": list(entities), "served_models": [{"model_name": "c.s.m"}]}
    return {"name": "fraud", "config": config | more}


def _updated(endpoint: dict[str, Any], size: str | None = None, scale_to_zero: bool | None = None) -> dict[str, Any]:
    return with_version(endpoint, "c.s.m", "2", size=size, scale_to_zero=scale_to_zero)


def test_only_the_version_changes() -> None:
    settings = {
        "environment_vars": {"A": "1"},
        "min_provisioned_concurrency": 4,
        "max_provisioned_concurrency": 8,
        "scale_to_zero_enabled": False,
        "new_setting": {"x": 1},
    }
    capture = {"catalog_name": "c", "schema_name": "s", "enabled": True}
    shown = capture | {"state": {"payload_table": {"name": "t"}}}
    endpoint = _endpoint(
        _entity("a", **settings), _entity("b", "c.s.other"), traffic_config=_TRAFFIC, auto_capture_config=shown, extra=1
    )

    assert _updated(endpoint) == {
        "served_entities": [
            {"name": "a", "entity_name": "c.s.m", "entity_version": "2"} | settings,
            {"name": "b", "entity_name": "c.s.other", "entity_version": "1"},
        ],
        "traffic_config": _TRAFFIC,
        "auto_capture_config": capture,
        "extra": 1,
    }


def test_size_and_scaling_change_when_they_are_given() -> None:
    provisioned = _entity("a", max_provisioned_concurrency=8, scale_to_zero_enabled=False)

    (entity,) = _updated(_endpoint(provisioned), "Large", True)["served_entities"]

    assert (entity["workload_size"], entity["scale_to_zero_enabled"]) == ("Large", True)
    assert "max_provisioned_concurrency" not in entity


def test_the_active_config_counts_and_a_pending_one_where_none_is_active() -> None:
    pending = {"served_entities": [_entity("b", workload_size="Large")]}
    active = _endpoint(_entity("a", workload_size="Small"))

    assert _updated(active | {"pending_config": pending})["served_entities"][0]["name"] == "a"
    assert _updated({"pending_config": pending})["served_entities"][0]["name"] == "b"


@pytest.mark.parametrize(
    ("endpoint", "fact"),
    [
        (_endpoint(_entity("a"), _entity("b")), "has 2 served entities of c.s.m"),
        (_endpoint(_entity("a", "c.s.other")), "serves no c.s.m"),
        ({"name": "fraud"}, "serves nothing"),
    ],
)
def test_where_it_is_not_clear_what_to_replace_a_file_is_asked_for(endpoint: dict[str, Any], fact: str) -> None:
    with pytest.raises(Failure, match=fact) as failure:
        _updated(endpoint)
    assert "--file" in failure.value.remedy
