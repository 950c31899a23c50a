"""What clients may write."""

from typing import Any

import pytest

from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.tracking.domain.bodies import (
    Names,
    batch_of,
    check_of,
    experiment_of,
    labels_of,
    removed_tag_of,
    run_of,
    tag_of,
    trace_of,
)

ADA = Names("ada")
ADAS_RUN = Names("ada", run_user="ada")
OWNED = {"key": "pierhead.owner", "value": "ada"}
LOCATION_TAGS = ("mlflow.artifactLocation", "mlflow.trace.archiveLocation", "mlflow.trace.spansLocation")


@pytest.mark.parametrize("field", ["user_id", "userId"])
def test_a_run_belongs_to_who_asked_for_it(field: str) -> None:
    body = {field: "eve", "tags": [{"key": "mlflow.user", "value": "eve"}, {"key": "a", "value": "b"}]}

    assert run_of(ADA, body) == {
        "user_id": "ada",
        "tags": [{"key": "mlflow.user", "value": "ada"}, {"key": "a", "value": "b"}],
    }


@pytest.mark.parametrize("tags", ["mlflow.user", [5], [{"key": 5, "value": "a"}], [{"key": "a", "value": ["b"]}]])
def test_a_run_with_tags_of_another_shape_is_refused(tags: object) -> None:
    with pytest.raises(InvalidArgument):
        run_of(ADA, {"tags": tags})


def test_what_matters_stands_before_what_may_be_unreadable() -> None:
    body = {"run_name": 5, "tags": [{"key": "a", "value": "b"}], "userId": "eve", "experiment_id": "7"}

    assert list(run_of(ADA, body)) == ["experiment_id", "user_id", "tags", "run_name"]
    assert list(experiment_of(ADA, {"name": 5, "tags": []})) == ["tags", "name"]


@pytest.mark.parametrize("field", ["artifact_location", "artifactLocation"])
@pytest.mark.parametrize("location", [None, "", "dbfs:/databricks/mlflow-tracking/x", "mlflow-artifacts:/"])
def test_the_server_decides_where_artifacts_lie(field: str, location: str | None) -> None:
    assert experiment_of(ADA, {"name": "a", field: location}) == {"name": "a", "tags": [OWNED]}


@pytest.mark.parametrize("field", ["artifact_location", "artifactLocation"])
@pytest.mark.parametrize("location", ["file:///etc", "s3://bucket", "dbfs:/mlruns", "/tmp", "mlflow-artifacts:/x", 7])
def test_an_experiment_elsewhere_is_refused(field: str, location: object) -> None:
    with pytest.raises(InvalidArgument, match="without artifact_location"):
        experiment_of(ADA, {"name": "a", field: location})


def test_a_field_in_both_spellings_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="both"):
        experiment_of(ADA, {"artifact_location": "mlflow-artifacts:/", "artifactLocation": "s3://bucket"})
    with pytest.raises(InvalidArgument, match="both"):
        run_of(ADA, {"user_id": "ada", "userId": "eve"})


def test_a_runs_user_stays() -> None:
    eve = {"key": "mlflow.user", "value": "eve"}

    with pytest.raises(PermissionDenied, match="ada cannot set it to 'eve'"):
        tag_of(ADA, {"run_id": "1", **eve})
    with pytest.raises(PermissionDenied):
        batch_of(ADA, {"run_id": "1", "tags": [{"key": "a", "value": "b"}, eve]})
    with pytest.raises(PermissionDenied):
        removed_tag_of(ADA, {"run_id": "1", "key": "mlflow.user"})


@pytest.mark.parametrize("tag", [{"key": "mlflow.user", "value": "ada"}, {"key": "team", "value": "eve"}, {}])
def test_other_tags_of_a_run_pass(tag: dict[str, str]) -> None:
    assert tag_of(ADAS_RUN, tag) == tag
    assert batch_of(ADAS_RUN, {"tags": [tag], "metrics": []}) == {"tags": [tag], "metrics": []}


def test_who_may_write_to_somebodys_run_does_not_make_it_their_own() -> None:
    ada = {"key": "mlflow.user", "value": "ada"}

    for names in (Names("ada", run_user="eve"), Names("ada", run_user=None)):
        with pytest.raises(PermissionDenied):
            tag_of(names, {"run_id": "1", **ada})
        with pytest.raises(PermissionDenied):
            batch_of(names, {"run_id": "1", "tags": [ada]})


