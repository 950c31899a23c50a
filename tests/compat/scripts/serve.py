"""Serve a flavour and compare every form of request with the model itself: `serve.py FLAVOUR MODEL ENDPOINT`."""

import io
import json
import os
import sys

import mlflow
import mlflow.deployments
import numpy as np
import pandas as pd
import requests
from models import log_and_register

from pierhead.client import WorkspaceClient

flavour, name, endpoint = sys.argv[1:]
version, rows = log_and_register(flavour, name)
w = WorkspaceClient()
w.serving_endpoints.create_and_wait(
    name=endpoint,
    config={
        "served_models": [
            {"model_name": name, "model_version": version, "workload_size": "Small", "scale_to_zero_enabled": True}
        ]
    },
)

model = mlflow.pyfunc.load_model(f"models:/{name}/{version}")
address = f"{os.environ['DATABRICKS_HOST']}/serving-endpoints/{endpoint}/invocations"
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['DATABRICKS_TOKEN']}"


def plain(answer):
    """A prediction as MLflow writes it into JSON."""
    if isinstance(answer, pd.DataFrame):
        answer = answer.to_dict(orient="records")
    elif hasattr(answer, "tolist"):
        answer = answer.tolist()
    return json.loads(json.dumps(answer, default=str))


def ask(body, content_type="application/json"):
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = session.post(address, data=sent, headers={"Content-Type": content_type})
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
    return json.loads(answer.text)["predictions"]


def same(left, right):
    """Equal, NaN included, without any tolerance."""
    return json.dumps(left) == json.dumps(right)


checks = {}
if isinstance(rows, pd.DataFrame):
    expected = plain(model.predict(rows))
    sent = json.loads(rows.to_json(orient="split", index=False, date_format="iso", double_precision=15))
    records = json.loads(rows.to_json(orient="records", date_format="iso", double_precision=15))
    columns = {column: [record[column] for record in records] for column in rows}
    buffer = io.BytesIO()
    rows.to_parquet(buffer)
    forms = {
        "dataframe_split": lambda: ask({"dataframe_split": sent}),
        "dataframe_records": lambda: ask({"dataframe_records": records}),
        "instances": lambda: ask({"instances": records}),
        "inputs": lambda: ask({"inputs": columns}),
        "charset": lambda: ask({"dataframe_split": sent}, "application/json; charset=utf-8"),
        "parquet": lambda: ask(buffer.getvalue(), "application/vnd.apache.parquet"),
        "one by one": lambda: [one for record in records for one in ask({"dataframe_records": [record]})],
        "extra column": lambda: ask({"dataframe_records": [record | {"unknown": 1} for record in records]}),
    }
    if flavour != "pyfunc":
        # MLflow reads dates in CSV as strings, so a signature with dates takes none.
        forms["csv"] = lambda: ask(rows.to_csv(index=False).encode(), "text/csv")
        forms["sdk"] = lambda: w.serving_endpoints.query(endpoint, dataframe_records=records).predictions
        client = mlflow.deployments.get_deploy_client("databricks")
        forms["deployments"] = lambda: client.predict(endpoint=endpoint, inputs={"dataframe_split": sent}).predictions
    for form, call in forms.items():
        got = call()
        checks[form] = same(got, expected) or f"{got} is not {expected}"
    if flavour == "pyfunc":
        with_params = plain(model.predict(rows, params={"factor": 3.0}))
        checks["params"] = same(ask({"dataframe_split": sent, "params": {"factor": 3.0}}), with_params)
        without = rows.drop(columns="bonus")
        optional = plain(model.predict(without))
        sent_without = json.loads(without.to_json(orient="records", date_format="iso"))
        checks["optional column left out"] = same(ask({"dataframe_records": sent_without}), optional)
else:
    expected = plain(model.predict(rows))
    checks["instances"] = same(ask({"instances": rows.tolist()}), expected)
    checks["inputs"] = same(ask({"inputs": rows.tolist()}), expected)
    checks["shape"] = np.asarray(expected).shape == rows.shape
print(json.dumps(checks))
