"""The dict-friendly client: the real SDK against a server that remembers what was sent."""

from collections.abc import Iterator

import pytest

from fakes.rest_server import RestServer
from pierhead.client import WorkspaceClient

_READY = {"name": "fraud-detection-v2", "state": {"ready": "READY", "config_update": "NOT_UPDATING"}}
_ENDPOINTS = "/api/2.0/serving-endpoints"


@pytest.fixture
def server() -> Iterator[RestServer]:
    with RestServer() as server:
        server.answer("GET /.well-known/databricks-config", {})
        yield server


@pytest.fixture
def client(server: RestServer) -> WorkspaceClient:
    return WorkspaceClient(host=server.url, token="phd_x")


def test_the_runbooks_own_dict_creates_an_endpoint(server: RestServer, client: WorkspaceClient) -> None:
    server.answer(f"POST {_ENDPOINTS}", _READY)
    served = {
        "model_name": "catalog.schema.fraud_model",
        "model_version": "3",
        "workload_size": "Small",
        "scale_to_zero_enabled": True,
    }
    client.serving_endpoints.create(name="fraud-detection-v2", config={"served_models": [served]})
    assert server.last.body == {"name": "fraud-detection-v2", "config": {"served_models": [served]}}
    assert server.last.token == "phd_x"


def test_create_and_wait_takes_the_dict_too(server: RestServer, client: WorkspaceClient) -> None:
    server.answer(f"POST {_ENDPOINTS}", _READY)
    server.answer(f"GET {_ENDPOINTS}/fraud-detection-v2", _READY)
    endpoint = client.serving_endpoints.create_and_wait(
        "fraud-detection-v2",
        config={"served_entities": [{"entity_name": "c.s.m", "entity_version": "1"}]},
        tags=[{"key": "team", "value": "risk"}],
    )
    assert endpoint.name == "fraud-detection-v2"
    posted = next(asked for asked in server.asked if asked.method == "POST")
    assert posted.body["tags"] == [{"key": "team", "value": "risk"}]


def test_lists_of_dicts_become_served_entities_and_routes(server: RestServer, client: WorkspaceClient) -> None:
    server.answer(f"PUT {_ENDPOINTS}/e/config", _READY)
    entities = [{"name": "a", "entity_name": "c.s.m", "entity_version": "1"}]
    routes = {"routes": [{"served_model_name": "a", "traffic_percentage": 100}]}
    client.serving_endpoints.update_config("e", served_entities=entities, traffic_config=routes)
    assert server.last.body["served_entities"] == entities
    assert server.last.body["traffic_config"] == routes


def test_dataclasses_still_work_and_may_stand_inside_a_dict(server: RestServer, client: WorkspaceClient) -> None:
    from databricks.sdk.service.serving import EndpointCoreConfigInput, ServedEntityInput

    server.answer(f"POST {_ENDPOINTS}", _READY)
    entity = ServedEntityInput(entity_name="c.s.m", entity_version="1")
    client.serving_endpoints.create("e", config=EndpointCoreConfigInput(name="e", served_entities=[entity]))
    typed = server.last.body
    client.serving_endpoints.create("e", config={"name": "e", "served_entities": [entity]})
    assert server.last.body == typed


def test_a_misspelt_key_is_refused_before_anything_is_sent(server: RestServer, client: WorkspaceClient) -> None:
    before = len(server.asked)
    with pytest.raises(ValueError, match=r"config\.served_entities\[0\]: unknown key 'entity_nam'"):
        client.serving_endpoints.create("e", config={"served_entities": [{"entity_nam": "c.s.m"}]})
    assert len(server.asked) == before


def test_tags_and_gateway_settings_take_dicts(server: RestServer, client: WorkspaceClient) -> None:
    server.answer(f"PATCH {_ENDPOINTS}/e/tags", {"tags": []})
    client.serving_endpoints.patch("e", add_tags=[{"key": "a", "value": "b"}])
    assert server.last.body == {"add_tags": [{"key": "a", "value": "b"}]}
    server.answer(f"PUT {_ENDPOINTS}/e/ai-gateway", {})
    table = {"catalog_name": "c", "schema_name": "s", "enabled": True}
    client.serving_endpoints.put_ai_gateway("e", inference_table_config=table)
    assert server.last.body == {"inference_table_config": table}


def test_queries_pass_as_they_are(server: RestServer, client: WorkspaceClient) -> None:
    server.answer("POST /serving-endpoints/e/invocations", {"predictions": [1]})
    client.serving_endpoints.query("e", dataframe_records=[{"a": 1}])
    assert server.last.body == {"dataframe_records": [{"a": 1}]}
    client.serving_endpoints.query("e", dataframe_split={"columns": ["a"], "data": [[1]]})
    assert server.last.body == {"dataframe_split": {"columns": ["a"], "data": [[1]]}}
