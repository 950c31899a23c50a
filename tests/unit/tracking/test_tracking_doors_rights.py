"""Which right each call needs: every call that is let through, against everybody who could make it."""

from typing import Any

import pytest

from pierhead.identity.domain.grantees import Grantee, GranteeType, Who
from pierhead.identity.domain.levels import Entry, Level
from pierhead.identity.domain.objects import Experiment, Kind
from pierhead.identity.domain.rights import Facts, allowed
from pierhead.tracking.domain.claims import Claim, IfUnknown, Named, Thing, read_call
from pierhead.tracking.domain.doors import Door, Rule, doors

# Written by hand, a second time: a slip in the list of calls does not repeat itself here.
NEEDS = {
    Level.CAN_READ: """
        GET  2.0/mlflow/experiments/get
        GET  2.0/mlflow/experiments/get-by-name
        POST 2.0/mlflow/experiments/search-datasets
        POST 2.0mlflow/experiments/search-datasets
        GET  2.0/mlflow/runs/get
        POST 2.0/mlflow/runs/search
        GET  2.0/mlflow/metrics/get-history
        GET  2.0/mlflow/metrics/get-history-bulk
        GET  2.0/mlflow/metrics/get-history-bulk-interval
        GET  2.0/mlflow/artifacts/list
        POST 2.0/mlflow/logged-models/search
        GET  2.0/mlflow/logged-models/*
        GET  2.0/mlflow/logged-models/*/artifacts/directories
        GET  2.0/mlflow/logged-models/*/artifacts/files
        GET  2.0/mlflow/traces
        GET  2.0/mlflow/traces/*/info
        GET  2.0/mlflow/get-trace-artifact
        GET  3.0/mlflow/traces/*
        GET  3.0/mlflow/traces/get
        GET  3.0/mlflow/traces/batchGet
        POST 3.0/mlflow/traces/batchGetInfos
        POST 3.0/mlflow/traces/search
        POST 3.0/mlflow/traces/metrics
        POST 3.0/mlflow/traces/calculate-filter-correlation
        GET  3.0/mlflow/traces/*/assessments/*
        GET  3.0/mlflow/get-trace-artifact
        GET  3.0/mlflow/datasets/*
        GET  3.0/mlflow/datasets/*/experiment-ids
        GET  3.0/mlflow/datasets/*/records
        GET  3.0/mlflow/datasets/search
        POST 3.0/mlflow/datasets/search
        GET  mlflow/get-artifact
    """,
    Level.CAN_EDIT: """
        POST 2.0/mlflow/experiments/set-experiment-tag
        POST 2.0/mlflow/experiments/delete-experiment-tag
        POST 2.0/mlflow/runs/create
        POST 2.0/mlflow/runs/update
        POST 2.0/mlflow/runs/delete
        POST 2.0/mlflow/runs/restore
        POST 2.0/mlflow/runs/log-batch
        POST 2.0/mlflow/runs/log-inputs
        POST 2.0/mlflow/runs/log-metric
        POST 2.0/mlflow/runs/log-model
        POST 2.0/mlflow/runs/log-parameter
        POST 2.0/mlflow/runs/outputs
        POST 2.0/mlflow/runs/set-tag
        POST 2.0/mlflow/runs/delete-tag
        POST 2.0/mlflow/logged-models
        PATCH 2.0/mlflow/logged-models/*
        DELETE 2.0/mlflow/logged-models/*
        POST 2.0/mlflow/logged-models/*/params
        PATCH 2.0/mlflow/logged-models/*/tags
        DELETE 2.0/mlflow/logged-models/*/tags/*
        POST 2.0/mlflow/traces
        PATCH 2.0/mlflow/traces/*
        PATCH 2.0/mlflow/traces/*/tags
        DELETE 2.0/mlflow/traces/*/tags
        POST 2.0/mlflow/traces/delete-traces
        POST 2.0/mlflow/traces/link-to-run
        POST 2.0/mlflow/traces/link-prompts
        POST 3.0/mlflow/traces
        POST 3.0/mlflow/traces/delete-traces
        PATCH 3.0/mlflow/traces/*/tags
        DELETE 3.0/mlflow/traces/*/tags
        POST 3.0/mlflow/traces/*/assessments
        PATCH 3.0/mlflow/traces/*/assessments/*
        DELETE 3.0/mlflow/traces/*/assessments/*
        POST 3.0/mlflow/datasets/create
        DELETE 3.0/mlflow/datasets/*
        POST 3.0/mlflow/datasets/*/add-experiments
        POST 3.0/mlflow/datasets/*/remove-experiments
        POST 3.0/mlflow/datasets/*/records
        DELETE 3.0/mlflow/datasets/*/records
        PATCH 3.0/mlflow/datasets/*/tags
        DELETE 3.0/mlflow/datasets/*/tags/*
    """,
    Level.CAN_MANAGE: """
        POST 2.0/mlflow/experiments/update
        POST 2.0/mlflow/experiments/delete
        POST 2.0/mlflow/experiments/restore
    """,
}

