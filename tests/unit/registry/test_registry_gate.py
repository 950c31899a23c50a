"""The gate under the shipped default policy: people, requests and conditions as tables."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fakes.gate import (
    ADA,
    DEFAULT,
    EVIDENCE,
    LEA,
    LOU,
    NOW,
    PRODUCTION,
    RIA,
    SAM,
    SOLO,
    SUBJECT,
    approval,
    codes,
    decide,
    endpoint,
    policies,
    request,
    without,
)
from pierhead.registry.domain.authorize import authorize_leaving, authorize_request
from pierhead.registry.domain.digests import content_digest
from pierhead.registry.domain.gate import (
    Actor,
    AliasTarget,
    Closed,
    Counted,
    Open,
    ProvenanceState,
    Report,
    Requestable,
    Scan,
    StageTarget,
    WasLive,
)
from pierhead.registry.domain.policy_yaml import parse_policies
from pierhead.registry.domain.stages import Stage

TWO = "approve: {groups: [ml-leads], count: 2}\nprovenance: off"
BOT = Actor("bot", "sam", frozenset({"ml-leads"}), may_move=True)
"""A service principal of the author's."""
LEADING_AUTHOR = Actor("sam", "sam", frozenset({"ml-leads"}), may_move=True)
RIGHTLESS_LEAD = Actor("lea", "lea", frozenset({"ml-leads"}), may_move=False)

OPEN: list[str] = []
BY_SAM, BY_LEA, EXPIRED = request(), request(by="lea"), request(at=NOW - timedelta(hours=73))


@pytest.mark.parametrize(
    ("actor", "asked", "expected"),
    [
        (LEA, None, OPEN),
        (LEA, BY_SAM, OPEN),
        (LEA, BY_LEA, ["requester", "approvals"]),
        (LEA, EXPIRED, ["request_expired"]),
        (LOU, BY_LEA, OPEN),
        (RIGHTLESS_LEAD, BY_SAM, ["permission"]),
        (LEADING_AUTHOR, None, ["author", "approvals"]),
        (LEADING_AUTHOR, BY_SAM, ["author", "requester", "approvals"]),
        (LEADING_AUTHOR, BY_LEA, ["author", "approvals"]),
        (BOT, None, ["author", "approvals"]),
        (BOT, BY_SAM, ["author", "requester", "approvals"]),
        (SAM, None, ["permission", "approver_group", "author", "approvals"]),
        (SAM, BY_SAM, ["permission", "approver_group", "author", "requester", "approvals"]),
        (ADA, None, ["approver_group", "approvals"]),
        (ADA, BY_SAM, ["approver_group", "approvals"]),
        (RIA, None, ["permission", "approver_group", "approvals"]),
        (RIA, BY_SAM, ["permission", "approver_group", "approvals"]),
    ],
)
@pytest.mark.parametrize(
    ("evidence", "unmet"),
    [
        (EVIDENCE, []),
        (without(has_signature=False), ["signature"]),
        (
            without(provenance=ProvenanceState.MISSING, provenance_message="the run logged no data set"),
            ["data_version"],
        ),
        (without(has_signature=False, provenance=ProvenanceState.PENDING), ["signature", "data_version"]),
    ],
)
def test_only_a_lead_who_is_neither_author_nor_requester_moves_good_versions_to_production(
    actor, asked, expected, evidence, unmet
):
    decision = decide(actor, asked=asked, evidence=evidence)
    assert codes(decision) == expected + unmet
    assert isinstance(decision, Closed if expected + unmet else Open)


def test_a_failed_check_alone_is_told_from_a_missing_right():
    decision = decide(LEA, evidence=without(has_signature=False))
    assert isinstance(decision, Closed)
    assert all(condition.is_check for condition in decision.conditions)
    decision = decide(SAM)
    assert isinstance(decision, Closed)
    assert not any(condition.is_check for condition in decision.conditions)


def test_a_refusal_says_who_could_approve_and_how_to_ask_them():
    decision = decide(SAM)
    assert isinstance(decision, Closed)
    assert decision.approvers == ("ml-leads",)
    assert "pierhead models request main.fraud.classifier 3 --to Production" in decision.remedy
    decision = decide(SAM, asked=BY_SAM)
    assert isinstance(decision, Closed)
    assert "pierhead models approve main.fraud.classifier 3 --to Production" in decision.remedy


def test_dangers_in_the_files_are_told_and_do_not_refuse_by_default():
    decision = decide(LEA, evidence=without(scan=Scan(2, ("model.pkl runs os.system",))))
    assert isinstance(decision, Open)
    assert decision.passed
    assert any("os.system" in note for note in decision.notes)


