"""What a record says, and what it keeps to itself."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fakes.audit import BEGIN, call_of, chain
from pierhead.identity.domain.audit import START, columns_of, digest_of, fields_of, parsed, record_of
from pierhead.identity.domain.audit_names import object_of, words_of
from pierhead.identity.domain.audit_redaction import REDACTED, redacted
from pierhead.kit.audit_context import Acting, Actor, Origin


def test_a_record_has_databricks_fields_and_ours() -> None:
    actor = Actor("robot", "service_principal", "ada", frozenset({"ml-leads", "data-scientists"}))
    origin = Origin("10.0.0.7", "1.2.3.4", "mlflow-python-client/3.17.2", "r-1")
    params = {"name": "main.risk.churn", "version": "3", "stage": "Production"}
    acting = Acting(actor, "POST /2.0/mlflow/model-versions/transition-stage", origin, params)
    notes = {"decision": "open", "policy": "default@2", "subject_digest": "ab", "before": "Staging", "ticket": 7}

    fields = fields_of(acting, notes, datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC), None)

    assert fields == {
        "event_time": 1767225601000,
        "service_name": "modelRegistry",
        "action_name": "model-versions/transition-stage",
        "route": "POST /2.0/mlflow/model-versions/transition-stage",
        "object": "main.risk.churn/3",
        "user_identity": {
            "email": "robot",
            "kind": "service_principal",
            "person": "ada",
            "groups": ["data-scientists", "ml-leads"],
        },
        "source_ip": "10.0.0.7",
        "claimed_ip": "1.2.3.4",
        "user_agent": "mlflow-python-client/3.17.2",
        "request_id": "r-1",
        "request_params": params,
        "response": {"status_code": 200, "error_message": None},
        "decision": "open",
        "denied": False,
        "policy": "default@2",
        "digests": {"subject_digest": "ab"},
        "before": "Staging",
        "after": None,
        "notes": {"ticket": 7},
    }


def test_a_denial_says_why_and_never_that_it_was_allowed() -> None:
    fields = fields_of(call_of("bob"), {"decision": "open"}, BEGIN, (403, "only ml-leads may"))

    assert (fields["denied"], fields["decision"]) == (True, "denied")
    assert fields["response"] == {"status_code": 403, "error_message": "only ml-leads may"}


def test_a_closed_gate_is_told_from_a_missing_right() -> None:
    assert fields_of(call_of("bob"), {"decision": "closed"}, BEGIN, (400, "no signature"))["decision"] == "closed"


def test_a_digest_is_that_of_the_version_the_one_before_and_the_content() -> None:
    first, second = chain(2)

    assert first.digest == hashlib.sha256(b"pierhead-audit-v1" + bytes(32) + first.content.encode()).digest()
    assert second.digest == hashlib.sha256(b"pierhead-audit-v1" + first.digest + second.content.encode()).digest()


def test_content_is_canonical_json_that_anybody_can_make_again() -> None:
    record = record_of(fields_of(call_of("zoé", {"name": "a\x00b", "n": 1.5}), {}, BEGIN, None), 7, START)
    again = json.dumps(json.loads(record.content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert record.content == again
    assert digest_of(START, again) == record.digest
    assert json.loads(again)["sequence_number"] == 7


def test_what_searches_look_at_is_what_the_content_says() -> None:
    record = chain(1)[0]

    assert record.columns == columns_of(parsed(record.content))
    assert record.columns.at == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "params",
    [
        {"token_value": "hunter2"},
        {"new_password": "hunter2"},
        {"http_url_spec": {"authorization": "hunter2"}},
        {"tags": [{"key": "api_key", "value": "hunter2"}]},
        {"environment_vars": {"HARMLESS": "hunter2"}},
        {"note": "use Bearer hunter2hunter2 for it"},
        {"url": "https://ada:hunter2@example.com/x"},
        {"source": "s3://b/x?X-Amz-Signature=hunter2&a=1"},
        {"note": "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"},
    ],
)
def test_no_secret_gets_into_the_trail(params: dict[str, Any]) -> None:
    kept = json.dumps(redacted(params))

    assert "hunter2" not in kept
    assert REDACTED in kept


def test_a_token_of_ours_is_taken_out_of_any_text() -> None:
    assert redacted({"comment": "was phd_" + "a1" * 32}) == {"comment": f"was phd_{REDACTED}"}


def test_ids_and_page_tokens_are_no_secrets() -> None:
    params = {"token_id": "42", "page_token": "7", "has_token": True}

    assert redacted(params) == params


def test_a_long_value_is_cut_and_can_still_be_recognised() -> None:
    text = "x" * 1000
    kept = redacted({"description": text})["description"]

    assert kept.startswith("x" * 120 + "[cut: 1000 bytes, sha256 ")
    assert hashlib.sha256(text.encode()).hexdigest() in kept
    assert len(kept) < 250


def test_very_many_values_are_cut_as_a_whole() -> None:
    kept = redacted({f"k{number}": ["y" * 400] * 40 for number in range(40)})

    assert isinstance(kept, str)
    assert len(kept) < 300


def test_whatever_a_caller_sends_can_be_said_in_canonical_json() -> None:
    wild = {
        "huge": 2**70,
        "nan": float("nan"),
        "half a pair": "\ud800",
        "zero": "\x00",
        "deep": [[[[[[[[[["x"]]]]]]]]]],
        3: {"set": {1, 2}},
    }
    record = record_of(fields_of(call_of("bob", wild), {"before": wild}, BEGIN, None), 1, START)

    assert json.loads(record.content)["request_params"]["huge"] == str(2**70)


@pytest.mark.parametrize(
    ("route", "words"),
    [
        ("DELETE /2.0/mlflow/registered-models/alias", ("modelRegistry", "registered-models/alias/delete")),
        ("POST /2.0/mlflow/transition-requests/approve", ("modelRegistry", "transition-requests/approve")),
        ("POST /2.1/unity-catalog/models", ("unityCatalog", "models/create")),
        ("PATCH /2.0/preview/scim/v2/Users/{id}", ("accounts", "Users/update")),
        ("POST /2.0/token/create", ("tokens", "token/create")),
        ("PUT /2.0/fs/files/{path:path}", ("files", "fs/files/set")),
        ("POST /ajax-api/2.0/mlflow/runs/create", ("mlflowExperiment", "runs/create")),
        ("expire requests", ("platform", "expire requests")),
    ],
)
def test_actions_have_the_same_words_through_every_prefix(route: str, words: tuple[str, str]) -> None:
    assert words_of(route) == words


def test_the_object_is_the_name_that_a_call_is_about() -> None:
    assert object_of({"full_name_arg": "a.b.c", "version_arg": 2}) == "a.b.c/2"
    assert object_of({"version": "2"}) is None
    assert object_of({"name": "a\x00b"}) == "a\N{REPLACEMENT CHARACTER}b"
