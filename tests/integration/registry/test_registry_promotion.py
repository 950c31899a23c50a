"""The gate at work: who moves what, through which use case, and what is remembered of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from registry_world import ADA, World
from sqlalchemy import delete

from pierhead.identity.domain.accounts import Account
from pierhead.identity.services.directory import Accounts
from pierhead.kit.db import metadata
from pierhead.kit.errors import AlreadyExists, Conflict, InvalidArgument, NotFound, PermissionDenied, PierheadError
from pierhead.kit.web.caller import Caller, PrincipalKind
from pierhead.registry.domain.activities import ActivityKind
from pierhead.registry.domain.gate import AliasTarget, StageTarget
from pierhead.registry.domain.models import Pending, VersionDraft
from pierhead.registry.domain.refusals import ChecksFailed, GateClosed
from pierhead.registry.domain.requests import RequestState
from pierhead.registry.domain.stages import Stage
from pierhead.registry.services.activities import Activities
from pierhead.registry.services.models import Models
from pierhead.registry.services.outcomes import Awaiting, Moved
from pierhead.registry.services.requests import Requests
from pierhead.registry.services.versions import Versions
from pierhead.registry.store.requests import RequestStore

MODEL = "main.fraud.classifier"
PRODUCTION, ARCHIVED = StageTarget(Stage.PRODUCTION), StageTarget(Stage.ARCHIVED)
STAGING = StageTarget(Stage.STAGING)
ACCESS = frozenset({"workspace-access"})

SAM = Caller("2", "sam", frozenset({"data-scientists"}), entitlements=ACCESS)
LEA = Caller("3", "lea", frozenset({"ml-leads"}), entitlements=ACCESS)
LOU = Caller("4", "lou", frozenset({"ml-leads"}), entitlements=ACCESS)
ANN = Caller("5", "ann", frozenset({"admins"}), entitlements=ACCESS)
RIA = Caller("6", "ria", frozenset())
BOT = Caller("7", "bot", frozenset({"ml-leads"}), PrincipalKind.SERVICE_PRINCIPAL, "sam", ACCESS)

TWO_LEADS = """\
name: two-leads
policies:
- name: production
  match: {models: ["main.*"], stages: [Production]}
  request: {groups: [data-scientists, ml-leads]}
  approve: {groups: [ml-leads], count: 2, distinct_from: [requester, author]}
  expires: 72h
  provenance: off
