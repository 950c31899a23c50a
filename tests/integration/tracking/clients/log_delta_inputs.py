"""Log Delta tables at their versions, with our client and with MLflow's own. Arguments: the table's folder."""

import json
import sys

import mlflow
from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.meta_dataset import MetaDataset

from pierhead.client import delta_dataset, log_delta_input

path = sys.argv[1]
mlflow.set_experiment("/delta-inputs")
with mlflow.start_run() as run:
    logged = log_delta_input(path, version=0)
    holdout = delta_dataset(path, name="holdout")
    mlflow.log_metric("auc", 0.9, dataset=holdout)
    mlflow.log_metric("loss", 0.1)
    mlflow.log_param("depth", 3)
with mlflow.start_run() as stock:
    mlflow.log_input(MetaDataset(DeltaDatasetSource(path=path, delta_table_version=0)), context="training")
with mlflow.start_run() as later:
    pass
log_delta_input(path, run_id=later.info.run_id, context="train", name="later")
model = mlflow.initialize_logged_model(name="m", source_run_id=run.info.run_id)
mlflow.log_metric("f1", 0.5, model_id=model.model_id, dataset=holdout, run_id=run.info.run_id)
source = mlflow.data.get_source(mlflow.get_run(run.info.run_id).inputs.dataset_inputs[0])
told = {
    "run": run.info.run_id,
    "stock": stock.info.run_id,
    "later": later.info.run_id,
    "model": model.model_id,
    "digest": logged.digest,
    "manifest": logged.manifest_sha256,
    "holdout_digest": holdout.digest,
    "source": [source.path, source.delta_table_version],
    "spark": "pyspark" in sys.modules,
}
print(json.dumps(told))