def test_an_experiment_belongs_to_who_asked_for_it() -> None:
    body = {"name": "a", "tags": [{"key": "team", "value": "risk"}]}

    assert experiment_of(ADA, body)["tags"] == [OWNED, {"key": "team", "value": "risk"}]


@pytest.mark.parametrize("key", ["pierhead.owner", "pierhead.", "pierhead.anything"])
def test_nobody_writes_or_deletes_tags_of_ours(key: str) -> None:
    tag = {"key": key, "value": "eve"}
    for check, body in (
        (experiment_of, {"name": "a", "tags": [tag]}),
        (run_of, {"tags": [tag]}),
        (tag_of, {"run_id": "1", **tag}),
        (batch_of, {"run_id": "1", "tags": [tag]}),
        (removed_tag_of, {"run_id": "1", "key": key}),
        (labels_of, {"experiment_id": "1", **tag}),
        (labels_of, {"experiment_id": "1", "key": key}),
        (labels_of, {"tags": [tag]}),
        (trace_of, tag),
        (trace_of, {"tags": [tag]}),
        (trace_of, {"trace": {"traceInfo": {"tags": {key: "eve"}}}}),
    ):
        with pytest.raises(PermissionDenied, match="kept by this server"):
            check(ADAS_RUN, body)


def test_a_tag_can_be_removed() -> None:
    assert removed_tag_of(ADA, {"run_id": "1", "key": "team"}) == {"run_id": "1", "key": "team"}


@pytest.mark.parametrize("key", LOCATION_TAGS)
@pytest.mark.parametrize("value", ["file:///etc", "http://127.0.0.1", "", None, "ARCHIVE_REPO"])
def test_nobody_says_where_a_trace_lies(key: str, value: object) -> None:
    tag = {"key": key, "value": value}
    for body in (
        tag,
        {"tags": [tag]},
        {"requestMetadata": [tag]},
        {"trace": {"traceInfo": {"tags": {key: value}}}},
        {"trace": {"trace_info": {"trace_metadata": {key: value}}}},
    ):
        with pytest.raises(InvalidArgument, match="cannot be set"):
            trace_of(ADA, body)


def test_the_servers_own_tags_may_come_back_and_are_left_out() -> None:
    given = {"key": "mlflow.artifactLocation", "value": "mlflow-artifacts:/1/traces/tr-1/artifacts"}
    named = {"key": "team", "value": "mlflow.artifactLocation"}

    assert trace_of(ADA, {"status": "OK", "tags": [given, named]}) == {"status": "OK", "tags": [named]}
    tags = {"mlflow.trace.spansLocation": "TRACKING_STORE", "team": "a"}
    assert trace_of(ADA, {"trace": {"trace_info": {"tags": tags}}}) == {
        "trace": {"trace_info": {"tags": {"team": "a"}}}
    }


@pytest.mark.parametrize("field", ["trace_id", "traceId"])
@pytest.mark.parametrize("id", ["../../../../etc", "..", "/etc", "a#", "a?b", "%2e%2e", "tr-1\n"])
def test_a_trace_id_never_leads_out_of_the_store(field: str, id: str) -> None:
    with pytest.raises(InvalidArgument, match="letters, digits"):
        trace_of(ADA, {"trace": {"trace_info": {field: id}}})


def test_what_is_checked_is_checked_under_all_prefixes() -> None:
    checks: dict[str, Any] = {
        "2.0/mlflow/runs/create": run_of,
        "2.0/mlflow/runs/set-tag": tag_of,
        "2.0/mlflow/runs/log-batch": batch_of,
        "2.0/mlflow/runs/delete-tag": removed_tag_of,
        "2.0/mlflow/experiments/create": experiment_of,
        "2.0/mlflow/experiments/set-experiment-tag": labels_of,
        "2.0/mlflow/experiments/delete-experiment-tag": labels_of,
        "2.0/mlflow/logged-models": labels_of,
        "2.0/mlflow/logged-models/m-1/tags": labels_of,
        "2.0/mlflow/traces": trace_of,
        "3.0/mlflow/traces": trace_of,
        "2.0/mlflow/traces/tr-1": trace_of,
        "2.0/mlflow/traces/tr-1/tags": trace_of,
        "3.0/mlflow/traces/tr-1/tags": trace_of,
        "2.0/mlflow/runs/log-metric": None,
    }
    for prefix in ("/mlflow/api/", "/mlflow/ajax-api/"):
        assert {path: check_of(prefix + path) for path in checks} == checks