@pytest.mark.parametrize("alias", ["production", "Production", "PRODUCTION"])
def test_the_alias_production_is_the_stage_in_any_capitalisation(alias):
    assert isinstance(decide(SAM, target=AliasTarget(alias)), Closed)
    by_stage, by_alias = decide(LEA), decide(LEA, target=AliasTarget(alias))
    assert by_stage == by_alias


@pytest.mark.parametrize(("alias", "is_gated"), [("champion", True), ("Champion", True), ("shadow", False)])
def test_aliases_that_a_policy_names_are_gated_and_others_are_not(alias, is_gated):
    mover = Actor("sam", "sam", frozenset({"data-scientists"}), may_move=True)
    assert isinstance(decide(mover, target=AliasTarget(alias)), Closed if is_gated else Open)


def test_where_no_policy_speaks_rights_alone_decide():
    target = StageTarget(Stage.STAGING)
    decision = decide(LEA, target=target)
    assert isinstance(decision, Open)
    assert decision.policy is None
    decision = decide(RIA, target=target)
    assert isinstance(decision, Closed)
    assert codes(decision) == ["permission"]


@pytest.mark.parametrize(
    ("stage", "tags", "expected"),
    [
        (Stage.STAGING, {"environment": "production"}, ["from_stages"]),
        (Stage.STAGING, {"Environment": "PRODUCTION"}, ["from_stages"]),
        (Stage.PRODUCTION, {"environment": "production"}, OPEN),
        (Stage.STAGING, {"environment": "test"}, OPEN),
        (Stage.NONE, {}, OPEN),
    ],
)
def test_production_endpoints_serve_only_versions_in_production(stage, tags, expected):
    decision = decide(LEA, subject=replace(SUBJECT, stage=stage), target=endpoint(**tags))
    assert codes(decision) == expected


def test_an_unpromoted_version_under_a_production_endpoint_lacks_an_approval():
    decision = decide(LEA, target=endpoint(environment="production"))
    assert isinstance(decision, Closed)
    assert not decision.conditions[0].is_check
    assert decision.remedy.endswith("pierhead models request main.fraud.classifier 3 --to Production")


class TestTwoApprovals:
    """A policy that takes two leads."""

    both = policies(TWO)

    def test_the_first_approval_is_counted(self):
        decision = decide(LEA, by=self.both, asked=BY_SAM)
        assert isinstance(decision, Counted)
        assert decision.missing == 1

    def test_the_second_person_opens(self):
        asked = request(approvals=(approval(LOU, self.both),))
        assert isinstance(decide(LEA, by=self.both, asked=asked), Open)

    def test_one_person_counts_once(self):
        asked = request(approvals=(approval(LEA, self.both), approval(LEA, self.both)))
        decision = decide(LEA, by=self.both, asked=asked)
        assert isinstance(decision, Counted)
        assert decision.missing == 1

    def test_a_service_principal_of_an_approver_is_the_same_person(self):
        asked = request(approvals=(approval(LEA, self.both),))
        robot = Actor("lea-bot", "lea", frozenset({"ml-leads"}), may_move=True)
        assert isinstance(decide(robot, by=self.both, asked=asked), Counted)

    def test_nobody_moves_a_version_that_nobody_asked_for(self):
        assert codes(decide(LEA, by=self.both)) == ["request", "approvals"]

    @pytest.mark.parametrize(
        "changed",
        [
            {"files_digest": "0" * 64},
            {"provenance_digest": "0" * 64},
            {"scan": Scan(5, ())},
        ],
    )
    def test_an_approval_of_something_else_is_stale(self, changed):
        asked = request(approvals=(approval(LOU, self.both),))
        decision = decide(LEA, by=self.both, asked=asked, evidence=without(**changed))
        assert isinstance(decision, Counted)
        assert decision.missing == 1
        assert "is stale" in decision.notes[0]

    def test_an_approval_under_another_policy_is_stale(self):
        asked = request(approvals=(approval(LOU, policies(TWO + "\nexpires: 24h")),))
        assert isinstance(decide(LEA, by=self.both, asked=asked), Counted)

    @pytest.mark.parametrize("actor", [SAM, ADA, RIA, BOT])
    def test_approvals_of_outsiders_and_authors_do_not_count(self, actor):
        asked = request(by="ria", approvals=(approval(actor, self.both),))
        decision = decide(LEA, by=self.both, asked=asked)
        assert isinstance(decision, Counted)
        assert "does not count" in decision.notes[0]

    def test_an_approval_is_not_counted_while_a_check_fails(self):
        strict = policies(TWO + "\nchecks: [signature]")
        assert codes(decide(LEA, by=strict, asked=BY_SAM, evidence=without(has_signature=False))) == [
            "approvals",
            "signature",
        ]