OTHERWISE = {
    Rule.OPEN: """
        GET  3.0/mlflow/server-info
        GET  3.0/mlflow/ui-telemetry
        POST 3.0/mlflow/ui-telemetry
        GET  mlflow
        GET  mlflow/version
        GET  version
    """,
    Rule.CREATE: "POST 2.0/mlflow/experiments/create",
    Rule.LIST_EXPERIMENTS: """
        GET  2.0/mlflow/experiments/search
        POST 2.0/mlflow/experiments/search
    """,
    Rule.SPANS: """
        POST mlflow/v1/traces
        POST v1/traces
    """,
    Rule.GRAPHQL: """
        GET  mlflow/graphql
        POST mlflow/graphql
    """,
}

LEVELS: list[Level | None] = [None, Level.CAN_READ, Level.CAN_EDIT, Level.CAN_MANAGE]
ADA = Who("1", "ada")


def _pairs(text: str) -> list[tuple[str, str]]:
    lines = [line.split() for line in text.strip().splitlines()]
    return [(method, path) for method, path in lines]


def _by_level() -> list[tuple[Level, Door]]:
    known = {(door.method, door.path): door for door in doors()}
    return [(level, known[pair]) for level, text in NEEDS.items() for pair in _pairs(text)]


def _fill(claim: Claim) -> Any:
    """The least that a call must say for this claim."""
    value: Any = "7"
    for step in reversed(claim.steps):
        value = {step.name: [value] if step.is_list else value}
    return value


def _merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    both = {name: _merge_values(first[name], second[name]) for name in first.keys() & second.keys()}
    return {**first, **second, **both}


def _merge_values(first: Any, second: Any) -> Any:
    if isinstance(first, dict) and isinstance(second, dict):
        return _merge(first, second)
    return second


def _named(door: Door) -> list[Named]:
    fields: dict[str, Any] = {}
    for claim in door.claims:
        if not claim.star:
            fields = _merge(fields, _fill(claim))
    named, _ = read_call(door.claims, ["7"] * door.pattern.count("*"), fields)
    return named


def _passes(door: Door, level: Level | None) -> bool:
    """Whether somebody with a level on the one experiment that everything lies in gets past this door."""
    grantee = Grantee(GranteeType.USER, ADA.id)
    entries = [] if level is None else [Entry(Kind.EXPERIMENT, "7", grantee, level)]
    granted = allowed(ADA, Experiment("7", "eve"), Facts(entries))
    return all(named.action in granted for named in _named(door))


def test_every_call_that_is_let_through_stands_in_one_table() -> None:
    levelled = [pair for text in NEEDS.values() for pair in _pairs(text)]
    others = [pair for text in OTHERWISE.values() for pair in _pairs(text)]

    assert sorted(levelled + others) == sorted((door.method, door.path) for door in doors())


def test_calls_without_a_level_follow_the_rule_that_is_theirs() -> None:
    rules = {(door.method, door.path): door.rule for door in doors() if door.rule is not Rule.CLAIMS}
    expected = {pair: rule for rule, text in OTHERWISE.items() for pair in _pairs(text)}

    assert rules == expected | {
        (method, "3.0/mlflow/datasets/search"): Rule.LIST_DATASETS for method in ("GET", "POST")
    }


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("needed", "door"), [pytest.param(*pair, id=f"{pair[1].method} {pair[1].path}") for pair in _by_level()]
)
def test_the_level_decides(needed: Level, door: Door, level: Level | None) -> None:
    assert _passes(door, level) is (LEVELS.index(level) >= LEVELS.index(needed))


def test_every_call_says_what_it_names() -> None:
    for needed, door in _by_level():
        assert _named(door), (needed, door)


def test_only_what_is_made_or_merely_noted_may_be_unknown() -> None:
    passing = {
        (door.path, claim.thing) for door in doors() for claim in door.claims if claim.if_unknown is IfUnknown.PASS
    }

    assert passing == {
        ("2.0/mlflow/runs/log-inputs", Thing.MODEL),
        ("2.0/mlflow/runs/outputs", Thing.MODEL),
        ("3.0/mlflow/traces", Thing.TRACE),
        ("3.0/mlflow/traces", Thing.ASSESSMENT),
    }


def test_nothing_that_writes_leaves_out_what_it_does_not_know() -> None:
    for door in doors():
        for claim in door.claims:
            assert claim.if_unknown is not IfUnknown.LEAVE_OUT or claim.action.name == "READ", door
