"""Rights given, used and taken away through the Databricks SDK: `rights.py MODEL`; prints what was seen.

Runs as a scientist, sam. `RIGHTS_TOKENS` holds the tokens of `admin` and of `rea`, who is in no group.
"""

import json
import os
import sys
import time

import mlflow
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, DatabricksError, PermissionDenied
from databricks.sdk.service import catalog, iam, ml, serving

model_name = sys.argv[1]
host = os.environ["DATABRICKS_HOST"]
tokens = json.loads(os.environ["RIGHTS_TOKENS"])
admin = WorkspaceClient(host=host, token=tokens["admin"])
sam = WorkspaceClient()
rea = WorkspaceClient(host=host, token=tokens["rea"])
rea_name = rea.current_user.me().user_name
seen: dict[str, object] = {}


def outcome(operation):
    try:
        operation()
    except DatabricksError as error:
        return [type(error).__name__, str(error)]
    return ["done", ""]


def levels(found):
    return {
        line.user_name or line.group_name: [one.permission_level.value for one in line.all_permissions]
        for line in found.access_control_list
    }


# --- a model of sam's, in a schema of sam's
catalog_name, schema_name, _ = model_name.split(".")
sam.schemas.create(schema_name, catalog_name)
mlflow.set_experiment("/rights of sam")
with mlflow.start_run() as run_of_sam:
    mlflow.pyfunc.log_model(
        name="model", python_model=lambda model_input: model_input, pip_requirements=[f"mlflow=={mlflow.__version__}"]
    )
version = mlflow.register_model(f"runs:/{run_of_sam.info.run_id}/model", model_name).version

# --- a registered model, by its id
model = sam.model_registry.get_model(model_name).registered_model_databricks
describe = lambda: rea.model_registry.update_model(name=model_name, description="by rea")  # noqa: E731
seen["describe without"] = outcome(describe)
seen["give without"] = outcome(lambda: rea.model_registry.set_permissions(model.id))
edit = [
    ml.RegisteredModelAccessControlRequest(
        user_name=rea_name, permission_level=ml.RegisteredModelPermissionLevel.CAN_EDIT
    )
]
seen["given"] = levels(sam.model_registry.update_permissions(model.id, access_control_list=edit))[rea_name]
seen["describe with"] = outcome(describe)
seen["the same by w.permissions"] = levels(rea.permissions.get("registered-models", model.id))[rea_name]
sam.model_registry.set_permissions(model.id)
seen["describe after"] = outcome(describe)
seen["model levels"] = [
    level.permission_level.value for level in rea.model_registry.get_permission_levels(model.id).permission_levels
]

# --- grants on the schema
schema = model_name.rpartition(".")[0]
tag = lambda: rea.model_registry.set_model_version_tag(model_name, version, "reviewed", "yes")  # noqa: E731
seen["tag without"] = outcome(tag)
change = catalog.PermissionsChange(principal=rea_name, add=[catalog.Privilege.APPLY_TAG])
sam.grants.update("schema", schema, changes=[change])
seen["tag with"] = outcome(tag)
found = rea.grants.get_effective("function", model_name, principal=rea_name).privilege_assignments
seen["effective"] = [
    [one.privilege.value, one.inherited_from_type.value, one.inherited_from_name]
    for line in found
    for one in line.privileges
]
seen["listed"] = [line.principal for line in sam.grants.list("schema", schema)]
seen["catalog by rea"] = outcome(lambda: rea.catalogs.create("rights_of_rea"))
seen["catalog by sam"] = outcome(lambda: sam.catalogs.create("rights_of_sam"))

# --- an experiment
experiment_id = sam.experiments.create_experiment("/rights").experiment_id
run = lambda: rea.experiments.create_run(experiment_id=experiment_id)  # noqa: E731
seen["run without"] = outcome(run)
asked = [ml.ExperimentAccessControlRequest(user_name=rea_name, permission_level=ml.ExperimentPermissionLevel.CAN_EDIT)]
sam.experiments.update_permissions(experiment_id, access_control_list=asked)
seen["run with"] = outcome(run)
seen["experiment"] = levels(sam.experiments.get_permissions(experiment_id))[rea_name]

# --- an endpoint, whose gateway has to hear of rights
entity = serving.ServedEntityInput(
    entity_name=model_name, entity_version=version, workload_size="Small", scale_to_zero_enabled=True
)
sam.serving_endpoints.create("rights", config=serving.EndpointCoreConfigInput(name="rights", served_entities=[entity]))
endpoint = sam.serving_endpoints.get("rights")
seen["own level"] = [endpoint.permission_level.value, rea.serving_endpoints.get("rights").permission_level.value]


def query():
    """Whether rea gets past the door; what the model says is of no interest."""
    try:
        rea.serving_endpoints.query("rights", dataframe_records=[{"a": 1.0}])
    except PermissionDenied as error:
        return str(error)
    except (BadRequest, DatabricksError):
        pass
    return ""


def seconds_until(holds):
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > 10:
            return 10.0
        time.sleep(0.02)
    return time.monotonic() - started


# The gateways have to hear of the endpoint first.
seconds_until(lambda: "CAN_QUERY" in query())
seen["query without"] = query()
can_query = [
    serving.ServingEndpointAccessControlRequest(
        user_name=rea_name, permission_level=serving.ServingEndpointPermissionLevel.CAN_QUERY
    )
]
sam.serving_endpoints.update_permissions(endpoint.id, access_control_list=can_query)
seen["given after s"] = seconds_until(lambda: query() == "")
sam.serving_endpoints.set_permissions(endpoint.id)
seen["taken after s"] = seconds_until(lambda: query() != "")
sam.serving_endpoints.delete("rights")

# --- the root, which admins change
everybody = [iam.AccessControlRequest(group_name="users", permission_level=iam.PermissionLevel.CAN_QUERY)]
change_root = lambda who: who.permissions.update(  # noqa: E731
    "serving-endpoints", "root", access_control_list=everybody
)
seen["root by sam"] = outcome(lambda: change_root(sam))
before = admin.permissions.get("serving-endpoints", "root")
seen["root"] = levels(before)
seen["root after"] = levels(change_root(admin))["users"]
again = [iam.AccessControlRequest(group_name="users", permission_level=iam.PermissionLevel.CAN_VIEW)]
admin.permissions.update("serving-endpoints", "root", access_control_list=again)
print(json.dumps(seen))
