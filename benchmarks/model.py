"""The model that both servers serve: a scikit-learn pipeline on data that comes with the library."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

MODEL_NAME = "main.benchmarks.tumours"
ENDPOINT = "benchmark"


@dataclass(frozen=True, slots=True)
class Served:
    """`folder` holds the registered version's files; `body` asks for the predictions of some rows."""

    version: str
    folder: Path
    body: bytes


def use_platform(url: str, token: str) -> None:
    """Point the official clients at the platform, as `pierhead env` does."""
    os.environ |= {
        "MLFLOW_TRACKING_URI": url,
        "MLFLOW_REGISTRY_URI": url,
        "MLFLOW_TRACKING_TOKEN": token,
        "DATABRICKS_HOST": url,
        "DATABRICKS_TOKEN": token,
    }


def train_and_register(folder: Path, rows: int) -> Served:
    """Train, log and register through the platform, then fetch the version's files into `folder`."""
    import mlflow
    import numpy
    import pandas
    import sklearn
    from mlflow.models import infer_signature
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(features, labels)
    libraries = {"mlflow": mlflow, "scikit-learn": sklearn, "numpy": numpy, "pandas": pandas}
    mlflow.set_experiment("benchmarks")
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            pipeline,
            name="model",
            signature=infer_signature(features, pipeline.predict(features)),
            pip_requirements=[f"{name}=={library.__version__}" for name, library in libraries.items()],
        )
    version = mlflow.register_model(logged.model_uri, MODEL_NAME).version
    path = mlflow.artifacts.download_artifacts(f"models:/{MODEL_NAME}/{version}", dst_path=str(folder))
    asked = features.head(rows).to_dict(orient="split", index=False)
    return Served(str(version), Path(path), json.dumps({"dataframe_split": asked}).encode())


def serve(version: str, *, capture: bool) -> None:
    """Make the endpoint and wait until it is ready; with `capture`, every invocation goes into an inference table."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.serving import AutoCaptureConfigInput, EndpointCoreConfigInput, ServedEntityInput

    entity = ServedEntityInput(
        entity_name=MODEL_NAME, entity_version=version, workload_size="Small", scale_to_zero_enabled=False
    )
    catalog, schema, _ = MODEL_NAME.split(".")
    table = AutoCaptureConfigInput(catalog_name=catalog, schema_name=schema, table_name_prefix="tumours", enabled=True)
    WorkspaceClient().serving_endpoints.create_and_wait(
        name=ENDPOINT,
        config=EndpointCoreConfigInput(
            name=ENDPOINT, served_entities=[entity], auto_capture_config=table if capture else None
        ),
    )
