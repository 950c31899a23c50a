"""Policies as people write them, and what they are told when something is wrong."""

from datetime import timedelta

import pytest

from fakes.gate import NOW, policies
from pierhead.registry.domain.digests import policy_digest
from pierhead.registry.domain.gate import AliasTarget, EndpointTarget, StageTarget
from pierhead.registry.domain.policies import EVERYBODY, Mode, Provenance, Role
from pierhead.registry.domain.policy_yaml import InvalidPolicies, parse_policies
from pierhead.registry.domain.shipped_policies import SHIPPED
from pierhead.registry.domain.stages import Stage


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(InvalidPolicies) as caught:
        parse_policies(text.encode())
    return caught.value.problems


def minimal(match: str, more: str = "") -> str:
    return f"name: t\npolicies:\n- name: p\n  match: {match}\n{more}"


@pytest.mark.parametrize("name", list(SHIPPED))
def test_the_shipped_sets_are_what_their_names_say(name):
    shipped = parse_policies(SHIPPED[name].encode())
    assert shipped.name == name
    production = shipped.find("any.model.name", StageTarget(Stage.PRODUCTION))
    assert production is not None
    assert production.mode is (Mode.ENFORCE if name == "default" else Mode.WARN)
    assert {use.name for use in production.checks} == {"signature", "data_version", "artifact_scan"}


def test_what_is_left_out_has_the_careful_value():
    (policy,) = parse_policies(minimal("{stages: [production]}", "  approve: {groups: [ml-leads]}").encode()).policies
    assert policy.mode is Mode.ENFORCE
    assert policy.match.models == ("*",)
    assert policy.request_groups == {EVERYBODY}
    assert policy.approve is not None
    assert policy.approve.count == 1
    assert policy.approve.distinct_from == set(Role)
    assert not policy.direct
    assert policy.expires == timedelta(hours=72)
    assert policy.provenance is Provenance.REQUIRE_FOR_PRODUCTION
    assert [use.name for use in policy.checks] == ["data_version"]


@pytest.mark.parametrize(
    ("match", "target", "speaks"),
    [
        ("{stages: [PRODUCTION]}", StageTarget(Stage.PRODUCTION), True),
        ("{stages: [Production]}", AliasTarget("Production"), True),
        ("{aliases: [production]}", StageTarget(Stage.PRODUCTION), True),
        ("{aliases: ['prod*']}", StageTarget(Stage.PRODUCTION), True),
        ("{aliases: [Champion]}", AliasTarget("CHAMPION"), True),
        ("{aliases: [champion]}", AliasTarget("champion2"), False),
        ("{stages: [Production]}", AliasTarget("champion"), False),
        ("{stages: [Staging]}", StageTarget(Stage.STAGING), True),
        ("{stages: [Staging]}", StageTarget(Stage.PRODUCTION), False),
        ("{models: ['prod.*'], stages: [Staging]}", StageTarget(Stage.STAGING), False),
        ("{models: ['prod.*', 'main.*.c*'], stages: [Staging]}", StageTarget(Stage.STAGING), True),
        ("{models: 'MAIN.*', stages: Staging}", StageTarget(Stage.STAGING), True),
        ("{endpoints: ['prod-*']}", EndpointTarget("prod-fraud", {}), True),
        ("{endpoints: ['prod-*']}", EndpointTarget("PROD-fraud", {}), True),
        ("{endpoints: ['prod-*']}", EndpointTarget("fraud", {}), False),
        ("{endpoint_tags: {env: prod, tier: '1'}}", EndpointTarget("x", {"env": "prod"}), False),
        ("{endpoint_tags: {env: prod, tier: '1'}}", EndpointTarget("x", {"ENV": "Prod", "tier": "1", "a": "b"}), True),
        ("{stages: [Production]}", EndpointTarget("x", {}), False),
    ],
)
def test_a_policy_speaks_of_models_and_targets(match, target, speaks):
    found = parse_policies(minimal(match).encode()).find("main.fraud.classifier", target)
    assert (found is not None) is speaks


@pytest.mark.parametrize(
    ("text", "mode", "of_check"),
    [
        ("off", Provenance.OFF, None),
        ("'off'", Provenance.OFF, None),
        ("warn", Provenance.WARN, Mode.WARN),
        ("require_for_production", Provenance.REQUIRE_FOR_PRODUCTION, Mode.ENFORCE),
        ("require_at_create", Provenance.REQUIRE_AT_CREATE, Mode.ENFORCE),
    ],
)
def test_the_provenance_mode_brings_the_check_of_the_data_version(text, mode, of_check):
    found = policies(f"provenance: {text}")
    assert found.provenance_of("main.fraud.classifier") is mode
    assert [use.mode for use in found.policies[0].checks] == ([of_check] if of_check else [])


def test_a_policy_that_only_warns_requires_no_provenance_at_create():
    assert policies("mode: warn\nprovenance: require_at_create").provenance_of("a") is Provenance.WARN


def test_a_check_that_is_named_keeps_its_own_mode():
    (use,) = policies("checks: [data_version: {mode: warn}]").policies[0].checks
    assert use.mode is Mode.WARN


