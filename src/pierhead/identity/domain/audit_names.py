"""Readable words for calls: Databricks' names of services, and the action and object that a route is about. Pure."""

import re
from collections.abc import Mapping

_SERVICES = (
    ("unity-catalog/", "unityCatalog"),
    ("mlflow/unity-catalog/", "unityCatalog"),
    ("mlflow/registered-models", "modelRegistry"),
    ("mlflow/databricks/registered-models", "modelRegistry"),
    ("mlflow/model-versions", "modelRegistry"),
    ("mlflow/databricks/model-versions", "modelRegistry"),
    ("mlflow/transition-requests", "modelRegistry"),
    ("mlflow/comments", "modelRegistry"),
    ("mlflow/registry-webhooks", "modelRegistry"),
    ("mlflow-artifacts", "mlflowExperiment"),
    ("mlflow", "mlflowExperiment"),
    ("permissions", "permissions"),
    ("serving-endpoints", "servingEndpoints"),
    ("preview/scim", "accounts"),
    ("account", "accounts"),
    ("token", "tokens"),
    ("fs", "files"),
)
_VERSION = re.compile(r"^/?(api/|ajax-api/|mlflow/api/|mlflow/ajax-api/)?\d\.\d/")
_VARIABLE = re.compile(r"^\{.*\}$")
_BY_METHOD = {"POST": "create", "PUT": "set", "PATCH": "update", "DELETE": "delete", "GET": "get", "HEAD": "get"}
# MLflow puts the verb into the path.
_VERBS = re.compile(
    r"^(create|update|delete|get|set|search|list|rename|copy|finalize|transition|approve|reject|restore|log|test|apply|"
    r"promote|preview|add|remove|revoke|use|generate|read|emit|complete|abort|download|upload|sign|refresh)"
)
_OBJECT_KEYS = (
    "full_name", "full_name_arg", "name", "model_name", "endpoint_name", "endpoint", "table_name",
    "userName", "displayName", "user", "service_principal", "group", "application_id", "path", "model_id",
    "registered_model_id", "experiment_id", "run_id", "request_object_id", "object_id", "token_id", "id",
)  # fmt: skip


def words_of(route: str) -> tuple[str, str]:
    """Service and action of a route, or of a command.

    >>> words_of("POST /2.0/mlflow/registered-models/create")
    ('modelRegistry', 'registered-models/create')
    >>> words_of("DELETE /2.0/serving-endpoints/{name}")
    ('servingEndpoints', 'serving-endpoints/delete')
    >>> words_of("PUT /2.0/serving-endpoints/{name}/config")
    ('servingEndpoints', 'serving-endpoints/config/set')
    >>> words_of("PATCH /2.1/unity-catalog/models/{full_name}/versions/{version}")
    ('unityCatalog', 'models/versions/update')
    >>> words_of("pierhead users create")
    ('home', 'users/create')
    """
    method, _, path = route.partition(" ")
    if not path.startswith("/"):
        return ("home", "/".join(path.split())) if method == "pierhead" else ("platform", route)
    inside = _VERSION.sub("", path).strip("/")
    service = next((name for prefix, name in _SERVICES if inside.startswith(prefix)), "pierhead")
    parts = [part for part in inside.split("/") if part and not _VARIABLE.match(part)]
    while len(parts) > 1 and parts[0] in ("mlflow", "preview", "scim", "unity-catalog", "databricks", "pierhead", "v2"):
        parts = parts[1:]
    if not parts:
        return service, _BY_METHOD.get(method, method.lower())
    if not _VERBS.match(parts[-1]):
        parts.append(_BY_METHOD.get(method, method.lower()))
    return service, "/".join(parts)


def object_of(params: Mapping[str, object]) -> str | None:
    """What a call is about, as far as its parameters tell: a name, with the version if there is one.

    >>> object_of({"name": "main.a.m", "version": "3"}), object_of({"max_results": 3})
    ('main.a.m/3', None)
    """
    for key in _OBJECT_KEYS:
        value = params.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value):
            version = params.get("version", params.get("version_arg"))
            has_version = isinstance(version, str | int) and "name" in key
            return _printable(f"{value}/{version}" if has_version else str(value))
    return None


def _printable(text: str) -> str:
    # Postgres keeps no zero bytes in text.
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")[:255]
