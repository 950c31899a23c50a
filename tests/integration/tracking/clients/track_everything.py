"""A data scientist's day: experiment, run, artifacts, model, search. Prints what the test wants to know, as JSON."""

import json
import tempfile
from pathlib import Path

import mlflow
import numpy as np
from sklearn.linear_model import LogisticRegression

features = np.array([[0.0], [1.0], [2.0], [3.0]])
labels = np.array([0, 0, 1, 1])
name = "/Shared/fraud" if mlflow.get_tracking_uri() == "databricks" else "fraud"
experiment = mlflow.set_experiment(name)
model = LogisticRegression().fit(features, labels)

with mlflow.start_run(run_name="first") as run:
    mlflow.log_param("depth", 3)
    mlflow.log_params({"rate": 0.1, "kind": "tree"})
    mlflow.log_metric("auc", 0.91, step=1)
    mlflow.log_metrics({"auc": 0.93, "loss": 0.2}, step=2)
    mlflow.set_tag("team", "risk")
    mlflow.log_text("hello", "notes/a b.txt")
    mlflow.log_dict({"a": 1}, "config.json")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "deep").mkdir()
        Path(folder, "deep", "x.txt").write_text("x")
        Path(folder, "empty.txt").write_text("")
        mlflow.log_artifacts(folder, "tree")
    info = mlflow.sklearn.log_model(
        model,
        name="model",
        pip_requirements=["scikit-learn"],
        signature=mlflow.models.infer_signature(features, model.predict(features)),
    )

client = mlflow.MlflowClient()
run_id = run.info.run_id
stored = client.get_run(run_id)
with tempfile.TemporaryDirectory() as folder:
    local = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="tree", dst_path=folder)
    tree = sorted(str(path.relative_to(local)) for path in Path(local).rglob("*") if path.is_file())
from_model = mlflow.pyfunc.load_model(f"models:/{info.model_id}").predict(features).tolist()
from_run = mlflow.pyfunc.load_model(f"runs:/{run_id}/model").predict(features).tolist()
logged = mlflow.get_logged_model(info.model_id)

print(
    json.dumps(
        {
            "experiment_id": experiment.experiment_id,
            "experiment_location": experiment.artifact_location,
            "run_id": run_id,
            "artifact_uri": stored.info.artifact_uri,
            "status": stored.info.status,
            "user": stored.info.user_id,
            "user_tag": stored.data.tags["mlflow.user"],
            "params": stored.data.params,
            "metrics": stored.data.metrics,
            "history": [point.value for point in client.get_metric_history(run_id, "auc")],
            "root": sorted(item.path for item in client.list_artifacts(run_id)),
            "nothing": [item.path for item in client.list_artifacts(run_id, "absent")],
            "notes": [(item.path, item.file_size) for item in client.list_artifacts(run_id, "notes")],
            "text": mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a b.txt"),
            "tree": tree,
            "model_id": info.model_id,
            "model_uri": logged.artifact_location,
            "model_status": logged.status.value,
            "predictions": [from_model, from_run],
            "runs": mlflow.search_runs([experiment.experiment_id], filter_string="metrics.auc > 0.9")[
                "run_id"
            ].tolist(),
            "models": [
                found.model_id
                for found in mlflow.search_logged_models([experiment.experiment_id], output_format="list")
            ],
            "experiments": [found.name for found in mlflow.search_experiments(filter_string=f"name = '{name}'")],
        }
    )
)