def test_layout_and_comments_do_not_change_what_a_policy_is():
    plain = policies("approve: {groups: [a, b]}")
    laid_out = policies("# who\napprove:\n  count: 1\n  groups:\n  - b\n  - a\nmode: ENFORCE")
    assert policy_digest(plain.policies[0]) == policy_digest(laid_out.policies[0])
    assert policy_digest(plain.policies[0]) != policy_digest(policies("approve: {groups: [a]}").policies[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'name' is missing"),
        ("[]", "a mapping is needed"),
        ("name: t", "'policies' is missing"),
        ("name: t\npolicies: []", "policies (line 2): there are 0 policies"),
        ("policies: [{name: p, match: {stages: [Staging]}}]", "'name' is missing"),
        ("name: a b\npolicies: [{name: p, match: {stages: [Staging]}}]", "name (line 1): 'a b' is no name"),
        (minimal("{}"), "policies[0].match (line 4): it names no target"),
        (minimal("{stages: [Prod]}"), "match.stages[0] (line 4): 'Prod' is none of None, Staging"),
        (minimal("{stages: []}"), "at least one stage"),
        (minimal("{endpoint_tags: {}}"), "at least one tag"),
        (minimal("{models: [], stages: [Staging]}"), "at least one text"),
        (minimal("{stages: [Staging]}", "  chekcs: []"), "policies[0].chekcs (line 5): 'chekcs' means nothing here"),
        (minimal("{stages: [Staging]}", "  mode: on"), "none of enforce, warn"),
        (minimal("{stages: [Staging]}", "  direct: true"), "there is no `approve`"),
        (minimal("{stages: [Staging]}", "  approve: [ml-leads]"), "approve (line 5): a mapping is needed"),
        (minimal("{stages: [Staging]}", "  approve: {count: 2}"), "'groups' is missing"),
        (minimal("{stages: [Staging]}", "  approve: {groups: [a], count: 0}"), "from 1 to 20 is needed, not '0'"),
        (minimal("{stages: [Staging]}", "  approve: {groups: [a], count: many}"), "not 'many'"),
        (
            minimal("{stages: [Staging]}", "  approve: {groups: [a], distinct_from: [boss]}"),
            "none of requester, author",
        ),
        (minimal("{stages: [Staging]}", "  request: {groups: []}"), "at least one text"),
        (minimal("{stages: [Staging]}", "  expires: 3 days"), "a duration is needed, like 30m, 72h or 14d"),
        (minimal("{stages: [Staging]}", "  expires: 0h"), "a duration is needed"),
        (minimal("{stages: [Staging]}", "  provenance: warn"), "has the stage Production"),
        (
            minimal("{stages: [Staging]}", "  freeze_windows: [always]"),
            "freeze_windows[0] (line 5): it is not of the form",
        ),
        (minimal("{stages: [Staging]}", "  break_glass: {groups: [admins]}"), "'review_by' is missing"),
        (minimal("{stages: [Staging]}", "  checks: [{}]"), "one check is needed here"),
        (minimal("{stages: [Staging]}", "  checks: [{signature: {}, data_version: {}}]"), "one check is needed here"),
        (
            minimal("{stages: [Staging]}", "  mode: warn\n  mode: enforce"),
            "mode (line 6): it is there twice, first in line 5",
        ),
        (minimal("{stages: [Staging]}", "- {name: p, match: {stages: [Production]}}"), "another policy 'p' before"),
        ("name: *x\npolicies: 1", "it is no YAML|alias"),
        ("name: !!python/object x\npolicies: 1", "tag"),
        ("a: [" * 60, "nested|no YAML"),
        ("{", "it is no YAML"),
    ],
)
def test_what_is_wrong_is_told_with_path_line_and_what_is_allowed(text, said):
    assert any(any(part in problem for part in said.split("|")) for problem in problems_of(text))


def test_everything_that_is_wrong_is_told_at_once():
    text = minimal("{stages: [Prod]}", "  mode: maybe\n  expires: soon\n  checks: [astrology]")
    assert len(problems_of(text)) == 4


def test_a_set_can_say_all_that_there_is_to_say():
    text = """
name: acme-2026
policies:
- name: production
  match: {models: ["prod.*.*"], stages: [Production], aliases: [champion], endpoint_tags: {env: prod}}
  mode: enforce
  provenance: require_at_create
  request: {groups: [data-scientists]}
  approve: {groups: [ml-leads, risk], count: 2, distinct_from: [requester, author]}
  direct: false
  expires: 48h
  from_stages: [Staging]
  freeze_windows: ["Fri 16:00-Mon 08:00 Europe/Berlin", "Thu 22:00-Thu 23:00 UTC"]
  rollback_within: 90d
  break_glass: {groups: [admins], review_by: [ml-leads], review_within: 24h}
  checks:
  - signature
  - data_version
  - artifact_scan: {allow: ["*sklearn*"]}
  - evaluation:
      dataset: prod.fraud.holdout
      max_age: 14d
      metrics:
        auc: {min: 0.8, not_worse_than_production_by: 0.005}
        latency_ms: {max: 50}
  - external: {name: change-mgmt, max_age: 24h, mode: warn}
"""
    (policy,) = parse_policies(text.encode(), revision=4).policies
    assert len(policy.checks) == 5
    assert policy.break_glass is not None
    assert policy.freeze_windows[1].find_end(NOW + timedelta(days=1, hours=10)) is not None
