"""The benchmark's models, served through the official clients: once compiled, once as an opaque pyfunc."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from benchmarks.peers import models

_PLACE = "main.benchmarks"
_COMPILE_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Served:
    """`endpoints` by tier; `folder` holds the registered version's files, for `mlflow models serve`."""

    folder: Path
    endpoints: dict[str, str]


def use_platform(url: str, token: str) -> None:
    """Point the official clients at the platform, as `pierhead env` does."""
    os.environ |= {
        "MLFLOW_TRACKING_URI": url,
        "MLFLOW_REGISTRY_URI": url,
        "MLFLOW_TRACKING_TOKEN": token,
        "DATABRICKS_HOST": url,
        "DATABRICKS_TOKEN": token,
    }


def register_and_serve(name: str, folder: Path) -> Served:
    """Raises RuntimeError if a version is not served in the tier that it is here for."""
    import mlflow

    mlflow.set_experiment("/benchmarks")
    fitted = models.train(name)
    example = models.asked(name, 20)
    served = {"A": _log_sklearn(fitted, example), "C": _log_opaque(fitted, example)}
    endpoints = {}
    for tier, uri in served.items():
        version = mlflow.register_model(uri, f"{_PLACE}.{name}_{tier.lower()}").version
        endpoints[tier] = f"{name}-{tier.lower()}"
        _serve(f"{_PLACE}.{name}_{tier.lower()}", str(version), endpoints[tier])
        _await_tier(f"{_PLACE}.{name}_{tier.lower()}", str(version), endpoints[tier], tier)
    path = mlflow.artifacts.download_artifacts(f"models:/{_PLACE}.{name}_a/1", dst_path=str(folder))
    return Served(Path(path), endpoints)


def register_recorded(name: str, training: Path, tables: Mapping[str, bool]) -> None:
    """The compiled model, with the Delta table that it was trained on, behind an endpoint `NAME-CASE` for each case;
    `tables` says which of them have an inference table."""
    import mlflow
    from deltalake import write_deltalake

    from pierhead.client import log_delta_input

    mlflow.set_experiment("/benchmarks")
    write_deltalake(str(training), models.frame(name))
    with mlflow.start_run() as run:
        log_delta_input(training)
        uri = _log_sklearn(models.train(name), models.asked(name, 20), run.info.run_id)
    version = str(mlflow.register_model(uri, f"{_PLACE}.{name}").version)
    for case, has_table in tables.items():
        _serve(f"{_PLACE}.{name}", version, f"{name}-{case}", has_table=has_table)
        _await_tier(f"{_PLACE}.{name}", version, f"{name}-{case}", "A")


def _requirements() -> list[str]:
    from importlib.metadata import version

    return [f"{package}=={version(package)}" for package in ("mlflow", "scikit-learn", "numpy", "pandas")]


def _log_sklearn(fitted: Any, example: Any, run_id: str | None = None) -> str:
    import mlflow
    from mlflow.models import infer_signature

    with mlflow.start_run(run_id=run_id, nested=run_id is not None):
        logged = mlflow.sklearn.log_model(
            fitted,
            name="model",
            signature=infer_signature(example, fitted.predict_proba(example)),
            input_example=example,
            pyfunc_predict_fn="predict_proba",
            serialization_format="cloudpickle",
            pip_requirements=_requirements(),
        )
    return str(logged.model_uri)


def _log_opaque(fitted: Any, example: Any) -> str:
    import mlflow
    from mlflow.models import infer_signature

    class Opaque(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
        """What nobody can convert: code of a user's own around the model."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:  # noqa: ARG002
            return self._inner.predict_proba(model_input)

    with mlflow.start_run():
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=Opaque(fitted),
            signature=infer_signature(example, fitted.predict_proba(example)),
            input_example=example,
            pip_requirements=_requirements(),
        )
    return str(logged.model_uri)


def register_moody(name: str, mood: Path) -> tuple[str, str]:
    """The same model as opaque code whose mood is in a file: `well`, `crashing` (2% of the requests kill its worker) or
    `slow` (0.2 s each). Gives its name and version."""
    import mlflow
    from mlflow.models import infer_signature

    fitted, example, file = models.train(name), models.asked(name, 20), str(mood)

    class Moody(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:  # noqa: ARG002
            import os
            import random
            import time
            from pathlib import Path

            mood_now = Path(file).read_text()
            if mood_now == "crashing" and random.random() < 0.02:
                os._exit(1)
            if mood_now == "slow":
                time.sleep(0.2)
            return fitted.predict_proba(model_input)

    with mlflow.start_run():
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=Moody(),
            signature=infer_signature(example, fitted.predict_proba(example)),
            input_example=example,
            pip_requirements=_requirements(),
        )
    full_name = f"{_PLACE}.{name}_moody"
    return full_name, str(mlflow.register_model(logged.model_uri, full_name).version)


def _serve(model_name: str, version: str, endpoint: str, *, has_table: bool = True) -> None:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.serving import AutoCaptureConfigInput, EndpointCoreConfigInput, ServedEntityInput

    catalog, schema = _PLACE.split(".")
    entity = ServedEntityInput(
        entity_name=model_name, entity_version=version, workload_size="Small", scale_to_zero_enabled=False
    )
    table = AutoCaptureConfigInput(
        catalog_name=catalog, schema_name=schema, table_name_prefix=endpoint.replace("-", "_"), enabled=True
    )
    config = EndpointCoreConfigInput(
        name=endpoint, served_entities=[entity], auto_capture_config=table if has_table else None
    )
    WorkspaceClient().serving_endpoints.create_and_wait(name=endpoint, config=config)


def _await_tier(model_name: str, version: str, endpoint: str, tier: str) -> None:
    """Wait until the version is compiled and its endpoint has gone over. Raises RuntimeError for another tier."""
    from databricks.sdk import WorkspaceClient

    client = WorkspaceClient()
    path = f"/api/2.0/pierhead/models/{model_name}/versions/{version}/compilation"
    until_s = time.monotonic() + _COMPILE_TIMEOUT_S
    found: Any = {"state": "WAITING"}
    while time.monotonic() < until_s:
        found = cast(dict[str, Any], client.api_client.do("GET", path))["compilation"]
        shown = client.api_client.do("GET", f"/api/2.0/serving-endpoints/{endpoint}")
        if found["state"] in ("DONE", "BROKEN") and f"tier {tier}" in json.dumps(shown):
            break
        time.sleep(0.5)
    if found["state"] != "DONE" or found["tier"] != tier:
        proof = found.get("certificate") or found
        raise RuntimeError(f"{model_name} is served in tier {found.get('tier')}, not {tier}: {proof}")
