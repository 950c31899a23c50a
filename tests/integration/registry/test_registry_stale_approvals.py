"""Approvals that do not count, or count no more: when the gate decides, and in the history of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from provenance_rig import NAME, TABLE, Rig
from registry_world import World

from fakes.runs import a_run, an_input
from harness.http import Answer
from pierhead.identity.services.directory import Accounts
from pierhead.kit.db import Database
from pierhead.kit.web.caller import Caller, PrincipalKind
from pierhead.registry.adapters.external_webhooks import ExternalWebhooks
from pierhead.registry.domain.gate import Scan, StageTarget
from pierhead.registry.domain.stages import Stage
from pierhead.registry.services.evidence import Evidences, Sources
from pierhead.registry.services.scans import Scans

PRODUCTION = StageTarget(Stage.PRODUCTION)
ACCESS = frozenset({"workspace-access"})
LEADS = frozenset({"ml-leads"})
LEA, LOU, ZOE = (Caller(name, name, LEADS, entitlements=ACCESS) for name in ("lea", "lou", "zoe"))
BOTH = Caller("all", "all", LEADS | {"admins"}, entitlements=ACCESS)
CALLERS = {
    "sam": Caller("sam", "sam", frozenset({"data-scientists"}), entitlements=ACCESS),
    "ci": Caller("ci", "ci", frozenset({"data-scientists"}), PrincipalKind.SERVICE_PRINCIPAL, "sam", ACCESS),
    "bot": Caller("bot", "bot", LEADS, PrincipalKind.SERVICE_PRINCIPAL, "lea", ACCESS),
    "ann": Caller("ann", "ann", frozenset({"admins"}), entitlements=ACCESS),
    **{lead.user_name: lead for lead in (LEA, LOU, ZOE, BOTH)},
}
TWO_LEADS = """\
name: two-leads
policies:
- name: production
  match: {models: ["main.*"], stages: [Production]}
  request: {groups: [data-scientists, ml-leads]}
  approve: {groups: [ml-leads], count: 2, distinct_from: [requester, author]}
  expires: 72h
  provenance: require_for_production
