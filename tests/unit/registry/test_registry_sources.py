from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pierhead.kit.errors import InvalidArgument, InvalidState
from pierhead.registry.domain.addresses import find_model_id, path_by_name
from pierhead.registry.domain.mlmodel import find_run_id
from pierhead.registry.domain.models import Failed, ModelVersion, Pending, Ready, VersionDraft
from pierhead.registry.domain.sources import ByAlias, ByNumber, Newest, copy_of, find_version_source
from pierhead.registry.domain.stages import Stage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = ModelVersion(
    id="i",
    model_id="m",
    model_name="main.a.b",
    number=3,
    stage=Stage.NONE,
    state=Ready("d"),
    source="models:/m-1",
    run_id="run",
    run_link=None,
    run_workspace_id=None,
    logged_model_id="m-1",
    description=None,
    user_name="ada",
    created_at=NOW,
    updated_at=NOW,
    tags={},
    aliases=(),
)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("models:/main.a.b/3", ByNumber("main.a.b", 3)),
        ("models:/main.a.b@champion", ByAlias("main.a.b", "champion")),
        ("models:/a@b@champion", ByAlias("a@b", "champion")),
        ("models:/main.a.b/latest", Newest("main.a.b", None)),
        ("models:/main.a.b/production", Newest("main.a.b", Stage.PRODUCTION)),
        ("models:/m-0123", None),
        ("runs:/r/model", None),
        ("mlflow-artifacts:/1/r/artifacts/model", None),
        ("dbfs:/databricks/mlflow-tracking/1/r/artifacts", None),
        ("/tmp/model", None),
    ],
)
def test_a_source_names_a_version_or_lies_outside(source: str, found: object) -> None:
    assert find_version_source(source) == found


@pytest.mark.parametrize(
    "source", ["models:/a/", "models://host/a/1", "models:/a/1/code", "models:/@x", "models:/a@", "models:/a/nowhere"]
)
def test_a_malformed_source_is_refused(source: str) -> None:
    with pytest.raises(InvalidArgument):
        find_version_source(source)


def test_a_copy_tells_where_its_files_come_from() -> None:
    copy = copy_of(VersionDraft("main.a.c", "models:/main.a.b@champion", description="mine"), ORIGIN)

    assert (copy.source, copy.run_id, copy.logged_model_id) == ("models:/main.a.b/3", "run", "m-1")
    assert copy.description == "mine"


@pytest.mark.parametrize("claim", [{"run_id": "other"}, {"logged_model_id": "m-2"}])
def test_a_copy_cannot_claim_another_origin(claim: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument, match="must match"):
        copy_of(replace(VersionDraft("c", "models:/main.a.b/3"), **claim), ORIGIN)


def test_a_model_cannot_be_made_of_a_prompt() -> None:
    prompt = replace(ORIGIN, tags={"mlflow.prompt.is_prompt": "true"})

    with pytest.raises(InvalidArgument, match="Prompt"):
        copy_of(VersionDraft("c", "models:/main.a.b/3"), prompt)


@pytest.mark.parametrize("state", [Pending(), Failed("nothing was uploaded")])
def test_a_version_that_is_not_ready_has_no_files(state: Pending | Failed) -> None:
    with pytest.raises(InvalidState, match="not READY"):
        _ = replace(ORIGIN, state=state).digest


@pytest.mark.parametrize("raw", [b"", b"{", b"- a", b"run_id: [5]", b"run_id:", b"\xff\xfe\x00", b"flavors: {}"])
def test_an_mlmodel_may_not_say_its_run(raw: bytes) -> None:
    assert find_run_id(raw) is None


def test_an_mlmodel_that_would_end_or_hang_the_process_does_not_say_its_run() -> None:
    assert find_run_id(b"run_id: a\nb: " + b"[" * 100_000) is None
    assert (
        find_run_id(
            b"a0: &a0 {k: v}\n"
            + b"".join(b"a%d: &a%d {<<: [*a%d, *a%d]}\n" % (i, i, i - 1, i - 1) for i in range(1, 40))
        )
        is None
    )


@pytest.mark.parametrize("name", ["a?b", "a#b", "50%", "ü", "a+b"])
def test_a_name_that_suffers_in_a_url_is_addressed_by_its_id(name: str) -> None:
    path = path_by_name(name, "0f", 1)

    assert path == "id:0f/1"
    assert find_model_id(path.split("/")[0]) == "0f"
    assert find_model_id(name) is None
