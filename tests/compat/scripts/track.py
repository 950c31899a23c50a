"""Experiments, runs, params, metrics, tags, artifacts, search: what a training script does. Prints what it saw."""

import json
import tempfile
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression

mlflow.set_experiment("compat tracking")
with mlflow.start_run(run_name="first") as run:
    mlflow.log_params({"depth": 3, "kind": "tree"})
    for step, loss in enumerate((0.9, 0.5, 0.2)):
        mlflow.log_metric("loss", loss, step=step)
    mlflow.log_metrics({"auc": 0.75})
    mlflow.set_tags({"team": "fraud"})
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_dict({"a": 1}, "config.json")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "nested").mkdir()
        (Path(folder) / "nested" / "weights.bin").write_bytes(bytes(range(256)) * 1000)
        mlflow.log_artifacts(folder, "data")
    x = np.arange(12.0).reshape(6, 2)
    model = LinearRegression().fit(x, x.sum(axis=1))
    requirements = ["mlflow", "scikit-learn", "numpy"]
    info = mlflow.sklearn.log_model(model, name="model", input_example=x[:1], pip_requirements=requirements)

client = MlflowClient()
seen = client.get_run(run.info.run_id)
found = mlflow.search_runs(
    search_all_experiments=True, filter_string="params.kind = 'tree' and metrics.auc > 0.7", output_format="list"
)
weights = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="data/nested/weights.bin"))
by_run = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model").predict(x)
by_id = mlflow.pyfunc.load_model(f"models:/{info.model_id}").predict(x)
child = mlflow.start_run(run_name="second")
mlflow.end_run("FAILED")
client.delete_run(child.info.run_id)

print(
    json.dumps(
        {
            "status": seen.info.status,
            "user": seen.data.tags["mlflow.user"],
            "params": seen.data.params,
            "metrics": seen.data.metrics,
            "team": seen.data.tags["team"],
            "history": [point.value for point in client.get_metric_history(run.info.run_id, "loss")],
            "artifacts": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
            "nested": [file.path for file in client.list_artifacts(run.info.run_id, "data/nested")],
            "weights": weights.read_bytes() == bytes(range(256)) * 1000,
            "text": mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/hello.txt"),
            "found": run.info.run_id in [one.info.run_id for one in found],
            "same_model": np.allclose(by_run, by_id) and np.allclose(by_run, x.sum(axis=1)),
            "deleted": client.get_run(child.info.run_id).info.lifecycle_stage,
        }
    )
)
