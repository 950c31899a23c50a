"""What queries of MLflow's web page read."""

from typing import Any

import pytest

from pierhead.kit.errors import InvalidArgument, NotImplementedYet
from pierhead.tracking.domain.graphql import read_query


def _named(query: str, variables: dict[str, Any] | None = None) -> set[tuple[str, str]]:
    named, rebuilt = read_query({"query": query, "variables": variables, "extensions": {}})
    assert rebuilt == {"query": query, "variables": variables, "operationName": None}
    return {(each.thing.value, each.id) for each in named}


def _run(id: str) -> str:
    return f"mlflowGetRun(input: {{runId: {id}}}) {{ run {{ info {{ runId }} }} }}"


def test_every_operation_and_fragment_counts() -> None:
    query = f"""
        query A {{ {_run('"a"')} ...F }}
        mutation B {{ again: {_run('"b"')} }}
        fragment F on Query {{ ... on Query {{ {_run('"c"')} }} ...F }}
        fragment G on Query {{ {_run('"unused"')} }}
    """

    assert _named(query) == {("run", "a"), ("run", "b"), ("run", "c")}


def test_variables_and_their_defaults_are_filled_in() -> None:
    query = f'query A($id: String = "default") {{ {_run("$id")} }}'

    assert _named(query) == {("run", "default")}
    assert _named(query, {"id": "given"}) == {("run", "given")}
    assert _named(query, {"id": None}) == set()
    assert _named(f"query A($id: String) {{ {_run('$id')} }}") == set()


def test_an_experiment_without_an_id_is_the_default_one() -> None:
    query = "query A($in: MlflowGetExperimentInput) { mlflowGetExperiment(input: $in) { experiment { name } } }"

    for given in ({}, {"experimentId": None}, {"experimentId": ""}, {"experimentId": "000"}):
        assert _named(query, {"in": given}) == {("experiment", "0")}


def test_a_single_value_stands_for_a_list_of_one() -> None:
    query = "mutation S($ids: [String]) { mlflowSearchDatasets(input: {experimentIds: $ids}) { apiError { code } } }"

    assert _named(query, {"ids": "07"}) == _named(query, {"ids": ["7"]}) == {("experiment", "7")}
    assert _named(query, {"ids": []}) == set()


def test_the_schema_may_be_read() -> None:
    assert _named('{ __schema { types { name } } __typename test(inputString: "x") { output } }') == set()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "{",
        "{ a",
        "type A { b: Int }",
        "{ mlflowGetRun { run { info { runId } } } }",
        '{ mlflowGetRun(other: {runId: "a"}) { run { info { runId } } } }',
        '{ mlflowGetRun(input: "a") { run { info { runId } } } }',
        '{ mlflowGetRun(input: {runId: "a", runId: "b"}) { run { info { runId } } } }',
        '{ mlflowGetRun(input: {runId: "a", runUuid: "b"}) { run { info { runId } } } }',
        "{ mlflowGetRun(input: {runId: 7}) { run { info { runId } } } }",
        "fragment F on Query { a } fragment F on Query { b } { ...F }",
        "{ " + "test " * 6000 + "}",
        "{" * 5000,
        "{ test " + " " * 70_000 + "}",
        7,
        None,
    ],
)
def test_what_is_no_query_is_refused(query: object) -> None:
    with pytest.raises(InvalidArgument):
        read_query({"query": query})


@pytest.mark.parametrize("more", [{"variables": []}, {"variables": "x"}, {"operationName": 7}])
def test_what_comes_with_a_query_has_its_shape(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        read_query({"query": "{ __typename }", **more})


@pytest.mark.parametrize("query", ["{ mlflowGetSecrets { a } }", "mutation { mlflowDeleteRun(input: {}) { a } }"])
def test_fields_that_are_not_known_are_not_let_through(query: str) -> None:
    with pytest.raises(NotImplementedYet):
        read_query({"query": query})
