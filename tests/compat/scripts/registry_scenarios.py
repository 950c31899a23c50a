"""What MLflow's documentation says of the model registry, tried with its own client; prints {scenario: what was seen}.

A refusal is seen as its error code.
"""

import json
from collections.abc import Callable
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

client = MlflowClient()
mlflow.set_experiment("registry scenarios")


def logged(text: str) -> tuple[str, str]:
    """A run and the address of a folder that it logged."""
    with mlflow.start_run() as run:
        mlflow.log_text(text, "model/weights.txt")
    return run.info.run_id, f"{run.info.artifact_uri}/model"


RUN, SOURCE = logged("first")
OTHER_RUN, OTHER_SOURCE = logged("second")


def refusal(operation: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    try:
        operation(*arguments, **named)
    except MlflowException as error:
        return error.error_code
    return ""


def model_with(versions: int, name: str) -> str:
    full_name = f"main.scenarios.{name}"
    client.create_registered_model(full_name)
    for _ in range(versions):
        client.create_model_version(full_name, SOURCE, RUN)
    return full_name


def stages(name: str) -> dict[str, str]:
    return {v.version: v.current_stage for v in client.search_model_versions(f"name='{name}'")}


def numbers(found: Any) -> list[str]:
    return sorted(version.version for version in found)


def all_pages(search: Callable[..., Any], **query: Any) -> list[list[Any]]:
    pages, token = [], None
    while token is not None or not pages:
        page = search(page_token=token, **query)
        pages.append(list(page))
        token = page.token or None
    return pages


def creating() -> dict[str, Any]:
    name = "main.scenarios.created"
    made = client.create_registered_model(name, {"team": "risk", "level": 3}, "what it is for")
    found = client.get_registered_model(name)
    return {
        "made": [made.name, made.tags, made.description, made.aliases, list(made.latest_versions)],
        "same": [made.creation_timestamp == found.creation_timestamp, found.tags == made.tags],
        "again": refusal(client.create_registered_model, name),
        "refused": [refusal(client.create_registered_model, bad) for bad in ("", "a/b", "a:b", "..")],
        "reserved tag": refusal(client.create_registered_model, f"{name}2", {"pierhead.approved": "yes"}),
    }


def renaming() -> dict[str, Any]:
    old, taken, new = model_with(2, "old"), model_with(0, "taken"), "main.scenarios.new"
    client.set_registered_model_alias(old, "best", "2")
    client.set_registered_model_tag(old, "team", "risk")
    client.set_model_version_tag(old, "1", "seen", "yes")
    refused = [
        refusal(client.rename_registered_model, old, taken),
        refusal(client.rename_registered_model, "main.scenarios.nobody", new),
        refusal(client.rename_registered_model, old, "a/b"),
    ]
    client.rename_registered_model(old, new)
    moved = client.get_registered_model(new)
    result = {
        "refused": refused,
        "moved": [moved.name, moved.tags, moved.aliases, numbers(client.search_model_versions(f"name='{new}'"))],
        "version": client.get_model_version(new, "1").tags,
        "old": [refusal(client.get_registered_model, old), numbers(client.search_model_versions(f"name='{old}'"))],
    }
    client.create_registered_model(old)
    result["old again"] = [client.get_registered_model(old).aliases, numbers(client.get_latest_versions(old))]
    return result


def describing() -> dict[str, Any]:
    name = model_with(1, "described")
    seen = []
    for text in ("first", "second\nline", ""):
        client.update_registered_model(name, text)
        client.update_model_version(name, "1", text)
        seen.append([client.get_registered_model(name).description, client.get_model_version(name, "1").description])
    before = client.get_registered_model(name).last_updated_timestamp
    client.update_registered_model(name, "last")
    return {
        "seen": seen,
        "is touched": client.get_registered_model(name).last_updated_timestamp > before,
        "refused": [
            refusal(client.update_registered_model, "main.scenarios.nobody", "x"),
            refusal(client.update_model_version, name, "9", "x"),
        ],
    }


def deleting() -> dict[str, Any]:
    name = model_with(3, "deleted")
    client.set_registered_model_alias(name, "best", "2")
    client.delete_model_version(name, "2")
    without = [client.get_registered_model(name).aliases, numbers(client.search_model_versions(f"name='{name}'"))]
    client.delete_model_version(name, "3")
    client.delete_model_version(name, "1")
    next_number = client.create_model_version(name, SOURCE).version
    refused = [
        refusal(client.get_model_version, name, "2"),
        refusal(client.delete_model_version, name, "2"),
        refusal(client.set_model_version_tag, name, "2", "a", "b"),
        refusal(client.get_model_version_download_uri, name, "2"),
    ]
    client.delete_registered_model(name)
    gone = [
        refusal(client.get_registered_model, name),
        refusal(client.delete_registered_model, name),
        refusal(client.get_latest_versions, name),
        refusal(client.create_model_version, name, SOURCE),
        refusal(client.get_model_version, name, next_number),
    ]
    client.create_registered_model(name)
    return {
        "without": without,
        "next number": next_number,
        "refused": refused,
        "gone": gone,
        "anew": client.create_model_version(name, SOURCE).version,
    }


def tagging() -> dict[str, Any]:
    name = model_with(2, "tagged")
    keys = {"plain": "1", "with.dot": "2", "with/slash": "3", "with space": "4"}
    for key, value in keys.items():
        client.set_registered_model_tag(name, key, value)
        client.set_model_version_tag(name, "1", key, value)
    client.set_registered_model_tag(name, "plain", "again")
    client.set_model_version_tag(name, "1", "plain", 7)
    client.delete_registered_model_tag(name, "with.dot")
    client.delete_model_version_tag(name, "1", "with space")
    return {
        "model": client.get_registered_model(name).tags,
        "version": client.get_model_version(name, "1").tags,
        "other version": client.get_model_version(name, "2").tags,
        "absent tag": [
            refusal(client.delete_registered_model_tag, name, "absent"),
            refusal(client.delete_model_version_tag, name, "1", "absent"),
        ],
        "no such thing": [
            refusal(client.set_registered_model_tag, "main.scenarios.nobody", "a", "b"),
            refusal(client.delete_registered_model_tag, "main.scenarios.nobody", "a"),
            refusal(client.set_model_version_tag, name, "9", "a", "b"),
            refusal(client.delete_model_version_tag, name, "9", "a"),
        ],
        "refused": [
            refusal(client.set_registered_model_tag, name, None, "b"),
            refusal(client.set_registered_model_tag, name, "", "b"),
            refusal(client.set_registered_model_tag, name, "a" * 251, "b"),
            refusal(client.set_registered_model_tag, name, "a", "b" * 100_001),
            refusal(client.set_model_version_tag, name, "1", "what?", "b"),
            refusal(client.set_model_version_tag, name, "1", "../up", "b"),
        ],
        "reserved": refusal(client.set_model_version_tag, name, "1", "pierhead.approved", "yes"),
    }


def naming() -> dict[str, Any]:
    """Aliases."""
    name = model_with(2, "aliased")

    def holder(alias: str) -> list[Any]:
        return [
            client.get_model_version_by_alias(name, alias).version,
            *(list(client.get_model_version(name, number).aliases) for number in ("1", "2")),
        ]

    client.set_registered_model_alias(name, "best", "1")
    client.set_registered_model_alias(name, "second", "1")
    first = holder("best")
    client.set_registered_model_alias(name, "best", "2")
    moved = holder("best")
    client.delete_registered_model_alias(name, "second")
    return {
        "first": first,
        "moved": moved,
        "left": client.get_registered_model(name).aliases,
        "no such alias": [
            refusal(client.get_model_version_by_alias, name, "second"),
            refusal(client.delete_registered_model_alias, name, "second"),
        ],
        "no such thing": [
            refusal(client.set_registered_model_alias, name, "best", "9"),
            refusal(client.set_registered_model_alias, "main.scenarios.nobody", "best", "1"),
            refusal(client.get_model_version_by_alias, "main.scenarios.nobody", "best"),
        ],
        "refused": [
            refusal(client.set_registered_model_alias, name, bad, "1")
            for bad in ("latest", "LATEST", "v7", "V7", "a b", "a/b", "", "a" * 256)
        ],
    }


def registering() -> dict[str, Any]:
    name = model_with(0, "registered")
    made = client.create_model_version(name, SOURCE, RUN, {"auc": 0.9}, "https://runs.example/1", "first of all")
    twin = client.create_model_version(name, SOURCE, RUN)
    return {
        "made": [made.name, made.version, made.status, made.current_stage, made.tags, made.run_link, made.description],
        "origin": [made.source == SOURCE, made.run_id == RUN, list(made.aliases)],
        "twin": [twin.version, twin.tags, twin.description],
        "refused": [
            refusal(client.create_model_version, name, "runs:/0123456789abcdef0123456789abcdef/model"),
            refusal(client.create_model_version, name, f"{SOURCE}/../../.."),
            refusal(client.create_model_version, name, "file:///etc"),
            refusal(client.create_model_version, name, ""),
            refusal(client.create_model_version, "main.scenarios.nobody", SOURCE),
        ],
        "no number": [refusal(client.get_model_version, name, bad) for bad in ("one", "1.0", "-1", "9" * 20)],
        "stages": client.get_model_version_stages(name, "1"),
    }


def finding_models() -> dict[str, Any]:
    for name, tags in (
        ("alpha", {"team": "risk"}),
        ("Beta", {"team": "risk", "tier": "gold"}),
        ("gamma", {"team": "sales"}),
        ("50%_off", {}),
    ):
        client.create_registered_model(f"found {name}", tags)

    def find(condition: str, order_by: list[str] | None = None) -> list[str]:
        found = client.search_registered_models(condition, order_by=order_by)
        return [model.name.removeprefix("found ") for model in found]

    here = "name LIKE 'found %'"
    client.update_registered_model("found gamma", "touched")
    client.update_registered_model("found alpha", "touched")
    pages = all_pages(client.search_registered_models, filter_string=here, max_results=3, order_by=["name DESC"])
    return {
        "=": find("name = 'found alpha'"),
        "= in other case": find("name = 'FOUND ALPHA'"),
        "!=": find(f"{here} AND name != 'found alpha'"),
        "LIKE": find("name LIKE 'found _eta'"),
        "LIKE in other case": find("name LIKE 'FOUND %'"),
        "ILIKE": find("name ILIKE 'FOUND %A'"),
        "a percent sign": find("name LIKE 'found 50%'"),
        "tag =": find(f"{here} AND tags.team = 'risk'"),
        "tag !=": find(f"{here} AND tags.team != 'risk'"),
        "tag LIKE": find(f"{here} AND tags.`team` LIKE 's%'"),
        "tag ILIKE": find(f"{here} AND tags.team ILIKE 'RISK'"),
        "two tags": find("tags.team = 'risk' AND tags.tier = 'gold'"),
        "none": find("name = 'found nobody'"),
        "name DESC": find(here, ["name DESC"]),
        "touched last": find(here, ["last_updated_timestamp DESC"])[:2],
        "made first": find(here, ["creation_timestamp ASC", "name ASC"]),
        "pages": [[model.name.removeprefix("found ") for model in page] for page in pages],
        "refused": [
            refusal(client.search_registered_models, bad)
            for bad in ("name = alpha", "owner = 'x'", "name > 'a'", "name = 'a' OR name = 'b'", "run_id = 'r'")
        ],
        "bad order": [
            refusal(client.search_registered_models, here, order_by=bad)
            for bad in (["size"], ["name UP"], ["name", "name DESC"])
        ],
        "bad page": [
            refusal(client.search_registered_models, here, max_results=0),
            refusal(client.search_registered_models, here, max_results=1001),
            refusal(client.search_registered_models, here, page_token="nonsense"),
            refusal(
                client.search_registered_models,
                "name LIKE 'other%'",
                page_token=client.search_registered_models(here, max_results=1).token,
            ),
        ],
    }


def finding_versions() -> dict[str, Any]:
    one, two = model_with(3, "versions_one"), model_with(0, "versions_two")
    for _ in range(2):
        client.create_model_version(two, OTHER_SOURCE, OTHER_RUN, {"tier": "gold"})
    client.set_model_version_tag(one, "2", "tier", "silver")
    both = "name LIKE 'main.scenarios.versions%'"

    def find(condition: str, order_by: list[str] | None = None) -> list[str]:
        found = client.search_model_versions(condition, order_by=order_by)
        return [f"{version.name.rpartition('_')[2]}/{version.version}" for version in found]

    in_order = ["name ASC", "version_number DESC"]
    pages = all_pages(client.search_model_versions, filter_string=both, max_results=2, order_by=in_order)
    newest_first = all_pages(client.search_model_versions, filter_string=f"name='{one}'", max_results=2)
    client.delete_model_version(two, "1")
    return {
        "name =": find(f"name='{one}'", ["version_number ASC"]),
        "name !=": find(f"{both} AND name != '{one}'"),
        "name IN": find(f"name IN ('{one}', '{two}')", in_order),
        "run_id =": find(f"run_id = '{OTHER_RUN}'"),
        "run_id IN": find(f"run_id IN ('{OTHER_RUN}', 'nobody') AND name = '{two}'"),
        "source_path =": find(f"source_path = '{OTHER_SOURCE}'"),
        "version_number": find(f"name = '{one}' AND version_number > 1 AND version_number < 3"),
        "tag =": find(f"{both} AND tags.tier = 'gold'"),
        "tag !=": find(f"{both} AND tags.tier != 'gold'"),
        "none": find(f"name = '{one}' AND name = '{two}'"),
        "pages": [[version.version for version in page] for page in pages],
        "newest first": [[version.version for version in page] for page in newest_first],
        "refused": [
            refusal(client.search_model_versions, bad)
            for bad in ("stage = 'Production'", "name = 1", "version_number = 'x'", "run_id > 'a'", "name IN ()")
        ],
        "bad order": refusal(client.search_model_versions, both, order_by=["run_id"]),
        "bad page": [
            refusal(client.search_model_versions, both, max_results=0),
            refusal(client.search_model_versions, both, max_results=200_001),
            refusal(client.search_model_versions, both, page_token="nonsense"),
        ],
    }


def latest() -> dict[str, Any]:
    name, empty = model_with(5, "latest"), model_with(0, "empty")
    for number, stage in (("1", "Staging"), ("2", "Staging"), ("3", "Production")):
        client.transition_model_version_stage(name, number, stage)

    def of(*wanted: str) -> dict[str, str]:
        return {v.current_stage: v.version for v in client.get_latest_versions(name, list(wanted) or None)}

    model = client.get_registered_model(name)
    return {
        "all": of(),
        "one": of("Staging"),
        "in any case": of("PRODUCTION", "none"),
        "in none": of("Archived"),
        "of the model": {v.current_stage: v.version for v in model.latest_versions},
        "without versions": client.get_latest_versions(empty),
        "refused": [
            refusal(client.get_latest_versions, name, ["Limbo"]),
            refusal(client.get_latest_versions, "main.scenarios.nobody"),
        ],
    }


def moving() -> dict[str, Any]:
    """Stages."""
    name = model_with(4, "moved")
    named = [
        client.transition_model_version_stage(name, "1", stage).current_stage
        for stage in ("staging", "ARCHIVED", "none", "Staging", "Staging")
    ]
    client.transition_model_version_stage(name, "2", "staging", archive_existing_versions=False)
    beside = stages(name)
    client.transition_model_version_stage(name, "3", "STAGING", archive_existing_versions=True)
    instead = stages(name)
    client.transition_model_version_stage(name, "3", "production")
    client.transition_model_version_stage(name, "4", "Production", archive_existing_versions=True)
    before = client.get_model_version(name, "1").last_updated_timestamp
    client.transition_model_version_stage(name, "1", "None")
    return {
        "named": named,
        "beside": beside,
        "instead": instead,
        "in the end": stages(name),
        "is touched": client.get_model_version(name, "1").last_updated_timestamp > before,
        "refused": [
            refusal(client.transition_model_version_stage, name, "1", "Limbo"),
            refusal(client.transition_model_version_stage, name, "1", "None", archive_existing_versions=True),
            refusal(client.transition_model_version_stage, name, "1", "Archived", archive_existing_versions=True),
        ],
        "no such thing": [
            refusal(client.transition_model_version_stage, name, "9", "Staging"),
            refusal(client.transition_model_version_stage, "main.scenarios.nobody", "1", "Staging"),
        ],
    }


def copying() -> dict[str, Any]:
    name, target = model_with(2, "original"), "main.copies.target"
    client.set_model_version_tag(name, "1", "seen", "yes")
    client.update_model_version(name, "1", "the first")
    client.set_registered_model_alias(name, "best", "1")
    client.transition_model_version_stage(name, "1", "Staging")
    first = client.copy_model_version(f"models:/{name}/1", target)
    second = client.copy_model_version(f"models:/{name}@best", target)
    staged = client.copy_model_version(f"models:/{name}/Staging", target)
    again = client.copy_model_version(f"models:/{target}/1", "main.copies.again")
    inside = client.copy_model_version(f"models:/{name}/2", name)
    weights = mlflow.artifacts.load_text(f"{client.get_model_version_download_uri(target, '1')}/weights.txt")
    return {
        "first": [first.version, first.source, first.description, first.tags, first.run_id == RUN],
        "not copied": [list(first.aliases), first.current_stage],
        "second": [second.version, second.source],
        "staged": [staged.version, staged.source],
        "again": [again.name, again.version, again.source, again.run_id == RUN],
        "inside": [inside.version, inside.source],
        "weights": weights,
        "refused": [
            refusal(client.copy_model_version, f"models:/{name}/9", target),
            refusal(client.copy_model_version, "models:/main.scenarios.nobody/1", target),
            refusal(client.copy_model_version, f"runs:/{RUN}/model", target),
            refusal(client.copy_model_version, f"models:/{name}/1", "a/b"),
        ],
    }


def downloading() -> dict[str, Any]:
    name = model_with(1, "downloaded")
    client.create_model_version(name, OTHER_SOURCE)
    texts = [
        mlflow.artifacts.load_text(f"{client.get_model_version_download_uri(name, number)}/weights.txt")
        for number in ("1", "2")
    ]
    client.set_registered_model_alias(name, "best", "2")
    return {
        "texts": texts,
        "by alias": mlflow.artifacts.load_text(f"models:/{name}@best/weights.txt"),
        "refused": [
            refusal(client.get_model_version_download_uri, name, "9"),
            refusal(client.get_model_version_download_uri, "main.scenarios.nobody", "1"),
        ],
    }


SCENARIOS = (
    creating,
    renaming,
    describing,
    deleting,
    tagging,
    naming,
    registering,
    finding_models,
    finding_versions,
    latest,
    moving,
    copying,
    downloading,
)
print(json.dumps({scenario.__name__: scenario() for scenario in SCENARIOS}))