"""


@pytest.fixture
def gated(world: World) -> World:
    """A version that sam made, which two leads have to approve; everybody has an account."""
    return _prepare(world)


def _prepare(world: World) -> World:
    world.callers |= CALLERS
    with world.database.transaction() as connection:
        accounts = Accounts(connection, world.clock)
        accounts.create_user("sam", ["data-scientists"])
        for lead in (LEA, LOU, ZOE):
            accounts.create_user(lead.user_name, lead.groups)
        accounts.create_service_principal("bot", "lea", LEADS)
    world.create_model(NAME, by="sam")
    world.use_policies("two-leads", TWO_LEADS)
    return world


@pytest.fixture
def registered(gated: World) -> World:
    gated.register(NAME, by=CALLERS["sam"])
    return gated


def ask(world: World, by: str = "sam") -> None:
    _decide(world, "create", by)


def approve(world: World, by: str) -> str:
    """The stage that the version is in afterwards."""
    _decide(world, "approve", by, archive_existing_versions=False)
    return world.get(NAME, 1).stage.value


def _decide(world: World, what: str, by: str, **more: Any) -> Answer:
    # Else those who approve in one moment come in any order.
    world.clock.advance(1)
    body = {"name": NAME, "version": "1", "stage": "Production", **more}
    answer = world.call("POST", f"/api/2.0/mlflow/transition-requests/{what}", body, token=by)
    assert answer.status == 200, answer.text
    return answer


def history(world: World, name: str = NAME) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.call("GET", f"/api/2.0/pierhead/models/{name}/history").json()["history"]
    return found


def approvers(chapter: dict[str, Any]) -> list[str]:
    return [each["user_id"] for each in chapter["approvals"]]


def move(world: World, by: Caller, name: str = NAME, break_glass: str | None = None) -> None:
    with world.promotions(by) as promotions:
        promotions.move(name, 1, PRODUCTION, break_glass=break_glass)


def rename(world: World, new_name: str) -> None:
    world.clock.advance(1)
    with world.promotions(BOTH) as promotions:
        promotions.rename(NAME, new_name)


def test_a_stale_approval_is_left_out_of_the_history(registered: World) -> None:
    ask(registered)
    approve(registered, "lea")
    registered.evidence = replace(registered.evidence, provenance_digest="q" * 64)
    assert approve(registered, "lou") == "None"

    assert approve(registered, "zoe") == "Production"

    [chapter] = history(registered)
    assert approvers(chapter) == ["lou", "zoe"]


def test_an_approval_that_was_given_again_is_told_once_and_as_it_counted(registered: World) -> None:
    ask(registered)
    approve(registered, "lea")
    registered.evidence = replace(registered.evidence, provenance_digest="q" * 64)
    approve(registered, "lea")
    again = registered.clock.now()
    approve(registered, "lea")

    assert approve(registered, "lou") == "Production"

    [chapter] = history(registered)
    assert approvers(chapter) == ["lea", "lou"]
    assert chapter["approvals"][0]["timestamp"] == int(again.timestamp() * 1000)


def test_one_person_behind_two_accounts_is_told_once(registered: World) -> None:
    ask(registered)
    approve(registered, "bot")
    assert approve(registered, "lea") == "None"

    assert approve(registered, "lou") == "Production"

    [chapter] = history(registered)
    assert [(each["user_id"], each.get("person")) for each in chapter["approvals"]] == [("bot", "lea"), ("lou", None)]


def test_the_approval_of_who_left_the_leads_is_left_out_of_the_history(registered: World) -> None:
    ask(registered)
    approve(registered, "lea")
    with registered.database.transaction() as connection:
        accounts = Accounts(connection, registered.clock)
        accounts.leave(accounts.get("lea"), "ml-leads")
    assert approve(registered, "lou") == "None"

    assert approve(registered, "zoe") == "Production"

    [chapter] = history(registered)
    assert approvers(chapter) == ["lou", "zoe"]


def test_the_approval_of_a_service_principal_ends_with_its_owner(registered: World) -> None:
    ask(registered)
    approve(registered, "bot")
    with registered.database.transaction() as connection:
        accounts = Accounts(connection, registered.clock)
        accounts.deactivate(accounts.get("lea"))

    assert approve(registered, "lou") == "None"


def test_history_names_the_human_behind_a_request(registered: World) -> None:
    with registered.database.transaction() as connection:
        Accounts(connection, registered.clock).create_service_principal("ci", "sam", ["data-scientists"])
    ask(registered, "ci")
    approve(registered, "lea")
    approve(registered, "lou")

    [chapter] = history(registered)
    assert (chapter["requested"]["user_id"], chapter["requested"]["person"]) == ("ci", "sam")


def test_nobody_asked_for_a_direct_move_and_who_moved_approved(registered: World) -> None:
    registered.use_policies("default")
    move(registered, LEA)

    [chapter] = history(registered)
    assert chapter["requested"] is None
    assert approvers(chapter) == ["lea"]


def test_who_renames_a_live_model_approves_it_under_the_new_name_in_their_own(registered: World) -> None:
    registered.use_policies("default")
    ask(registered)
    approve(registered, "lea")
    rename(registered, "main.churn.other")

    [chapter] = history(registered, "main.churn.other")
    assert chapter["requested"] is None
    assert [(each["user_id"], each.get("person")) for each in chapter["approvals"]] == [("all", None)]
    [former] = history(registered)
    assert approvers(former) == ["lea"]


def test_a_rename_does_not_turn_a_broken_glass_into_an_approval(registered: World) -> None:
    registered.use_policies("glass", _WITH_GLASS)
    move(registered, CALLERS["ann"], break_glass="customers wait")
    rename(registered, "dev.churn.other")

    [chapter] = history(registered, "dev.churn.other")
    assert (chapter["approvals"], chapter["passed"]) == ([], False)


_WITH_GLASS = """\
name: glass
policies:
- name: production
  match: {models: ["main.*"], stages: [Production]}
  approve: {groups: [ml-leads]}
  direct: true
  break_glass: {groups: [admins], review_by: [ml-leads], review_within: 72h}
"""


class NoDangers:
    """A scan that finds nothing."""

    def scan(self, files: Sequence[tuple[Path, str]]) -> Scan:
        return Scan(len(files), ())


@pytest.fixture
def rig(tmp_path: Path, database: Database) -> Iterator[Rig]:
    """A registry whose gate knows what the run of a version says."""
    rig = Rig(tmp_path, database)
    world = rig.world
    evidences = Evidences(
        database,
        world.clock,
        world.artifacts,
        Sources(
            provenances=rig.provenances,
            scans=Scans(database, world.clock, world.artifacts, NoDangers()),
            runs=rig.runs,
            external=ExternalWebhooks(tmp_path / "external-checks.toml", world.clock),
            external_names=lambda _model: (),
        ),
    )
    world.gate = replace(world.gate, evidence=evidences.of, authors=evidences.authors, refresh=evidences.refresh)
    _prepare(world)
    yield rig
    world.close()


def test_run_inputs_added_after_an_approval_make_it_stale(rig: Rig) -> None:
    rig.table(versions=2)
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0), user="sam"))
    rig.register(by=CALLERS["sam"])
    ask(rig.world)
    assert approve(rig.world, "lea") == "None"
    rig.runs.add_input("r1", an_input("more", delta_table_name=TABLE, delta_table_version=1))

    assert approve(rig.world, "lou") == "None"

    assert approve(rig.world, "lea") == "Production"
    [chapter] = history(rig.world)
    assert approvers(chapter) == ["lou", "lea"]
    assert chapter["evidence"]["authors"] == ["sam"]
