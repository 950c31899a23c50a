"""Every method of `w.serving_endpoints` that users of models need, in one life of an endpoint: `endpoints.py MODEL`."""

import json
import sys

import mlflow.deployments
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, NotImplemented, ResourceAlreadyExists, ResourceDoesNotExist
from databricks.sdk.service.serving import (
    AutoCaptureConfigInput,
    EndpointCoreConfigInput,
    EndpointTag,
    Route,
    ServedEntityInput,
    TrafficConfig,
)
from models import log_and_register

name = sys.argv[1]
first, rows = log_and_register("sklearn", name)
second, _ = log_and_register("sklearn", name)
w = WorkspaceClient()
e = w.serving_endpoints
records = json.loads(rows.to_json(orient="records"))
seen = {}


def refused(kind, call):
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError(f"{kind.__name__} expected")


def entity(version, called=None):
    return ServedEntityInput(
        name=called, entity_name=name, entity_version=version, workload_size="Small", scale_to_zero_enabled=True
    )


seen["unknown model"] = refused(
    ResourceDoesNotExist,
    lambda: e.create(
        "compat-none",
        config=EndpointCoreConfigInput(
            None,
            served_entities=[
                ServedEntityInput(
                    entity_name="main.no.model", entity_version="1", workload_size="Small", scale_to_zero_enabled=True
                )
            ],
        ),
    ),
)
created = e.create_and_wait(
    "compat-life",
    config=EndpointCoreConfigInput(None, served_entities=[entity(first)]),
    tags=[EndpointTag("team", "fraud")],
)
seen["created"] = [created.state.ready.value, created.state.config_update.value, created.creator]
config = e.get("compat-life").config
seen["both names"] = [
    [one.entity_name + "/" + one.entity_version for one in config.served_entities],
    [one.model_name + "/" + one.model_version for one in config.served_models],
    [one.traffic_percentage for one in config.traffic_config.routes],
]
seen["twice"] = refused(
    ResourceAlreadyExists,
    lambda: e.create("compat-life", config=EndpointCoreConfigInput(None, served_entities=[entity(first)])),
)
seen["listed"] = "compat-life" in [one.name for one in e.list()]
seen["tags"] = [
    [tag.key, tag.value]
    for tag in e.patch("compat-life", add_tags=[EndpointTag("env", "test")], delete_tags=["team"]).tags
]

updated = e.update_config_and_wait(
    "compat-life",
    served_entities=[entity(first, "champion"), entity(second, "challenger")],
    traffic_config=TrafficConfig(
        routes=[Route(50, served_model_name="champion"), Route(50, served_model_name="challenger")]
    ),
    auto_capture_config=AutoCaptureConfigInput(
        catalog_name="main", schema_name="compat", table_name_prefix="life", enabled=True
    ),
)
seen["version"] = updated.config.config_version
seen["table"] = updated.config.auto_capture_config.state.payload_table.name
answers = [e.query("compat-life", dataframe_records=records) for _ in range(60)]
seen["split"] = sorted({answer.served_model_name for answer in answers})
seen["predictions"] = len(answers[0].predictions)
seen["bad sum"] = refused(
    BadRequest,
    lambda: e.update_config(
        "compat-life",
        served_entities=[entity(first, "a")],
        traffic_config=TrafficConfig(routes=[Route(99, served_model_name="a")]),
    ),
)
seen["logs"] = "champion" in e.logs("compat-life", "champion").logs or len(e.logs("compat-life", "champion").logs) > 0
seen["build logs"] = len(e.build_logs("compat-life", "champion").logs) > 0
seen["metrics"] = "compat-life" in e.export_metrics("compat-life").contents.read().decode()
openapi = json.loads(e.get_open_api("compat-life").contents.read())
seen["openapi"] = [openapi["openapi"][:1], list(openapi["paths"])]
seen["not yet"] = refused(NotImplemented, lambda: e.update_notifications("compat-life"))

d = mlflow.deployments.get_deploy_client("databricks")
d.create_endpoint(
    name="compat-deployments",
    config={
        "served_entities": [
            {"entity_name": name, "entity_version": second, "workload_size": "Small", "scale_to_zero_enabled": True}
        ]
    },
)
e.wait_get_serving_endpoint_not_updating("compat-deployments")
seen["deployments"] = [
    len(d.predict(endpoint="compat-deployments", inputs={"dataframe_records": records})["predictions"]),
    d.get_endpoint("compat-deployments")["state"]["ready"],
    "compat-deployments" in [one["name"] for one in d.list_endpoints()],
]
d.delete_endpoint("compat-deployments")
e.delete("compat-life")
seen["gone"] = refused(NotFound, lambda: e.get("compat-life"))
seen["query gone"] = refused(NotFound, lambda: e.query("compat-life", dataframe_records=records))
print(json.dumps(seen))
