"""What holds of the gate whatever the people, the requests and the evidence are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from fakes.gate import DEFAULT, EVIDENCE, LEA, LOU, NOW, PRODUCTION, SOLO, SUBJECT, decide
from pierhead.registry.domain.authorize import authorize_leaving
from pierhead.registry.domain.check_records import NoParams, ScanParams
from pierhead.registry.domain.digests import subject_digest
from pierhead.registry.domain.gate import (
    Actor,
    AliasTarget,
    Approval,
    Closed,
    Counted,
    Evaluation,
    Evidence,
    Open,
    ProvenanceState,
    Report,
    Request,
    Scan,
    Subject,
    WasLive,
)
from pierhead.registry.domain.policies import Approve, CheckUse, Mode, PolicySet
from pierhead.registry.domain.windows import FreezeWindow

PERSONS = st.sampled_from(["sam", "lea", "lou", "ada"])
GROUPS = st.frozensets(st.sampled_from(["ml-leads", "data-scientists", "admins"]))
DIGESTS = st.sampled_from(["a" * 64, "b" * 64])

actors = st.sampled_from([LEA, LOU]) | st.builds(
    Actor,
    name=PERSONS,
    person=PERSONS,
    groups=GROUPS,
    may_move=st.booleans(),
    break_glass=st.none(),
)
subjects = st.builds(lambda authors: replace(SUBJECT, authors=authors), st.frozensets(PERSONS, min_size=1))
evidences = st.just(EVIDENCE) | st.builds(
    Evidence,
    files_digest=DIGESTS,
    has_signature=st.booleans(),
    provenance=st.sampled_from(ProvenanceState),
    provenance_message=st.just("why"),
    provenance_digest=st.none() | DIGESTS,
    scan=st.none() | st.builds(Scan, st.just(1), st.sampled_from([(), ("danger",)])),
)


def sets(mode: Mode) -> st.SearchStrategy[PolicySet]:
    """The shipped default with other counts, checks and direct moves."""
    checks = (
        CheckUse("signature", NoParams()),
        CheckUse("data_version", NoParams()),
        CheckUse("artifact_scan", ScanParams(())),
    )

    def build(count: int, direct: bool, used: frozenset[int]) -> PolicySet:
        policy = replace(
            DEFAULT.policies[0],
            mode=mode,
            approve=Approve(frozenset({"ml-leads"}), count),
            direct=direct,
            checks=tuple(checks[place] for place in sorted(used)),
        )
        return PolicySet("drawn", 1, (policy,))

    return st.builds(build, st.integers(1, 3), st.booleans(), st.frozensets(st.integers(0, 2)))


@st.composite
def requests(draw: st.DrawFn, of: PolicySet, subject: Subject, evidence: Evidence) -> Request | None:
    """Requests whose approvals are for this evidence or for another."""
    right = subject_digest(subject, PRODUCTION, evidence, of.policies[0])
    approvals = draw(
        st.lists(
            st.builds(Approval, PERSONS, GROUPS, st.just(NOW), st.sampled_from([right, "0" * 64])),
            max_size=4,
        )
    )
    asked_at = NOW - timedelta(hours=draw(st.integers(0, 100)))
    return draw(st.none() | st.just(Request("r", draw(PERSONS), asked_at, tuple(approvals))))


@given(st.data())
def test_without_a_lead_nothing_opens(data):
    of, subject, evidence = data.draw(sets(Mode.ENFORCE)), data.draw(subjects), data.draw(evidences)
    asked, actor = data.draw(requests(of, subject, evidence)), data.draw(actors)
    actor = replace(actor, groups=actor.groups - {"ml-leads"})
    assert isinstance(decide(actor, by=of, subject=subject, asked=asked, evidence=evidence), Closed)


@given(st.data())
def test_an_open_gate_had_enough_good_approvers_and_all_that_was_asked_for(data):
    of, subject, evidence = data.draw(sets(Mode.ENFORCE)), data.draw(subjects), data.draw(evidences)
    asked, actor = data.draw(requests(of, subject, evidence)), data.draw(actors)
    if not isinstance(decide(actor, by=of, subject=subject, asked=asked, evidence=evidence), Open):
        return
    assert actor.may_move
    policy = of.policies[0]
    right = subject_digest(subject, PRODUCTION, evidence, policy)
    good = {
        person
        for person, groups in [(actor.person, actor.groups)]
        + ([(each.person, each.groups) for each in asked.approvals if each.subject_digest == right] if asked else [])
        if "ml-leads" in groups and person not in subject.authors and (asked is None or person != asked.requester)
    }
    assert policy.approve is not None
    assert len(good) >= policy.approve.count
    assert actor.person in good
    used = {use.name for use in policy.checks}
    assert "signature" not in used or evidence.has_signature
    assert "data_version" not in used or evidence.provenance is ProvenanceState.COMPLETE
    assert "artifact_scan" not in used or (evidence.scan is not None and not evidence.scan.dangers)


@given(st.data())
def test_the_author_never_approves(data):
    of, evidence, actor = data.draw(sets(Mode.ENFORCE)), data.draw(evidences), data.draw(actors)
    subject = replace(SUBJECT, authors=frozenset({actor.person}))
    asked = data.draw(requests(of, subject, evidence))
    assert isinstance(decide(actor, by=of, subject=subject, asked=asked, evidence=evidence), Closed)


@given(st.data())
def test_the_requester_never_approves(data):
    of, subject, evidence = data.draw(sets(Mode.ENFORCE)), data.draw(subjects), data.draw(evidences)
    actor, asked = data.draw(actors), data.draw(requests(of, subject, evidence)) or Request("r", "ria", NOW, ())
    own = replace(asked, requester=actor.person)
    assert isinstance(decide(actor, by=of, subject=subject, asked=own, evidence=evidence), Closed)


@given(st.data())
def test_approvals_for_another_digest_are_as_good_as_none(data):
    of, subject, evidence = data.draw(sets(Mode.ENFORCE)), data.draw(subjects), data.draw(evidences)
    asked, actor = data.draw(requests(of, subject, evidence)) or Request("r", "ria", NOW, ()), data.draw(actors)
    stale = replace(asked, approvals=tuple(replace(each, subject_digest="0" * 64) for each in asked.approvals))
    bare = replace(asked, approvals=())
    ways = [decide(actor, by=of, subject=subject, asked=each, evidence=evidence) for each in (stale, bare)]
    assert type(ways[0]) is type(ways[1])
    if isinstance(ways[0], Counted):
        assert ways[0].missing == ways[1].missing


@given(st.data())
def test_worse_evidence_never_opens(data):
    of, subject, evidence = data.draw(sets(Mode.ENFORCE)), data.draw(subjects), data.draw(evidences)
    actor = data.draw(actors)
    worse = data.draw(
        st.sampled_from(
            [
                replace(evidence, has_signature=False),
                replace(evidence, provenance=ProvenanceState.INVALID),
                replace(evidence, scan=None),
                replace(evidence, scan=Scan(1, ("danger",))),
            ]
        )
    )
    before = decide(actor, by=of, subject=subject, evidence=evidence)
    after = decide(actor, by=of, subject=subject, evidence=worse)
    assert not isinstance(after, Open) or isinstance(before, Open)


@given(st.data(), st.integers(0, 2))
def test_another_check_never_opens(data, place):
    of, subject, evidence = data.draw(sets(Mode.ENFORCE)), data.draw(subjects), data.draw(evidences)
    actor = data.draw(actors)
    policy = of.policies[0]
    more = (
        CheckUse("signature", NoParams()),
        CheckUse("data_version", NoParams()),
        CheckUse("artifact_scan", ScanParams(())),
    )
    stricter = replace(of, policies=(replace(policy, checks=(*policy.checks, more[place])),))
    before = decide(actor, by=of, subject=subject, evidence=evidence)
    after = decide(actor, by=stricter, subject=subject, evidence=evidence)
    assert not isinstance(after, Open) or isinstance(before, Open)


@given(st.data())
def test_mode_warn_refuses_only_a_missing_right_and_notes_all_else(data):
    strict, subject, evidence = data.draw(sets(Mode.ENFORCE)), data.draw(subjects), data.draw(evidences)
    asked, actor = data.draw(requests(strict, subject, evidence)), data.draw(actors)
    soft = replace(strict, policies=(replace(strict.policies[0], mode=Mode.WARN),))
    hard = decide(actor, by=strict, subject=subject, asked=asked, evidence=evidence)
    decision = decide(actor, by=soft, subject=subject, asked=asked, evidence=evidence)
    assert isinstance(decision, Open) is actor.may_move
    if isinstance(decision, Open) and isinstance(hard, Closed):
        assert not decision.passed
        # Approvals are bound to the policy, so that those given under the strict one do not count under the soft one.
        wanted = [each for each in hard.conditions if each.code != "approvals"]
        assert all(f"{each.code}: {each.message}" in decision.notes for each in wanted)


@given(evidences, actors)
def test_solo_opens_for_everybody_who_has_the_right(evidence, actor):
    assert isinstance(decide(actor, by=SOLO, evidence=evidence), Open) is actor.may_move


@given(st.data(), st.sampled_from(["production", "champion"]))
def test_the_capitalisation_of_an_alias_changes_nothing(data, alias):
    spelled = "".join(data.draw(st.sampled_from([letter.upper(), letter])) for letter in alias)
    evidence, actor = data.draw(evidences), data.draw(actors)
    assert decide(actor, target=AliasTarget(spelled), evidence=evidence) == decide(
        actor, target=AliasTarget(alias), evidence=evidence
    )
    assert authorize_leaving(DEFAULT, SUBJECT, AliasTarget(spelled), actor, NOW) == authorize_leaving(
        DEFAULT, SUBJECT, AliasTarget(alias), actor, NOW
    )


@given(evidences, evidences)
def test_different_evidence_has_different_digests(one, other):
    (policy, _) = DEFAULT.policies
    digests = [subject_digest(SUBJECT, PRODUCTION, each, policy) for each in (one, other)]
    assert (digests[0] == digests[1]) is (one == other)


@given(st.permutations([Evaluation("a", 0.1, None, None, NOW), Evaluation("b", float("nan"), "d", "1", NOW)]))
def test_the_order_of_evaluations_does_not_matter(evaluations):
    (policy, _) = DEFAULT.policies
    some = replace(EVIDENCE, evaluations=tuple(evaluations))
    again = replace(EVIDENCE, evaluations=tuple(reversed(evaluations)))
    assert subject_digest(SUBJECT, PRODUCTION, some, policy) == subject_digest(SUBJECT, PRODUCTION, again, policy)


@given(st.text(), st.booleans())
def test_reports_that_the_policy_does_not_read_do_not_matter(name, passed):
    (policy, _) = DEFAULT.policies
    with_report = replace(EVIDENCE, reports={name: Report(passed, "", NOW)})
    assert subject_digest(SUBJECT, PRODUCTION, with_report, policy) == subject_digest(
        SUBJECT, PRODUCTION, EVIDENCE, policy
    )


@given(actors, st.sampled_from(["v3", "v2"]), DIGESTS, st.booleans())
def test_a_way_back_takes_a_lead_with_the_right(actor, version_id, content, passed):
    history = (WasLive(version_id, content, NOW - timedelta(days=1), passed),)
    bad = replace(EVIDENCE, has_signature=False)
    decision = decide(actor, evidence=bad, history=history)
    assert not isinstance(decision, Open)


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)).map(
    lambda each: each.replace(tzinfo=UTC, microsecond=0)
)


@given(st.integers(0, 10079), st.integers(0, 10079), st.sampled_from(ZONES), MOMENTS)
def test_a_freeze_lasts_until_its_end_and_ends_there(start, end, zone, now):
    assume(start != end)
    window = FreezeWindow(start, end, zone)
    ends = window.find_end(now)
    if ends is None:
        return
    assert now < ends
    assert window.find_end(ends - timedelta(seconds=1)) == ends
    # Where clocks are changed by more than the pause between two windows, there is no pause.
    pause = (start - end) % 10080
    assert window.find_end(ends) is None or pause <= 60


@given(st.integers(0, 10079), st.integers(0, 10079), st.sampled_from(ZONES), MOMENTS)
def test_far_from_changes_of_clocks_a_window_is_what_the_clocks_say(start, end, zone, now):
    assume(start != end)
    local = now.astimezone(ZoneInfo(zone))
    offsets = {(now + timedelta(hours=3 * hours)).astimezone(ZoneInfo(zone)).utcoffset() for hours in range(-60, 61)}
    if len(offsets) > 1:
        return
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    inside = start <= minute < end if start < end else minute >= start or minute < end
    assert (FreezeWindow(start, end, zone).find_end(now) is not None) is inside
