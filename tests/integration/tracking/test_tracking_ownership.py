"""Experiments have owners, owners have rights, and both follow the access control lists of the moment."""

import time
from typing import Any

import pytest
from sqlalchemy import delete

from integration.tracking.private_experiment import Experiment, make, rows, send
from integration.tracking.tracking_stack import TrackingStack
from pierhead.identity.domain.grantees import Grantee, GranteeType
from pierhead.identity.domain.levels import Entry, Level
from pierhead.identity.domain.objects import Kind
from pierhead.identity.store.permissions import PermissionStore, object_permissions
from pierhead.kit.db import Database, sqlite_url

MALLORY = Grantee(GranteeType.USER, "2")


def _give(stack: TrackingStack, experiment: str, level: Level | None) -> None:
    """`None` takes everything away from mallory."""
    database = Database(sqlite_url(stack.home.database))
    with database.transaction() as connection:
        connection.execute(delete(object_permissions).where(object_permissions.c.object_id == experiment))
        if level is not None:
            PermissionStore(connection).put((Entry(Kind.EXPERIMENT, experiment, MALLORY, level),))
    database.dispose()


def _post(stack: TrackingStack, path: str, body: Any, by: str) -> int:
    return send(stack, "POST", f"/api/2.0/mlflow/{path}", body, by=by).status


def _reads(stack: TrackingStack, own: Experiment) -> bool:
    return stack.ask("GET", f"/api/2.0/mlflow/runs/get?run_id={own.run}", by="mallory").status == 200


def _writes(stack: TrackingStack, own: Experiment) -> bool:
    return _post(stack, "runs/set-tag", {"run_id": own.run, "key": "a", "value": "b"}, "mallory") == 200


def _manages(stack: TrackingStack, own: Experiment) -> bool:
    return _post(stack, "experiments/update", {"experiment_id": own.id, "new_name": own.name}, "mallory") == 200


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (None, (False, False, False)),
        (Level.CAN_READ, (True, False, False)),
        (Level.CAN_EDIT, (True, True, False)),
        (Level.CAN_MANAGE, (True, True, True)),
    ],
)
def test_a_level_opens_an_experiment(
    stack: TrackingStack, level: Level | None, expected: tuple[bool, bool, bool]
) -> None:
    own = make(stack, "good")
    _give(stack, own.id, level)

    assert (_reads(stack, own), _writes(stack, own), _manages(stack, own)) == expected


def test_a_right_is_there_at_once_and_gone_within_a_second(stack: TrackingStack) -> None:
    own = make(stack, "good")
    assert not _reads(stack, own)

    _give(stack, own.id, Level.CAN_EDIT)
    assert _reads(stack, own)
    assert _writes(stack, own)

    _give(stack, own.id, None)
    time.sleep(1.1)
    assert not _reads(stack, own)
    assert not _writes(stack, own)


def test_who_makes_an_experiment_owns_it(stack: TrackingStack) -> None:
    own = make(stack, "mallory")

    shown = stack.ask("GET", f"/api/2.0/mlflow/experiments/get?experiment_id={own.id}", by="mallory").json()

    assert {"key": "pierhead.owner", "value": "mallory"} in shown["experiment"]["tags"]
    assert _manages(stack, own)


def test_making_one_needs_leave(stack: TrackingStack) -> None:
    for by in ("eve", "audrey"):
        assert _post(stack, "experiments/create", {"name": f"by {by}"}, by) == 403
    assert _post(stack, "experiments/create", {"name": "by root"}, "root") == 200


def test_nobody_names_another_owner(stack: TrackingStack) -> None:
    own = make(stack, "good")
    key = "pierhead.owner"
    owner = {"key": key, "value": "mallory"}
    before = rows(stack)

    for by in ("good", "root"):
        for method, path, body in (
            ("POST", "2.0/mlflow/experiments/create", {"name": "mine", "tags": [owner]}),
            ("POST", "2.0/mlflow/experiments/set-experiment-tag", {"experiment_id": own.id, **owner}),
            (
                "POST",
                "2.0/mlflow/experiments/delete-experiment-tag",
                {"experiment_id": own.id, "key": "pierhead.owner"},
            ),
            ("POST", "2.0/mlflow/runs/set-tag", {"run_id": own.run, **owner}),
            ("POST", "2.0/mlflow/runs/log-batch", {"run_id": own.run, "tags": [owner]}),
            ("POST", "2.0/mlflow/runs/delete-tag", {"run_id": own.run, "key": key}),
            ("POST", "2.0/mlflow/runs/create", {"experiment_id": own.id, "tags": [owner]}),
            ("POST", "2.0/mlflow/logged-models", {"experiment_id": own.id, "tags": [owner]}),
            ("PATCH", f"2.0/mlflow/logged-models/{own.model}/tags", {"tags": [owner]}),
            ("DELETE", f"2.0/mlflow/logged-models/{own.model}/tags/pierhead.owner", None),
            ("PATCH", f"3.0/mlflow/traces/{own.trace}/tags", owner),
            ("DELETE", f"3.0/mlflow/traces/{own.trace}/tags", {"key": key}),
            ("PATCH", f"2.0/mlflow/traces/{own.trace}", {"status": "OK", "tags": [owner]}),
        ):
            assert send(stack, method, f"/ajax-api/{path}", body, by=by).status == 403, path
    assert rows(stack) == before


