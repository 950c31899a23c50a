"""A pipeline that is served compiled, asked in every form: `tiers.py MODEL ENDPOINT`."""

import io
import json
import os
import sys
import time

import mlflow
import numpy as np
import pandas as pd
import requests
import sklearn
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.serving import (
    AiGatewayRateLimit,
    AiGatewayRateLimitKey,
    AiGatewayRateLimitRenewalPeriod,
    EndpointCoreConfigInput,
    RateLimit,
    RateLimitKey,
    RateLimitRenewalPeriod,
    ServedEntityInput,
)
from mlflow.models import infer_signature
from models import PINS
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

name, endpoint = sys.argv[1:]
_COMPILED_WITHIN_S = 240


def frame(rows, seed):
    draw = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "amount": draw.lognormal(4, 1, rows).round(2),
            "opened_ms": draw.integers(1_600_000_000_000, 1_800_000_000_000, rows),
            "site": draw.choice(["left", "right", "Østfold"], rows).astype(object),
        }
    )
    data.loc[draw.random(rows) < 0.1, "amount"] = np.nan
    return data


train = frame(600, 0)
labels = (train["amount"].fillna(50) > 60) ^ (train["site"] == "left")
pipeline = make_pipeline(
    make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["site"]), remainder="passthrough"
    ),
    HistGradientBoostingClassifier(max_iter=30, random_state=0),
).fit(train, labels)
mlflow.set_experiment("tiers")
with mlflow.start_run():
    logged = mlflow.sklearn.log_model(
        pipeline,
        name="model",
        signature=infer_signature(train, pipeline.predict_proba(train)),
        input_example=train.head(10),
        pyfunc_predict_fn="predict_proba",
        serialization_format="cloudpickle",
        pip_requirements=[*PINS, f"scikit-learn=={sklearn.__version__}"],
    )
version = mlflow.register_model(logged.model_uri, name).version
w = WorkspaceClient()
entity = ServedEntityInput(entity_name=name, entity_version=version, workload_size="Small", scale_to_zero_enabled=True)
w.serving_endpoints.create_and_wait(endpoint, config=EndpointCoreConfigInput(None, served_entities=[entity]))

path = f"/api/2.0/pierhead/models/{name}/versions/{version}/compilation"
until_s = time.monotonic() + _COMPILED_WITHIN_S
while (found := w.api_client.do("GET", path)["compilation"])["state"] not in ("DONE", "BROKEN"):
    assert time.monotonic() < until_s, found
    time.sleep(0.5)


model = mlflow.pyfunc.load_model(f"models:/{name}/{version}")
rows = frame(9, 1).fillna({"amount": 7.5})
expected = model.predict(rows).tolist()
address = f"{os.environ['DATABRICKS_HOST']}/serving-endpoints/{endpoint}/invocations"
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['DATABRICKS_TOKEN']}"


def ask(body, content_type="application/json"):
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return session.post(address, data=sent, headers={"Content-Type": content_type})


split = json.loads(rows.to_json(orient="split", index=False, double_precision=15))
records = json.loads(rows.to_json(orient="records", double_precision=15))
buffer = io.BytesIO()
rows.to_parquet(buffer)
plain = {
    "dataframe_split": lambda: ask({"dataframe_split": split}),
    "dataframe_records": lambda: ask({"dataframe_records": records}),
    "instances": lambda: ask({"instances": records}),
    "inputs": lambda: ask({"inputs": {column: [record[column] for record in records] for column in rows}}),
    "extra column": lambda: ask({"dataframe_records": [record | {"unknown": 1} for record in records]}),
}
for_the_original = {
    "csv": lambda: ask(rows.to_csv(index=False).encode(), "text/csv"),
    "parquet": lambda: ask(buffer.getvalue(), "application/vnd.apache.parquet"),
    "params": lambda: ask({"dataframe_split": split, "params": {"never_declared": 1}}),
}


def judged(call):
    answer = call()
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text}"
    got = answer.json()["predictions"]
    return np.allclose(got, expected, rtol=1e-9, atol=0) or f"{got} is not {expected}"


def deployment():
    return w.serving_endpoints.get(endpoint).config.served_entities[0].state.deployment_state_message


def await_compiled_answers():
    """Until compiled workers are ready the original answers, also for a moment after a wake-up."""
    while ask({"dataframe_split": split}).status_code != 200 or deployment() != f"tier {found['tier']}":
        assert time.monotonic() < until_s, deployment()
        time.sleep(0.2)


def first_refusal(calls):
    for _ in range(calls):
        answer = ask({"dataframe_split": split})
        if answer.status_code != 200:
            return [answer.status_code, answer.headers.get("Retry-After", ""), answer.json()["error_code"]]
    return [200, "", ""]


def await_calls_pass():
    until_s = time.monotonic() + 10
    while ask({"dataframe_split": split}).status_code != 200 and time.monotonic() < until_s:
        time.sleep(0.1)


await_compiled_answers()
seen = {
    "tier": found["tier"],
    "verdict": (found["certificate"] or {}).get("verdict"),
    "genuine": found["is_genuine"],
    "plain": {form: judged(call) for form, call in plain.items()},
    "sdk": np.allclose(w.serving_endpoints.query(endpoint, dataframe_records=records).predictions, expected, rtol=1e-9),
    "for the original": {form: judged(call) for form, call in for_the_original.items()},
}
minute = AiGatewayRateLimitRenewalPeriod.MINUTE
w.serving_endpoints.put_ai_gateway(
    endpoint, rate_limits=[AiGatewayRateLimit(calls=3, key=AiGatewayRateLimitKey.ENDPOINT, renewal_period=minute)]
)
time.sleep(1.0)
seen["limited by put_ai_gateway"] = first_refusal(30)
w.serving_endpoints.put_ai_gateway(endpoint, rate_limits=[])
await_calls_pass()
w.serving_endpoints.put(
    endpoint,
    rate_limits=[RateLimit(calls=2, key=RateLimitKey.ENDPOINT, renewal_period=RateLimitRenewalPeriod.MINUTE)],
)
time.sleep(1.0)
seen["limited by put"] = first_refusal(30)
w.serving_endpoints.put(endpoint, rate_limits=[])
await_calls_pass()
seen["unlimited again"] = ask({"dataframe_split": split}).status_code
seen["row"] = {"dataframe_records": records[:1]}
seen["answer"] = expected[:1]
print(json.dumps(seen))
