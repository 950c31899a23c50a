"""What MLflow's web page asks, in GraphQL and beside it."""

from typing import Any

import pytest

from harness.http import Answer
from integration.tracking.private_experiment import Experiment, make, send
from integration.tracking.tracking_stack import TrackingStack

RUNS = "{ runs { info { runName } } }"
SEARCH = f"query A($ids: [String]) {{ mlflowSearchRuns(input: {{experimentIds: $ids}}) {RUNS} }}"
NAME = "{ run { info { runName } } }"


def _run(id: str) -> str:
    answer = "{ run { info { runName } experiment { name } data { tags { key value } } } }"
    return f"mlflowGetRun(input: {{runId: {id}}}) {answer}"


OWN, SECRET = _run('"<own run>"'), _run('"<run>"')


@pytest.fixture(scope="module")
def secret(stack: TrackingStack) -> Experiment:
    return make(stack, "good")


@pytest.fixture(scope="module")
def own(stack: TrackingStack) -> Experiment:
    return make(stack, "mallory")


def _query(stack: TrackingStack, query: str, by: str, variables: Any = None, **more: Any) -> Answer:
    return send(stack, "POST", "/mlflow/graphql", {"query": query, "variables": variables, **more}, by=by)


def test_the_page_shows_their_runs_to_their_owners(stack: TrackingStack, secret: Experiment) -> None:
    written = _query(stack, f"query GetRun {{ {secret.fill(SECRET)} }}", "good").json()
    query = "query GetRun($data: MlflowGetRunInput!) { mlflowGetRun(input: $data) { run { info { runName } } } }"
    asked = _query(stack, query, "good", {"data": {"runId": secret.run}}, operationName="GetRun").json()
    searched = _query(
        stack,
        "mutation S($in: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $in) { runs { info { runId } } } }",
        "good",
        {"in": {"experimentIds": [secret.id]}},
    ).json()
    files = '{ mlflowListArtifacts(input: {runUuid: "<run>"}) { files { path } } }'
    listed = _query(stack, secret.fill(files), "good")

    assert written["data"]["mlflowGetRun"]["run"]["experiment"]["name"] == secret.name
    assert asked["data"]["mlflowGetRun"]["run"]["info"]["runName"] == secret.word
    assert searched["data"]["mlflowSearchRuns"]["runs"] == [{"info": {"runId": secret.run}}]
    assert listed.json()["data"]["mlflowListArtifacts"]["files"] == [{"path": "note.txt"}]


REFUSED: list[tuple[str, Any]] = [
    (f"{{ {SECRET} }}", None),
    (f"{{ a: {OWN} b: {SECRET} }}", None),
    (f"query A {{ {OWN} }} query B {{ {SECRET} }}", None),
    (f"{{ ... on Query {{ {SECRET} }} }}", None),
    (f"{{ ...F }} fragment F on Query {{ ...G }} fragment G on Query {{ {SECRET} }}", None),
    (f'query A($id: String = "<run>") {{ {_run("$id")} }}', None),
    (f'query A($id: String = "<own run>") {{ {_run("$id")} }}', {"id": "<run>"}),
    (f"query A($id: String) {{ {_run('$id')} }}", {"id": "<run>"}),
    (f'query A($in: MlflowGetRunInput = {{runId: "<run>"}}) {{ mlflowGetRun(input: $in) {NAME} }}', None),
    (f'{{ mlflowGetRun(input: {{runUuid: "<run>"}}) {NAME} }}', None),
    (f'{{ mlflowGetRun(input: {{runId: "", runUuid: "<run>"}}) {NAME} }}', None),
    (f'{{ mlflowGetRun(input: {{runId: "<own run>", runUuid: "<run>"}}) {NAME} }}', None),
    (f'{{ mlflowGetRun(input: {{runId: "<own run>", runId: "<run>"}}) {NAME} }}', None),
    ('{ mlflowListArtifacts(input: {runId: "<run>"}) { files { path } } }', None),
    ('{ mlflowGetExperiment(input: {experimentId: "<id>"}) { experiment { name } } }', None),
    ('{ mlflowGetExperiment(input: {experimentId: "0<id>"}) { experiment { name } } }', None),
    (f'{{ mlflowSearchRuns(input: {{experimentIds: ["<own id>", "<id>"]}}) {RUNS} }}', None),
    (f'{{ mlflowSearchRuns(input: {{experimentIds: "<id>"}}) {RUNS} }}', None),
    (f'mutation {{ mlflowSearchRuns(input: {{experimentIds: ["<id>"]}}) {RUNS} }}', None),
    ('mutation { mlflowSearchDatasets(input: {experimentIds: ["<id>"]}) { datasetSummaries { name } } }', None),
    (
        '{ mlflowGetMetricHistoryBulkInterval(input: {runIds: ["<run>"], metricKey: "auc"}) { metrics { value } } }',
        None,
    ),
    (SEARCH, {"ids": ["<id>"]}),
    (SEARCH, {"ids": "<id>"}),
]


@pytest.mark.parametrize(("query", "variables"), REFUSED)
def test_no_query_reads_what_is_not_theirs(
    stack: TrackingStack, secret: Experiment, own: Experiment, query: str, variables: Any
) -> None:
    def filled(text: str) -> str:
        return secret.fill(text.replace("<own run>", own.run).replace("<own id>", own.id))

    given = None if variables is None else {name: _deep(filled, value) for name, value in variables.items()}

    for by in ("mallory", "eve"):
        for method in ("POST", "GET"):
            body = {"query": filled(query), "variables": given}
            answer = send(stack, method, "/mlflow/graphql", body, by=by)
            assert answer.status in (400, 403), answer.text
            assert not [word for word in secret.secrets if word in answer.body]


def _deep(fill: Any, value: Any) -> Any:
    return [fill(item) for item in value] if isinstance(value, list) else fill(value)


def test_fields_of_another_release_are_not_known(stack: TrackingStack) -> None:
    for query in ("{ mlflowGetSecret(input: {id: 1}) { value } }", "subscription { runs }"):
        assert _query(stack, query, "root").json()["error_code"] == "NOT_IMPLEMENTED"
    for query in ("{", "type A { b: Int }", "{ mlflowGetRun { run { info { runId } } } }", 7, None):
        assert _query(stack, query, "root").json()["error_code"] == "INVALID_PARAMETER_VALUE"  # type: ignore[arg-type]


def test_the_page_shows_an_artifact_to_who_may_read_its_run(stack: TrackingStack, secret: Experiment) -> None:
    for name in ("run_id", "run_uuid"):
        path = f"/mlflow/get-artifact?path=note.txt&{name}={secret.run}"

        assert stack.ask("GET", path, by="good").body == secret.word.encode()
        assert stack.ask("GET", path, by="audrey").body == secret.word.encode()
        for by in ("mallory", "eve"):
            assert stack.ask("GET", path, by=by).status == 403
            assert stack.ask("HEAD", path, by=by).status == 403
