"""Prints every route of the official clients that concerns us, as JSON: [[api, method, path], ...]."""

import importlib
import inspect
import json
import pkgutil
import re

import databricks.sdk.service.catalog as catalog
import databricks.sdk.service.dataquality as dataquality
import databricks.sdk.service.iam as iam
import databricks.sdk.service.ml as ml
import databricks.sdk.service.serving as serving
import databricks.sdk.service.settings as settings
import databricks.sdk.service.sql as sql
import mlflow.protos
from mlflow.protos import databricks_pb2

SDK = {
    "w.serving_endpoints": serving.ServingEndpointsAPI,
    "w.model_registry": ml.ModelRegistryAPI,
    "w.registered_models": catalog.RegisteredModelsAPI,
    "w.model_versions": catalog.ModelVersionsAPI,
    "w.quality_monitors": catalog.QualityMonitorsAPI,
    "w.data_quality": dataquality.DataQualityAPI,
    "w.alerts_v2": sql.AlertsV2API,
    "w.notification_destinations": settings.NotificationDestinationsAPI,
    "w.users": iam.UsersAPI,
    "w.groups": iam.GroupsAPI,
    "w.service_principals": iam.ServicePrincipalsAPI,
    "w.current_user": iam.CurrentUserAPI,
    "w.tokens": settings.TokensAPI,
    "w.token_management": settings.TokenManagementAPI,
}
# Services that Databricks' own servers speak among themselves, or that are of other products, are left out.
MLFLOW = {
    "mlflow.MlflowService",
    "mlflow.ModelRegistryService",
    "mlflow.WebhookService",
    "mlflow.artifacts.MlflowArtifactsService",
    "mlflow.ucmodelregistry.UcModelRegistryService",
}


def sdk_routes() -> list[tuple[str, str, str]]:
    pattern = re.compile(r'self\._api\.do\(\s*"(\w+)",\s*f?"([^"]+)"')
    return [
        (api, method, path) for api, kind in SDK.items() for method, path in pattern.findall(inspect.getsource(kind))
    ]


def mlflow_routes() -> list[tuple[str, str, str]]:
    routes = []
    for module in pkgutil.iter_modules(mlflow.protos.__path__):
        if not module.name.endswith("_pb2"):
            continue
        descriptor = importlib.import_module(f"mlflow.protos.{module.name}").DESCRIPTOR
        for service in descriptor.services_by_name.values():
            if service.full_name not in MLFLOW:
                continue
            for method in service.methods:
                for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
                    # Older descriptors name paths from the version on; the clients put `/api/MAJOR.0` before them.
                    path = re.sub(r"<(?:path:)?(\w+)>", r"{\1}", endpoint.path)
                    routes.append((service.full_name, endpoint.method, f"/api/{endpoint.since.major}.0{path}"))
    return routes


if __name__ == "__main__":
    unique = sorted(set(sdk_routes() + mlflow_routes()))
    print(json.dumps(unique))