def test_a_policy_can_want_somebody_else_to_ask_first():
    patient = policies("approve: {groups: [ml-leads]}\nprovenance: off")
    assert codes(decide(LEA, by=patient)) == ["request", "approvals"]
    assert isinstance(decide(LEA, by=patient, asked=BY_SAM), Open)


def test_four_eyes_can_be_waived_in_the_open():
    trusting = policies("approve: {groups: [ml-leads], distinct_from: []}\ndirect: true\nprovenance: off")
    assert isinstance(decide(LEADING_AUTHOR, by=trusting), Open)


def test_a_freeze_refuses_and_says_until_when():
    frozen = policies('approve: {groups: [ml-leads]}\nprovenance: off\nfreeze_windows: ["Wed 10:00-Wed 14:00 UTC"]')
    decision = decide(LEA, by=frozen, asked=BY_SAM)
    assert isinstance(decision, Closed)
    assert codes(decision) == ["freeze"]
    assert "until 2026-03-04 14:00 UTC" in decision.conditions[0].message
    assert isinstance(decide(LEA, by=frozen, asked=BY_SAM, now=NOW + timedelta(hours=2)), Open)


def test_the_first_policy_that_speaks_of_the_model_decides_alone():
    both = parse_policies(b"""
name: two
policies:
- {name: sandbox, match: {models: ["sandbox.*"], stages: [Production]}, provenance: off}
- {name: all, match: {stages: [Production]}, approve: {groups: [ml-leads]}}
""")
    sandbox = replace(SUBJECT, model_name="Sandbox.a.b")
    decision = decide(ADA, by=both, subject=sandbox)
    assert isinstance(decision, Open)
    assert decision.policy == "two/sandbox@0"
    assert isinstance(decide(ADA, by=both), Closed)


class TestSolo:
    """Everything is told, and nothing but a missing right refuses."""

    def test_the_author_alone_opens_and_every_promotion_says_so(self):
        decision = decide(Actor("sam", "sam", frozenset(), may_move=True), by=SOLO)
        assert isinstance(decision, Open)
        assert decision.notes == ("policy solo/production@1 warns and refuses nothing",)
        # Nobody else looked at it: under a stricter set later, this was no life to come back to.
        assert not decision.passed

    def test_unmet_checks_are_all_noted(self):
        evidence = without(has_signature=False, provenance=ProvenanceState.MISSING, scan=None)
        decision = decide(LEA, by=SOLO, evidence=evidence)
        assert isinstance(decision, Open)
        assert not decision.passed
        assert [note.split(":")[0] for note in decision.notes[1:]] == ["signature", "artifact_scan", "data_version"]

    def test_a_missing_right_still_refuses(self):
        assert codes(decide(RIA, by=SOLO)) == ["permission"]


class TestBreakGlass:
    """Admins go past the policy, with a reason, loudly."""

    def test_an_admin_with_a_reason_passes_and_is_reviewed(self):
        hurried = replace(ADA, break_glass="fraud wave, model 3 stops it")
        decision = decide(hurried, evidence=without(has_signature=False))
        assert isinstance(decision, Open)
        assert not decision.passed
        assert decision.notes[0].startswith("BREAK-GLASS: ada went past policy default/production@1")
        assert "fraud wave" in decision.notes[0]
        assert [note.split(":")[1].strip() for note in decision.notes[1:]] == [
            "approver_group",
            "approvals",
            "signature",
        ]
        assert decision.review is not None
        assert decision.review.groups == ("ml-leads",)
        assert decision.review.due == NOW + timedelta(hours=72)

    @pytest.mark.parametrize(
        ("actor", "reason", "last"),
        [(SAM, "please", "break_glass"), (LEADING_AUTHOR, "please", "break_glass"), (ADA, "  ", "break_glass")],
    )
    def test_others_and_those_without_a_reason_do_not(self, actor, reason, last):
        assert codes(decide(replace(actor, break_glass=reason)))[-1] == last

    def test_rights_cannot_be_broken(self):
        assert "permission" in codes(decide(replace(ADA, may_move=False, break_glass="now")))

    def test_nobody_breaks_what_has_no_glass(self):
        decision = decide(replace(ADA, break_glass="now"), by=policies(TWO))
        assert codes(decision)[-1] == "break_glass"

    def test_an_open_gate_is_not_broken(self):
        lead_and_admin = replace(LEA, groups=frozenset({"ml-leads", "admins"}), break_glass="just in case")
        decision = decide(lead_and_admin)
        assert isinstance(decision, Open)
        assert decision.review is None
        assert decision.passed