"""


@pytest.fixture
def gated(world: World) -> World:
    """Two versions that sam made, under the policy that ships."""
    world.create_model(MODEL)
    for _ in range(2):
        world.register(MODEL, by=SAM)
    world.use_policies("default")
    return world


def ask(world: World, number: int = 1, place: StageTarget | AliasTarget = PRODUCTION, by: Caller = SAM) -> None:
    with world.database.transaction() as connection:
        Requests(connection, by, world.gate).create(MODEL, number, place, "please")


def approve(
    world: World, by: Caller, number: int = 1, place: StageTarget | AliasTarget = PRODUCTION
) -> Moved | Awaiting:
    with world.promotions(by) as promotions:
        return promotions.approve(MODEL, number, place, comment="looks good")


def move(
    world: World, by: Caller, number: int = 1, stage: Stage = Stage.PRODUCTION, *, archive: bool = False
) -> Moved | Awaiting:
    with world.promotions(by) as promotions:
        return promotions.move(MODEL, number, StageTarget(stage), archive_existing=archive)


def stages(world: World) -> list[str]:
    with world.database.reading() as connection:
        return [version.stage.value for version in Versions(connection, world.clock).list_latest(MODEL, [])]


def stage(world: World, number: int) -> Stage:
    return world.get(MODEL, number).stage


def aliases(world: World, name: str = MODEL) -> dict[str, int]:
    with world.database.reading() as connection:
        return dict(Models(connection, world.clock).get(name).aliases)


def kinds(world: World, number: int) -> list[str]:
    with world.database.reading() as connection:
        version = Versions(connection, world.clock).get(MODEL, number)
        return [activity.kind.value for activity in Activities(connection, world.clock).list(version)]


def states(world: World, number: int = 1) -> list[RequestState]:
    with world.database.reading() as connection:
        version = Versions(connection, world.clock).get(MODEL, number)
        now = world.clock.now()
        return [request.state(now) for request in RequestStore(connection).list_for_version(version.id)]


def test_a_request_that_a_lead_approves_is_applied_and_told(gated: World) -> None:
    ask(gated)

    outcome = approve(gated, LEA)

    assert isinstance(outcome, Moved)
    assert outcome.activity is not None
    assert outcome.activity.kind is ActivityKind.APPLIED
    assert stage(gated, 1) is Stage.PRODUCTION
    assert kinds(gated, 1) == ["REQUESTED_TRANSITION", "APPROVED_REQUEST", "APPLIED_TRANSITION"]
    assert states(gated) == [RequestState.APPLIED]


def test_a_lead_who_moves_a_version_approves_what_somebody_asked_for(gated: World) -> None:
    ask(gated)

    move(gated, LEA)

    assert states(gated) == [RequestState.APPLIED]
    assert "APPROVED_REQUEST" in kinds(gated, 1)


@pytest.mark.parametrize(
    ("caller", "code"),
    [(SAM, "approver_group"), (RIA, "permission"), (ANN, "approver_group"), (BOT, "author")],
    ids=lambda value: value if isinstance(value, str) else value.user_name,
)
def test_who_is_no_lead_or_made_the_version_moves_nothing(gated: World, caller: Caller, code: str) -> None:
    ask(gated)
    attempts: list[Callable[[], object]] = [
        lambda: move(gated, caller),
        lambda: approve(gated, caller),
        lambda: _set_alias(gated, caller, "PRODUCTION"),
        lambda: _set_alias(gated, caller, "Champion"),
    ]
    for attempt in attempts:
        with pytest.raises(GateClosed, match=code):
            attempt()
    assert stage(gated, 1) is Stage.NONE
    assert aliases(gated) == {}


def test_a_refusal_says_everything_and_who_could_help(gated: World) -> None:
    gated.evidence = replace(gated.evidence, has_signature=False)
    with pytest.raises(GateClosed) as refused:
        move(gated, SAM)

    message = refused.value.message
    for part in (
        "approver_group",
        "signature",
        "Who could approve: group ml-leads",
        f"pierhead models request {MODEL} 1 --to Production",
        f'w.model_registry.create_transition_request("{MODEL}", "1", "Production")',
    ):
        assert part in message, message


def test_a_failed_check_alone_is_no_matter_of_rights(gated: World) -> None:
    gated.evidence = replace(gated.evidence, has_signature=False)
    ask(gated)

    with pytest.raises(ChecksFailed, match="signature"):
        approve(gated, LEA)

    assert states(gated) == [RequestState.OPEN]


def test_the_run_s_author_approves_nothing_either(gated: World) -> None:
    gated.authors["0123456789abcdef0123456789abcdef"] = frozenset({"lea"})

    with pytest.raises(GateClosed, match="author"):
        move(gated, LEA)
    move(gated, LOU)


def test_a_service_principal_asks_for_its_owner(gated: World) -> None:
    owned = Caller("8", "ci", frozenset({"data-scientists"}), PrincipalKind.SERVICE_PRINCIPAL, "lea", ACCESS)
    ask(gated, by=owned)

    with pytest.raises(GateClosed, match="requester"):
        approve(gated, LEA)
    approve(gated, LOU)


def test_a_version_that_a_service_principal_made_is_its_owner_s_work(gated: World) -> None:
    owned = Caller("8", "ci", frozenset({"data-scientists"}), PrincipalKind.SERVICE_PRINCIPAL, "lea", ACCESS)
    version = gated.register(MODEL, by=owned)

    with pytest.raises(GateClosed, match="author"):
        move(gated, LEA, version.number)


def test_an_approval_does_not_survive_a_change_of_the_evidence(gated: World) -> None:
    gated.enrol(LEA)
    gated.use_policies("two-leads", TWO_LEADS)
    ask(gated)
    first = approve(gated, LEA)
    assert isinstance(first, Awaiting)
    gated.evidence = replace(gated.evidence, provenance_digest="q" * 64)

    second = approve(gated, LOU)

    assert isinstance(second, Awaiting)
    assert stage(gated, 1) is Stage.NONE


@pytest.mark.parametrize("end", [lambda accounts, lea: accounts.leave(lea, "ml-leads"), Accounts.deactivate])
def test_the_approval_of_who_is_a_lead_no_more_does_not_count(
    gated: World, end: Callable[[Accounts, Account], None]
) -> None:
    gated.enrol(LEA)
    gated.use_policies("two-leads", TWO_LEADS)
    ask(gated)
    approve(gated, LEA)
    with gated.database.transaction() as connection:
        accounts = Accounts(connection, gated.clock)
        end(accounts, accounts.get("lea"))

    second = approve(gated, LOU)

    assert isinstance(second, Awaiting)
    assert stage(gated, 1) is Stage.NONE


def test_what_a_lead_asked_for_they_do_not_move_by_themselves(gated: World) -> None:
    ask(gated, by=LEA)

    with pytest.raises(GateClosed, match="lea asked for this"):
        move(gated, LEA)
    assert stage(gated, 1) is Stage.NONE
    assert isinstance(move(gated, LOU), Moved)


def test_a_copy_has_the_authors_of_what_it_is_a_copy_of(gated: World) -> None:
    gated.create_model("main.fraud.draft", by="lea")
    gated.register("main.fraud.draft", "models:/m-lea", by=LEA)
    copy = gated.register(MODEL, "models:/main.fraud.draft/1", by=SAM)
    with gated.promotions(LEA) as promotions:
        promotions.rename("main.fraud.draft", "main.fraud.hidden")

    with pytest.raises(GateClosed, match="lea made this version"):
        move(gated, LEA, copy.number)
    assert isinstance(move(gated, LOU, copy.number), Moved)


def test_a_copy_keeps_its_authors_when_the_original_is_gone(gated: World) -> None:
    gated.create_model("main.fraud.draft", by="lea")
    gated.register("main.fraud.draft", "models:/m-lea", by=LEA)
    gated.register("main.fraud.again", "models:/main.fraud.draft/1", by=SAM)
    copy = gated.register(MODEL, "models:/main.fraud.again/1", by=SAM)
    for name in ("main.fraud.draft", "main.fraud.again"):
        gated.registrations.delete_model(name, by=ADA)

    with pytest.raises(GateClosed, match="lea made this version"):
        move(gated, LEA, copy.number)


def test_who_copies_a_version_does_not_become_an_author_of_the_original(gated: World) -> None:
    gated.clock.advance(1)
    gated.register("main.fraud.copy", f"models:/{MODEL}/1", by=LEA)

    assert isinstance(move(gated, LEA), Moved)


def test_of_two_leads_the_second_moves_it(gated: World) -> None:
    gated.enrol(LEA, LOU)
    gated.use_policies("two-leads", TWO_LEADS)
    ask(gated)

    first = approve(gated, LEA)
    assert isinstance(first, Awaiting)
    assert (first.missing, first.activity.kind, stage(gated, 1)) == (1, ActivityKind.APPROVED, Stage.NONE)
    again = approve(gated, LEA)
    assert isinstance(again, Awaiting)
    assert isinstance(approve(gated, LOU), Moved)
    assert stage(gated, 1) is Stage.PRODUCTION


def test_two_leads_at_once_apply_once(gated: World) -> None:
    ask(gated)

    def try_to_approve(caller: Caller) -> str:
        try:
            approve(gated, caller)
        except Conflict as error:
            return error.message
        return "applied"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(try_to_approve, (LEA, LOU)), key=len)

    assert answers[0] == "applied"
    assert "any more: the last one, by sam, was applied by" in answers[1]
    assert kinds(gated, 1).count("APPLIED_TRANSITION") == 1


def test_two_leads_that_move_at_once_move_once(gated: World) -> None:
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda caller: move(gated, caller), (LEA, LOU)))

    assert sorted(isinstance(each, Moved) and each.activity is None for each in outcomes) == [False, True]
    assert kinds(gated, 1).count("APPLIED_TRANSITION") == 1


def test_many_leads_setting_the_alias_leave_one_version_live(gated: World) -> None:
    for _ in range(4):
        gated.register(MODEL, by=SAM)

    def set_it(number: int) -> None:
        with gated.promotions(LEA if number % 2 else LOU) as promotions:
            promotions.set_alias(MODEL, "production", number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(set_it, range(1, 7)))

    live = [number for number in range(1, 7) if stage(gated, number) is Stage.PRODUCTION]
    assert aliases(gated) == {"production": live[0]}
    assert len(live) == 1


def _set_alias(world: World, by: Caller, alias: str, number: int = 1) -> None:
    with world.promotions(by) as promotions:
        promotions.set_alias(MODEL, alias, number)


def test_production_and_its_alias_are_one_state(gated: World) -> None:
    _set_alias(gated, LEA, "Production")
    assert stage(gated, 1) is Stage.PRODUCTION
    assert gated.get(MODEL, 1).aliases == ("production",)

    _set_alias(gated, LEA, "PRODUCTION", 2)
    assert [stage(gated, 1), stage(gated, 2)] == [Stage.ARCHIVED, Stage.PRODUCTION]
    with gated.database.reading() as connection:
        assert Versions(connection, gated.clock).get_by_alias(MODEL, "pRoDuCtIoN").number == 2

    with gated.promotions(LEA) as promotions:
        promotions.delete_alias(MODEL, "production")
    assert [stage(gated, 1), stage(gated, 2)] == [Stage.ARCHIVED, Stage.ARCHIVED]
    assert aliases(gated) == {}


def test_of_several_in_production_the_alias_follows_the_one_that_came_last(gated: World) -> None:
    move(gated, LEA, 2)
    move(gated, LEA, 1)
    assert aliases(gated) == {"production": 1}

    move(gated, LEA, 1, Stage.ARCHIVED)
    assert aliases(gated) == {"production": 2}


def test_whoever_takes_a_place_archives_who_was_there(gated: World) -> None:
    move(gated, LEA, 1)
    move(gated, LEA, 2, archive=True)

    assert [stage(gated, 1), stage(gated, 2)] == [Stage.ARCHIVED, Stage.PRODUCTION]
    assert kinds(gated, 1)[-1] == "SYSTEM_TRANSITION"


def test_an_alias_that_no_policy_names_is_a_matter_of_rights(gated: World) -> None:
    _set_alias(gated, ANN, "candidate")
    assert aliases(gated) == {"candidate": 1}
    with pytest.raises(GateClosed, match="CAN_MANAGE_STAGING_VERSIONS"):
        _set_alias(gated, RIA, "candidate", 2)
    with gated.promotions(ANN) as promotions:
        promotions.delete_alias(MODEL, "candidate")
    assert aliases(gated) == {}


def test_taking_a_live_version_away_is_a_lead_s_business(gated: World) -> None:
    move(gated, LEA)
    attempts: list[Callable[[], object]] = [
        lambda: move(gated, ANN, 1, Stage.ARCHIVED),
        lambda: move(gated, ANN, 1, Stage.STAGING),
        lambda: _delete_alias(gated, ANN, "Production"),
        lambda: gated.registrations.delete_version(MODEL, 1, by=ANN),
        lambda: gated.registrations.delete_model(MODEL, by=ANN),
        lambda: _rename(gated, ANN, "main.fraud.other"),
        lambda: _set_alias(gated, ANN, "production", 2),
    ]
    for attempt in attempts:
        with pytest.raises(GateClosed):
            attempt()
    assert stage(gated, 1) is Stage.PRODUCTION

    gated.registrations.delete_version(MODEL, 1, by=LEA)
    assert aliases(gated) == {}


def _delete_alias(world: World, by: Caller, alias: str) -> None:
    with world.promotions(by) as promotions:
        promotions.delete_alias(MODEL, alias)


def _rename(world: World, by: Caller, new_name: str, name: str = MODEL) -> None:
    with world.promotions(by) as promotions:
        promotions.rename(name, new_name)


def test_a_gated_name_is_not_taken_by_renaming_a_model_that_is_live_elsewhere(world: World) -> None:
    world.use_policies("two-leads", TWO_LEADS)
    world.register("dev.fraud.classifier", by=SAM)
    with world.promotions(ANN) as promotions:
        promotions.move("dev.fraud.classifier", 1, PRODUCTION)

    with pytest.raises(GateClosed, match="main"):
        _rename(world, LEA, MODEL, "dev.fraud.classifier")
    _rename(world, LEA, "dev.fraud.other", "dev.fraud.classifier")
    assert aliases(world, "dev.fraud.other") == {"production": 1}


def test_what_is_staged_is_let_in_under_a_name_whose_staging_is_gated(world: World) -> None:
    world.create_model("dev.fraud.other", by="sam")
    world.register("dev.fraud.other", by=SAM)
    world.use_policies("staged", TWO_LEADS.replace("two-leads", "staged").replace("[Production]", "[Staging]"))
    with world.promotions(SAM) as promotions:
        promotions.move("dev.fraud.other", 1, STAGING)

    with pytest.raises(GateClosed, match="cannot go to stage Staging"):
        _rename(world, ANN, MODEL, "dev.fraud.other")
    _rename(world, ANN, "dev.fraud.free", "dev.fraud.other")


def test_a_model_that_takes_a_freed_name_inherits_nothing(gated: World) -> None:
    ask(gated)
    _rename(gated, ANN, "main.fraud.old")
    gated.register(MODEL, by=SAM)

    with pytest.raises(NotFound, match="no open request"):
        approve(gated, LEA)
    with gated.promotions(LEA) as promotions:
        promotions.approve("main.fraud.old", 1, PRODUCTION)
    assert stage(gated, 1) is Stage.NONE


def test_a_deleted_model_leaves_no_request_to_its_successor(gated: World) -> None:
    ask(gated)
    gated.registrations.delete_model(MODEL, by=ANN)
    gated.register(MODEL, by=SAM)

    with pytest.raises(NotFound, match="no open request"):
        approve(gated, LEA)
    assert states(gated) == []


def test_a_copy_takes_no_right_along(gated: World) -> None:
    move(gated, LEA)
    copy = gated.register("main.fraud.copy", f"models:/{MODEL}@production", by=SAM)

    assert (copy.stage, copy.aliases) == (Stage.NONE, ())
    with gated.promotions(SAM) as promotions, pytest.raises(GateClosed):
        promotions.move("main.fraud.copy", 1, PRODUCTION)


def test_a_copy_of_what_one_may_not_read_is_refused(gated: World) -> None:
    gated.create_model("main.fraud.copy")
    with gated.database.transaction() as connection:
        for name in ("object_permissions", "grants"):
            connection.execute(delete(metadata.tables[name]))

    with pytest.raises(PermissionDenied, match="read"):
        gated.register("main.fraud.copy", f"models:/{MODEL}/1", by=RIA)


@pytest.mark.parametrize("key", ["pierhead.approved", "Pierhead.Approved", "PIERHEAD.x"])
def test_nobody_writes_a_tag_that_reads_as_an_approval(gated: World, key: str) -> None:
    with gated.database.transaction() as connection:
        models, versions = Models(connection, gated.clock), Versions(connection, gated.clock)
        attempts: list[Callable[[], object]] = [
            lambda: models.set_tag(MODEL, key, "yes"),
            lambda: models.delete_tag(MODEL, key),
            lambda: models.create("main.fraud.tagged", by="ada", tags={key: "yes"}),
            lambda: versions.set_tag(MODEL, 1, key, "yes", by="ada"),
            lambda: versions.delete_tag(MODEL, 1, key),
            lambda: versions.add(VersionDraft(MODEL, "x", tags={key: "yes"}), Pending(), by=ADA),
        ]
        for attempt in attempts:
            with pytest.raises(PermissionDenied, match="is reserved"):
                attempt()


def test_the_way_back_to_what_was_live_takes_one_lead_and_no_new_evidence(gated: World) -> None:
    ask(gated)
    approve(gated, LEA)
    move(gated, LEA, 2, archive=True)
    gated.evidence = replace(gated.evidence, has_signature=False)

    move(gated, LOU, 1, archive=True)

    assert stage(gated, 1) is Stage.PRODUCTION


def test_the_glass_is_broken_loudly_by_who_may(gated: World) -> None:
    with gated.promotions(SAM) as promotions, pytest.raises(GateClosed, match="break_glass"):
        promotions.move(MODEL, 1, PRODUCTION, break_glass="customers wait")

    with gated.promotions(ANN) as promotions:
        outcome = promotions.move(MODEL, 1, PRODUCTION, break_glass="customers wait")

    assert isinstance(outcome, Moved)
    assert outcome.activity is not None
    assert "BREAK-GLASS: ann" in (outcome.activity.system_comment or "")


def test_the_solo_policy_says_so(world: World) -> None:
    world.evidence = replace(world.evidence, has_signature=False)
    world.register(MODEL, by=ANN)

    outcome = move(world, ANN)

    assert isinstance(outcome, Moved)
    assert outcome.activity is not None
    assert "solo" in (outcome.activity.system_comment or "")
    assert "signature" in (outcome.activity.system_comment or "")


def test_a_repeated_move_changes_nothing_and_is_no_way_around_rights(gated: World) -> None:
    move(gated, LEA)

    again = move(gated, LEA)

    assert isinstance(again, Moved)
    assert again.activity is None
    with pytest.raises(PermissionDenied):
        move(gated, RIA)


def test_a_request_is_made_once_and_not_by_readers(gated: World) -> None:
    ask(gated)
    with pytest.raises(AlreadyExists, match="already"):
        ask(gated)
    with pytest.raises(PermissionDenied, match="may read model"):
        ask(gated, by=RIA)
    ask(gated, by=LEA)
    with pytest.raises(NotFound):
        ask(gated, 9)


def test_nobody_asks_for_what_is_so_already(gated: World) -> None:
    move(gated, LEA)

    with pytest.raises(InvalidArgument, match="already"):
        ask(gated)


def test_a_request_ends_by_itself(gated: World) -> None:
    ask(gated)
    gated.clock.advance(72 * 3600)

    assert states(gated) == [RequestState.EXPIRED]
    with pytest.raises(Conflict, match="was expired"):
        approve(gated, LEA)
    ask(gated)
    approve(gated, LEA)


def test_a_rejected_request_is_over(gated: World) -> None:
    ask(gated)
    with gated.database.transaction() as connection, pytest.raises(PermissionDenied):
        Requests(connection, RIA, gated.gate).reject(MODEL, 1, PRODUCTION, None)
    with gated.database.transaction() as connection:
        activity = Requests(connection, LEA, gated.gate).reject(MODEL, 1, PRODUCTION, "not yet")

    assert (activity.kind, activity.comment) == (ActivityKind.REJECTED, "not yet")
    assert states(gated) == [RequestState.REJECTED]
    with pytest.raises(Conflict, match="rejected by lea"):
        approve(gated, LEA)


def test_who_asked_takes_it_back_and_nobody_else(gated: World) -> None:
    ask(gated)
    other = Caller("9", "sue", frozenset({"data-scientists"}), entitlements=ACCESS)
    with gated.database.transaction() as connection, pytest.raises(PermissionDenied, match="sam's"):
        Requests(connection, other, gated.gate).cancel(MODEL, 1, PRODUCTION, "sam", None)
    with gated.database.transaction() as connection:
        Requests(connection, SAM, gated.gate).cancel(MODEL, 1, PRODUCTION, "sam", None)

    assert states(gated) == [RequestState.CANCELLED]


def test_the_request_of_somebody_else_for_the_same_move_is_over_too(gated: World) -> None:
    ask(gated)
    ask(gated, by=replace(SAM, user_id="9", user_name="sue"))

    approve(gated, LEA)

    assert states(gated) == [RequestState.APPLIED, RequestState.SUPERSEDED]


def test_a_gated_alias_can_be_asked_for_like_a_stage(gated: World) -> None:
    champion = AliasTarget("champion")
    ask(gated, place=champion)

    approve(gated, LEA, place=champion)

    assert aliases(gated) == {"champion": 1}
    assert stage(gated, 1) is Stage.NONE


def test_a_refused_move_leaves_no_trace_in_the_registry(gated: World) -> None:
    before = gated.get(MODEL, 1)
    with pytest.raises(PierheadError):
        move(gated, SAM)

    assert gated.get(MODEL, 1) == before
    assert kinds(gated, 1) == []


def test_leaving_production_for_staging_passes_both_gates(gated: World) -> None:
    move(gated, LEA)
    move(gated, LEA, 1, Stage.STAGING)

    assert stage(gated, 1) is Stage.STAGING
    assert aliases(gated) == {}