def test_who_may_write_to_a_run_does_not_become_its_user(stack: TrackingStack) -> None:
    own = make(stack, "good")
    _give(stack, own.id, Level.CAN_MANAGE)
    tags = {name: {"key": "mlflow.user", "value": name} for name in ("ada", "mallory")}

    assert _post(stack, "runs/set-tag", {"run_id": own.run, **tags["mallory"]}, "mallory") == 403
    assert _post(stack, "runs/log-batch", {"run_id": own.run, "tags": [tags["mallory"]]}, "mallory") == 403
    assert _post(stack, "runs/delete-tag", {"run_id": own.run, "key": "mlflow.user"}, "mallory") == 403
    # Saying again what is so changes nothing.
    assert _post(stack, "runs/set-tag", {"run_id": own.run, **tags["ada"]}, "mallory") == 200
    run = stack.ask("GET", f"/api/2.0/mlflow/runs/get?run_id={own.run}").json()["run"]
    assert tags["ada"] in run["data"]["tags"]


def test_lists_show_what_may_be_read_in_pages_that_tell_nothing(stack: TrackingStack) -> None:
    for by in ("mallory", "good", "good", "mallory", "good", "mallory"):
        _post(stack, "experiments/create", {"name": f"page {by} {time.monotonic_ns()}"}, by)
    base = "/api/2.0/mlflow/experiments/search?order_by=name%20ASC&filter=name%20LIKE%20'page%25'"

    pages, token = [], ""
    while True:
        answer = stack.ask("GET", f"{base}&max_results=2&page_token={token}", by="mallory").json()
        pages.append([item["name"].rsplit(" ", 1)[0] for item in answer["experiments"]])
        token = answer.get("next_page_token", "")
        if not token:
            break

    assert pages == [["page mallory"] * 2, ["page mallory"]]
    everything = stack.ask("GET", f"{base}&max_results=100", by="audrey").json()["experiments"]
    assert len(everything) == 6
    hidden = stack.ask("GET", f"{base.replace('page', 'page%20good')}&max_results=1", by="mallory").json()
    assert hidden == {"experiments": []}


def test_a_list_is_asked_for_by_either_method_and_refuses_what_mlflow_refuses(stack: TrackingStack) -> None:
    make(stack, "mallory")
    for spelling in ("max_results", "maxResults"):
        found = send(stack, "POST", "/api/2.0/mlflow/experiments/search", {spelling: 1}, by="mallory").json()
        assert len(found["experiments"]) == 1
    for body in ({}, {"max_results": 0}, {"max_results": 10**9}, {"max_results": 5, "page_token": "x"}):
        assert _post(stack, "experiments/search", body, "mallory") == 400
    assert _post(stack, "experiments/search", {"max_results": 5, "filter": "nonsense"}, "mallory") == 400


def test_datasets_are_listed_to_who_may_read_all_their_experiments(stack: TrackingStack) -> None:
    first, second = make(stack, "mallory"), make(stack, "good")
    _give(stack, second.id, Level.CAN_EDIT)
    both = {"name": "both", "experiment_ids": [first.id, second.id]}
    made = send(stack, "POST", "/api/3.0/mlflow/datasets/create", both, by="mallory").json()["dataset"]["dataset_id"]

    def listed() -> list[str]:
        answer = stack.ask("GET", f"/api/3.0/mlflow/datasets/search?experiment_ids={first.id}", by="mallory").json()
        return [item["dataset_id"] for item in answer["datasets"]]

    assert sorted(listed()) == sorted([first.dataset, made])
    _give(stack, second.id, None)
    time.sleep(1.1)
    assert listed() == [first.dataset]
    assert stack.ask("GET", f"/api/3.0/mlflow/datasets/{made}", by="mallory").status == 403
