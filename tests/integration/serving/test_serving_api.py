"""The API as the official SDK uses it: real requests, read back through the SDK's own types."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    NotImplemented,
    OperationFailed,
    ResourceAlreadyExists,
    ResourceConflict,
)
from databricks.sdk.service import serving as sdk
from serving_rig import MODEL, Rig
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from harness.asgi import LiveApp
from harness.http import Answer, request
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Routes
from pierhead.serving.api.routes import Folders, add_routes
from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS


class Api:
    """A rig behind a real server, with the SDK in front."""

    def __init__(self, rig: Rig, url: str, gateways: Path) -> None:
        self.rig = rig
        self.url = url
        self.gateways = gateways
        self.sdk = WorkspaceClient(host=url, token="t").serving_endpoints

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        return request(self.url, method, path, body, {"Authorization": "Bearer t"})

    def get(self, name: str = "fraud") -> dict[str, Any]:
        answer: dict[str, Any] = self.send("GET", f"/api/2.0/serving-endpoints/{name}").json()
        return answer

    def create(self, **config: Any) -> dict[str, Any]:
        body = {"name": "fraud", "config": config or {"served_entities": [entity()]}}
        answer: dict[str, Any] = self.send("POST", "/api/2.0/serving-endpoints", body).json()
        return answer


def entity(version: str = "1", **more: Any) -> dict[str, Any]:
    return {"entity_name": MODEL, "entity_version": version, "workload_size": "Small", **more}


class OpenGate:
    """Every endpoint may serve everything."""

    def require(self, _connection: object, _caller: object, _before: object, _after: object) -> None:
        return

    def require_deletion(self, _connection: object, _caller: object, _endpoint: object) -> None:
        return


async def well_known(_request: Request) -> JSONResponse:
    return JSONResponse({"oidc_endpoint": "http://127.0.0.1/oidc", "workspace_id": "1", "cloud": "aws"})


@pytest.fixture
def api(rig: Rig, tmp_path: Path) -> Iterator[Api]:
    gateways = tmp_path / "counters"
    gateways.mkdir()
    routes = Routes(rig.database)
    add_routes(
        routes,
        database=rig.database,
        clock=rig.clock,
        versions=rig.versions,
        gate=OpenGate(),
        snapshots=rig.place,
        folders=Folders(rig.logs, gateways),
    )
    path = "/.well-known/databricks-config"
    app = application(
        [*routes.routes, Route(path, well_known)],
        authenticate=lambda _token: Caller("u1", "ada", frozenset({"admins"})),
        is_public=lambda asked: asked == path,
        workspace_id="1",
    )
    with LiveApp(app) as live:
        yield Api(rig, live.url, gateways)


def test_the_runbooks_words_create_an_endpoint_that_both_generations_of_sdk_can_read(api: Api) -> None:
    old_words = {"model_name": MODEL, "model_version": "3", "workload_size": "Small", "scale_to_zero_enabled": True}
    config = sdk.EndpointCoreConfigInput.from_dict({"served_models": [old_words]})
    created = api.sdk.create("fraud-detection-v2", config=config).response
    assert created.state == sdk.EndpointState(
        config_update=sdk.EndpointStateConfigUpdate.IN_PROGRESS, ready=sdk.EndpointStateReady.NOT_READY
    )
    assert created.config is None
    assert created.pending_config is not None

    api.rig.until_ready("fraud-detection-v2")
    ready = api.sdk.wait_get_serving_endpoint_not_updating("fraud-detection-v2", timeout=timedelta(seconds=5))
    assert ready.state is not None
    assert ready.state.ready is sdk.EndpointStateReady.READY
    assert ready.pending_config is None
    assert ready.config is not None
    assert ready.config.served_models is not None
    assert ready.config.served_entities is not None
    (model,), (new,) = ready.config.served_models, ready.config.served_entities
    assert (model.model_name, model.model_version, model.name) == (MODEL, "3", "model-3")
    assert (new.entity_name, new.entity_version, new.name) == (MODEL, "3", "model-3")
    assert new.scale_to_zero_enabled is model.scale_to_zero_enabled is True
    assert new.state is not None
    assert new.state.deployment is sdk.ServedModelStateDeployment.DEPLOYMENT_READY
    assert ready.creator == new.creator == "ada"
    assert ready.permission_level is sdk.ServingEndpointDetailedPermissionLevel.CAN_MANAGE
    assert ready.endpoint_url == f"{api.url}/serving-endpoints/fraud-detection-v2/invocations"
    assert ready.config.traffic_config is not None
    assert ready.config.traffic_config.routes == [sdk.Route(100, "model-3", "model-3")]


def test_every_field_survives_the_way_through_the_sdks_types(api: Api) -> None:
    api.sdk.create(
        "fraud",
        config=sdk.EndpointCoreConfigInput(
            name="fraud",
            served_entities=[
                sdk.ServedEntityInput(
                    entity_name=MODEL,
                    entity_version="1",
                    name="champion",
                    workload_size="Medium",
                    workload_type=sdk.ServingModelWorkloadType.CPU,
                    scale_to_zero_enabled=False,
                    environment_vars={"LEVEL": "info"},
                ),
                sdk.ServedEntityInput(
                    entity_name=MODEL,
                    entity_version="2",
                    min_provisioned_concurrency=4,
                    max_provisioned_concurrency=8,
                ),
            ],
            traffic_config=sdk.TrafficConfig(routes=[sdk.Route(90, "champion"), sdk.Route(10, None, "model-2")]),
            auto_capture_config=sdk.AutoCaptureConfigInput(catalog_name="main", schema_name="fraud"),
        ),
        tags=[sdk.EndpointTag("team", "risk"), sdk.EndpointTag("critical")],
        description="Is it fraud?",
    )
    api.rig.until_ready()

    raw = api.get()
    assert sdk.ServingEndpointDetailed.from_dict(raw).as_dict() == raw
    assert raw["tags"] == [{"key": "team", "value": "risk"}, {"key": "critical"}]
    assert raw["description"] == "Is it fraud?"
    champion, challenger = raw["config"]["served_entities"]
    assert champion["environment_vars"] == {"LEVEL": "info"}
    assert champion["workload_type"] == "CPU"
    # Defaults of ours must not appear in fields that the client left out.
    assert not {"workload_size", "workload_type", "scale_to_zero_enabled", "environment_vars"} & set(challenger)
    assert raw["config"]["auto_capture_config"] == {
        "catalog_name": "main",
        "schema_name": "fraud",
        "state": {"payload_table": {"name": "fraud_payload", "status": "ACTIVE"}},
    }
    assert [route["traffic_percentage"] for route in raw["config"]["traffic_config"]["routes"]] == [90, 10]
    capture = api.rig.route().capture
    assert capture is not None
    assert capture.table == "main.fraud.fraud_payload"


def test_create_and_wait_raises_when_the_first_deployment_fails(api: Api) -> None:
    api.rig.environments.failures[f"{MODEL}-1"] = "no version of scikit-lern==1.5 exists"
    waiting = api.sdk.create("fraud", config=sdk.EndpointCoreConfigInput.from_dict({"served_entities": [entity()]}))
    api.rig.until_failed()

    with pytest.raises(OperationFailed, match="UPDATE_FAILED"):
        waiting.result(timeout=timedelta(seconds=5))
    failed = api.sdk.get("fraud")
    assert failed.state is not None
    assert failed.state.ready is sdk.EndpointStateReady.NOT_READY
    assert failed.pending_config is not None
    assert failed.pending_config.served_entities is not None
    state = failed.pending_config.served_entities[0].state
    assert state is not None
    assert state.deployment is sdk.ServedModelStateDeployment.DEPLOYMENT_FAILED
    assert "scikit-lern==1.5" in (state.deployment_state_message or "")


def test_a_failed_update_says_so_while_the_old_config_stays_ready(api: Api) -> None:
    api.create()
    api.rig.until_ready()
    api.rig.host.failing_model_versions[f"{MODEL}-2"] = "out of memory"
    api.sdk.update_config("fraud", served_entities=[sdk.ServedEntityInput(entity_name=MODEL, entity_version="2")])
    api.rig.until_failed()

    raw = api.get()
    assert raw["state"] == {"ready": "READY", "config_update": "UPDATE_FAILED"}
    assert raw["config"]["config_version"] == 1
    assert raw["pending_config"]["config_version"] == 2
    assert raw["pending_config"]["start_time"] > 0


def test_errors_arrive_as_the_sdks_exceptions(api: Api) -> None:
    config = sdk.EndpointCoreConfigInput.from_dict({"served_entities": [entity()]})
    with pytest.raises(NotFound, match="'fraud' does not exist"):
        api.sdk.get("fraud")
    with pytest.raises(NotFound, match="version 9"):
        api.sdk.create("fraud", config=sdk.EndpointCoreConfigInput.from_dict({"served_entities": [entity("9")]}))
    api.sdk.create("fraud", config=config)
    with pytest.raises(ResourceAlreadyExists):
        api.sdk.create("fraud", config=config)
    with pytest.raises(ResourceConflict, match="currently being updated"):
        api.sdk.update_config("fraud", served_entities=[sdk.ServedEntityInput(entity_name=MODEL, entity_version="2")])


def test_everything_wrong_is_said_at_once(api: Api) -> None:
    entities = [entity(workload_size="Huge"), entity("2", name="two words")]
    routes = [{"served_model_name": "nobody", "traffic_percentage": 60}]
    answer = api.create(served_entities=entities, traffic_config={"routes": routes})

    assert answer["error_code"] == "INVALID_PARAMETER_VALUE"
    for fact in ("'Huge'", "'two words'", "'nobody'", "60%, must be 100%"):
        assert fact in answer["message"]


def test_unknown_fields_are_refused_by_name(api: Api) -> None:
    answer = api.create(served_entities=[entity(gpu=1, wrkload_size="Small")], trafic_config={})

    assert answer["error_code"] == "INVALID_PARAMETER_VALUE"
    for field in ("gpu", "wrkload_size", "trafic_config"):
        assert field in answer["message"]


@pytest.mark.parametrize(
    ("top", "inside"),
    [
        ({"ai_gateway": {"fallback_config": {"enabled": True}}}, {}),
        ({"ai_gateway": {"guardrails": {"input": {"safety": True}}}}, {}),
        ({"route_optimized": True}, {}),
        ({"email_notifications": {"on_update_failure": ["ada@example.com"]}}, {}),
        ({}, {"workload_type": "GPU_SMALL"}),
        ({}, {"environment_vars": {"KEY": "{{secrets/scope/key}}"}}),
        ({}, {"instance_profile_arn": "arn:aws:iam::1:instance-profile/x"}),
        ({}, {"external_model": {"name": "gpt", "provider": "openai", "task": "llm/v1/chat"}}),
    ],
)
def test_what_is_not_implemented_is_refused_instead_of_ignored(
    api: Api, top: dict[str, Any], inside: dict[str, Any]
) -> None:
    body = {"name": "fraud", "config": {"served_entities": [entity(**inside)]}, **top}
    answer = api.send("POST", "/api/2.0/serving-endpoints", body)

    assert (answer.status, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")
    assert next(iter({**top, **inside})) in answer.json()["message"]


def test_calls_that_are_not_implemented_say_so(api: Api) -> None:
    with pytest.raises(NotImplemented, match="update_notifications"):
        api.sdk.update_notifications("fraud")
    with pytest.raises(NotImplemented, match="patch_telemetry_config"):
        api.sdk.patch_telemetry_config("fraud")
    with pytest.raises(NotImplemented, match="provisioned throughput"):
        api.sdk.create_provisioned_throughput_endpoint("fraud", sdk.PtEndpointCoreConfig())
    with pytest.raises(NotImplemented, match="provisioned throughput"):
        api.sdk.update_provisioned_throughput_endpoint_config("fraud", sdk.PtEndpointCoreConfig())
    with pytest.raises(NotImplemented, match="http_request"):
        api.sdk.http_request("c", sdk.ExternalFunctionRequestHttpMethod.GET, "/")


def test_the_deployments_client_finds_its_paths_with_a_slash_at_the_end(api: Api) -> None:
    body = {"name": "fraud", "config": {"served_entities": [entity()]}, "route_optimized": False}
    assert api.send("POST", "/api/2.0/serving-endpoints/", body).status == 200
    assert len(api.send("GET", "/api/2.0/serving-endpoints/").json()["endpoints"]) == 1


def test_a_version_may_be_a_number(api: Api) -> None:
    api.create(served_models=[{"model_name": MODEL, "model_version": 2, "scale_to_zero_enabled": True}])
    assert api.get()["pending_config"]["served_models"][0]["model_version"] == "2"


def test_endpoints_are_listed_with_what_they_serve(api: Api) -> None:
    api.create()
    (listed,) = api.sdk.list()
    assert listed.config is not None
    assert listed.config.served_models == [sdk.ServedModelSpec(MODEL, "1", "model-1")]
    assert listed.config.served_entities == [sdk.ServedEntitySpec(MODEL, "1", name="model-1")]
    assert listed.state is not None


def test_deleting_answers_an_empty_object(api: Api) -> None:
    api.create()
    answer = api.send("DELETE", "/api/2.0/serving-endpoints/fraud")
    assert (answer.status, answer.json()) == (200, {})
    assert list(api.sdk.list()) == []


def test_deleting_waits_until_gateways_have_forgotten_the_endpoint(api: Api) -> None:
    api.create()
    api.rig.until_ready()
    with ThreadPoolExecutor() as pool:
        deleting = pool.submit(api.send, "DELETE", "/api/2.0/serving-endpoints/fraud")
        time.sleep(0.3)
        assert not deleting.done()
        api.rig.tick(2)
        assert deleting.result(5).status == 200


def test_tags_are_added_and_taken_away(api: Api) -> None:
    api.create()
    added = api.sdk.patch("fraud", add_tags=[sdk.EndpointTag("team", "risk"), sdk.EndpointTag("old", "1")])
    assert added.tags == [sdk.EndpointTag("team", "risk"), sdk.EndpointTag("old", "1")]
    left = api.sdk.patch("fraud", add_tags=[sdk.EndpointTag("team", "fraud")], delete_tags=["old"])
    assert left.tags == [sdk.EndpointTag("team", "fraud")]
    assert api.sdk.get("fraud").tags == left.tags


def test_an_inference_table_can_be_asked_for_through_the_ai_gateway(api: Api) -> None:
    api.create()
    api.rig.until_ready()
    answer = api.sdk.put_ai_gateway(
        "fraud",
        inference_table_config=sdk.AiGatewayInferenceTableConfig("main", True, "fraud", "live"),
        usage_tracking_config=sdk.AiGatewayUsageTrackingConfig(True),
    )
    assert answer.inference_table_config is not None
    assert answer.inference_table_config.table_name_prefix == "live"
    api.rig.tick(2)
    capture = api.rig.route().capture
    assert capture is not None
    assert capture.table == "main.fraud.live_payload"
    assert api.sdk.get("fraud").ai_gateway is not None


def test_an_inference_table_does_not_move_while_it_is_written(api: Api) -> None:
    api.create(served_entities=[entity()], auto_capture_config={"catalog_name": "main", "schema_name": "fraud"})
    api.rig.until_ready()
    with pytest.raises(InvalidParameterValue, match="cannot change"):
        api.sdk.update_config(
            "fraud",
            auto_capture_config=sdk.AutoCaptureConfigInput(catalog_name="main", schema_name="other"),
        )


def test_logs_of_workers_and_builds_are_found_by_the_served_models_name(api: Api) -> None:
    api.create()
    api.rig.until_ready()
    workload = api.rig.host.started[0].workload
    (api.rig.logs / "workers" / f"{workload}.log").write_text("loading\nready\n")

    assert api.sdk.logs("fraud", "model-1").logs == "loading\nready\n"
    assert "resolving the requirements" in api.sdk.build_logs("fraud", "model-1").logs
    with pytest.raises(NotFound, match="serves no 'nobody'; it serves model-1"):
        api.sdk.logs("fraud", "nobody")


def test_metrics_add_up_what_all_gateways_counted(api: Api) -> None:
    api.create()
    counts = [0] * (len(LATENCY_BOUNDS_MS) + 1)
    counts[LATENCY_BOUNDS_MS.index(2)] = 3
    counts[-1] = 1
    traffic = {
        "endpoint": "fraud",
        "entity": "model-1",
        "requests_by_status": {"200": 3, "400": 1},
        "latency_counts": counts,
        "latency_sum_ms": 1500.0,
        "in_flight": 2,
        "waiting": 1,
        "model_name": "ml.fraud.model",
        "model_version": "3",
    }
    other = traffic | {"endpoint": "another"}
    for gateway in ("a", "b"):
        file = {"gateway_id": gateway, "process_id": 1, "records_dropped": 1, "entities": [traffic, other]}
        file["limited"] = {"fraud": 2, "another": 5}
        (api.gateways / f"{gateway}.json").write_text(json.dumps(file))
    (api.gateways / "c.json").write_text("half a fi")

    contents = api.sdk.export_metrics("fraud").contents
    assert contents is not None
    lines = contents.read().decode().splitlines()
    labels = 'entity="model-1",model="ml.fraud.model",model_version="3"'
    assert f'pierhead_requests_total{{endpoint="fraud",{labels},status="200"}} 6' in lines
    assert f'pierhead_request_duration_seconds_bucket{{endpoint="fraud",{labels},le="0.001"}} 0' in lines
    assert f'pierhead_request_duration_seconds_bucket{{endpoint="fraud",{labels},le="0.002"}} 6' in lines
    assert f'pierhead_request_duration_seconds_bucket{{endpoint="fraud",{labels},le="+Inf"}} 8' in lines
    assert f'pierhead_request_duration_seconds_sum{{endpoint="fraud",{labels}}} 3' in lines
    assert f'pierhead_request_duration_seconds_count{{endpoint="fraud",{labels}}} 8' in lines
    assert f'pierhead_requests_in_flight{{endpoint="fraud",{labels}}} 4' in lines
    assert f'pierhead_requests_waiting{{endpoint="fraud",{labels}}} 2' in lines
    assert 'pierhead_requests_limited_total{endpoint="fraud"} 4' in lines
    assert "pierhead_inference_records_dropped_total 2" in lines
    assert not any("another" in line for line in lines)


def test_metrics_say_where_the_time_went_and_what_copies_took(api: Api) -> None:
    api.create()
    counts = [0] * (len(LATENCY_BOUNDS_MS) + 1)
    quick, slow = [4, *counts[1:]], [*counts[:-1], 1]
    traffic = {
        "endpoint": "fraud",
        "entity": "model-1",
        "requests_by_status": {"200": 4},
        "latency_counts": slow,
        "latency_sum_ms": 1.0,
        "in_flight": 0,
        "queue_counts": quick,
        "queue_sum_ms": 2.0,
        "predict_counts": quick,
        "predict_sum_ms": 4.0,
        "wakeup_counts": slow,
        "wakeup_sum_ms": 150_000.0,
        "shadow_requests_by_status": {"200": 1},
        "shadow_latency_counts": slow,
        "shadow_latency_sum_ms": 9000.0,
        "shadows_dropped": 3,
    }
    another = traffic | {"endpoint": "nobody knows it"}
    file = {"gateway_id": "a", "process_id": 1, "records_dropped": 7, "entities": [traffic, another]}
    (api.gateways / "a.json").write_text(json.dumps(file))

    whole = request(api.url, "GET", "/metrics", None, {"Authorization": "Bearer t"})
    assert whole.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = whole.body.decode().splitlines()
    labels = 'endpoint="fraud",entity="model-1",model="",model_version=""'
    assert f'pierhead_request_queue_seconds_bucket{{{labels},le="0.0002"}} 4' in lines
    assert f"pierhead_request_predict_seconds_sum{{{labels}}} 0.004" in lines
    assert f"pierhead_request_wakeup_seconds_count{{{labels}}} 1" in lines
    assert f'pierhead_shadow_requests_total{{{labels},status="200"}} 1' in lines
    assert f"pierhead_shadow_duration_seconds_sum{{{labels}}} 9" in lines
    assert f"pierhead_shadows_dropped_total{{{labels}}} 3" in lines
    assert "pierhead_inference_records_dropped_total 7" in lines
    assert not any("nobody knows it" in line for line in lines)
    families = [line for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    contents = api.sdk.export_metrics("fraud").contents
    assert contents is not None
    assert contents.read().decode().splitlines() == lines


def test_the_openapi_document_knows_the_models_columns_and_its_example(api: Api) -> None:
    api.create()
    folder = api.rig.versions.folder(f"{MODEL}-1")
    columns = [{"name": "amount", "type": "double", "required": True}, {"name": "note", "type": "string"}]
    example = {"dataframe_split": {"columns": ["amount"], "data": [[1.5]]}}
    signature = f"signature:\n  inputs: '{json.dumps(columns)}'\n  outputs: '[{{\"type\": \"long\"}}]'\n"
    info = "saved_input_example_info:\n  serving_input_path: serving_input_example.json\n"
    (folder / "MLmodel").write_text(signature + info)
    (folder / "serving_input_example.json").write_text(json.dumps(example))

    contents = api.sdk.get_open_api("fraud").contents
    assert contents is not None
    document = json.loads(contents.read())
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": api.url}]
    operation = document["paths"]["/serving-endpoints/fraud/invocations"]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    assert body["example"] == example
    forms = {form["title"]: form for form in body["schema"]["oneOf"]}
    assert set(forms) == {"dataframe_split", "dataframe_records", "instances", "inputs"}
    record = forms["dataframe_records"]["properties"]["dataframe_records"]["items"]
    assert record["properties"]["amount"] == {"type": "number", "format": "double"}
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["properties"]["predictions"]["items"] == {"type": "integer", "format": "int64"}
    assert list(document["paths"]) == ["/serving-endpoints/fraud/invocations"]


def test_the_openapi_document_is_about_what_is_served_whatever_the_registry_says_now(api: Api) -> None:
    api.create()
    columns = json.dumps([{"name": "amount", "type": "double"}])
    (api.rig.versions.folder(f"{MODEL}-1") / "MLmodel").write_text(f"signature: {{inputs: '{columns}'}}")
    api.rig.versions.known.clear()

    assert "amount" in api.send("GET", "/api/2.0/serving-endpoints/fraud/openapi").text


def test_a_number_that_is_none_is_refused(api: Api) -> None:
    body = {"name": "fraud", "config": {"served_entities": [entity(max_provisioned_concurrency="--5")]}}
    answer = api.send("POST", "/api/2.0/serving-endpoints", body)
    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_calls_that_are_not_implemented_do_not_wait_for_writers(api: Api) -> None:
    with api.rig.database.transaction():
        assert api.send("PATCH", "/api/2.0/serving-endpoints/fraud/notifications", {}).status == 501


def test_events_are_told(api: Api) -> None:
    api.create()
    (event,) = api.send("GET", "/api/2.0/pierhead/serving-endpoints/fraud/events").json()["events"]
    assert event["kind"] == "created"
    assert event["time_ms"] > 0
    assert "config version 1: model-1 (main.fraud.model version 1, 100%)" in event["message"]