class TestRollback:
    """Back to what was live before: one lead, no new evidence."""

    before = WasLive("v3", content_digest(EVIDENCE), NOW - timedelta(days=30))

    def test_one_lead_suffices_even_the_author_and_with_nothing_measured(self):
        evidence = without(has_signature=False, scan=None)
        decision = decide(LEADING_AUTHOR, evidence=evidence, history=(self.before,))
        assert isinstance(decision, Open)
        assert decision.passed
        assert "fast way back" in decision.notes[0]

    @pytest.mark.parametrize("actor", [SAM, ADA, RIA, RIGHTLESS_LEAD])
    def test_others_need_the_whole_way(self, actor):
        assert isinstance(decide(actor, history=(self.before,)), Closed)

    @pytest.mark.parametrize(
        "life",
        [
            replace(before, version_id="v2"),
            replace(before, content_digest="0" * 64),
            replace(before, passed=False),
        ],
    )
    def test_another_version_other_content_or_a_life_that_never_passed_do_not_count(self, life):
        assert isinstance(decide(LEADING_AUTHOR, history=(life,)), Closed)

    def test_a_policy_can_limit_how_far_back(self):
        limited = policies("approve: {groups: [ml-leads]}\nprovenance: off\nrollback_within: 7d")
        assert isinstance(decide(LEA, by=limited, history=(self.before,)), Closed)
        recent = replace(self.before, at=NOW - timedelta(days=6))
        assert isinstance(decide(LEA, by=limited, history=(recent,)), Open)


class TestLeaving:
    """Taking a version away takes an approver, and nothing else."""

    @pytest.mark.parametrize(
        ("actor", "expected"),
        [
            (LEA, OPEN),
            (LEADING_AUTHOR, OPEN),
            (RIGHTLESS_LEAD, ["permission"]),
            (SAM, ["permission", "approver_group"]),
            (ADA, ["approver_group"]),
            (replace(ADA, break_glass="it harms people"), OPEN),
        ],
    )
    @pytest.mark.parametrize("target", [PRODUCTION, AliasTarget("PRODUCTION"), AliasTarget("champion")])
    def test_only_leads_take_versions_away_from_gated_places(self, actor, expected, target):
        assert codes(authorize_leaving(DEFAULT, SUBJECT, target, actor, NOW)) == expected

    def test_ungated_places_take_rights_alone(self):
        target = StageTarget(Stage.STAGING)
        assert isinstance(authorize_leaving(DEFAULT, SUBJECT, target, ADA, NOW), Open)
        assert isinstance(authorize_leaving(DEFAULT, SUBJECT, target, RIA, NOW), Closed)

    def test_solo_lets_everybody_who_has_the_right(self):
        assert isinstance(authorize_leaving(SOLO, SUBJECT, PRODUCTION, ADA, NOW), Open)


class TestAsking:
    """Who may ask, and what they are told."""

    @pytest.mark.parametrize("actor", [SAM, LEA, ADA])
    def test_members_of_the_asking_groups_may_ask_whatever_the_evidence(self, actor):
        asked = authorize_request(DEFAULT, SUBJECT, PRODUCTION, actor, without(has_signature=False), NOW)
        assert isinstance(asked, Requestable)
        assert [condition.code for condition in asked.unmet] == ["signature"]
        assert asked.expires_at == NOW + timedelta(hours=72)

    def test_a_reader_may_not_ask(self):
        asked = authorize_request(DEFAULT, SUBJECT, PRODUCTION, RIA, EVIDENCE, NOW)
        assert isinstance(asked, Closed)
        assert codes(asked) == ["requester_group"]

    def test_where_no_policy_speaks_anybody_may_ask(self):
        asked = authorize_request(DEFAULT, SUBJECT, StageTarget(Stage.STAGING), RIA, EVIDENCE, NOW)
        assert asked == Requestable(None, asked.subject_digest, (), None)  # type: ignore[union-attr]


def test_a_report_makes_approvals_stale_by_what_it_binds_and_not_by_its_age():
    asking = policies("approve: {groups: [ml-leads], count: 2}\nprovenance: off\nchecks: [external: {name: change}]")

    def evidence(digest: str, hour: int):
        return without(reports={"change": Report(True, "fine", NOW - timedelta(hours=hour), digest)})

    asked = request(approvals=(approval(LOU, asking, evidence=evidence("a", 2)),))
    assert isinstance(decide(LEA, by=asking, asked=asked, evidence=evidence("a", 1)), Open)
    assert isinstance(decide(LEA, by=asking, asked=asked, evidence=evidence("b", 1)), Counted)
