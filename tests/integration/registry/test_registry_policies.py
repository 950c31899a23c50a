"""Sets of policies through the API, and what they decide, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from registry_world import World

from harness.http import Answer
from pierhead.identity.services.accounts import Identities
from pierhead.kit.errors import Conflict, InvalidState
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.gate import ProvenanceState
from pierhead.registry.domain.policy_texts import PolicyText
from pierhead.registry.domain.shipped_policies import SHIPPED
from pierhead.registry.services.policies import Policies
from pierhead.registry.store.policies import PolicyStore

_POLICIES = "/api/2.0/pierhead/policies"
_ACME = """\
name: acme
policies:
- name: all
  match: {stages: [Production]}
  approve: {groups: [ml-leads]}
  provenance: off
"""


@pytest.fixture
def registry(world: World) -> World:
    world.use_policies("default")
    with world.database.transaction() as connection:
        identities = Identities(connection, world.clock)
        identities.set_up()
        lea = identities.create_user("lea", frozenset({"ml-leads"}))
        sam = identities.create_user("sam", frozenset({"data-scientists"}))
    world.callers |= {
        "lea": Caller(lea.id, "lea", lea.groups),
        "sam": Caller(sam.id, "sam", sam.groups),
        "ria": Caller("9", "ria", frozenset()),
    }
    world.register("main.fraud.classifier", by=world.callers["sam"])
    return world


def asked(registry: World, path: str = "", /, *, token: str = "good", **query: str) -> Any:
    answer = registry.call("GET", _POLICIES + path, token=token, **query)
    assert answer.status == 200, answer.text
    return answer.json()


def told(registry: World, path: str, body: Any, *, token: str = "good") -> Answer:
    return registry.call("POST", _POLICIES + path, body, token=token)


def tried(registry: World, token: str = "good", **more: Any) -> Any:
    answer = told(registry, "/test", {"name": "main.fraud.classifier", "version": "1", **more}, token=token)
    assert answer.status == 200, answer.text
    return answer.json()


def unmet(trial: Any) -> list[str]:
    return [each["code"] for each in trial["conditions"] if each["outcome"] == "unmet"]


def test_the_shipped_sets_are_there_from_the_start(registry):
    listed = asked(registry)
    assert [(each["name"], each["is_in_use"], each["is_shipped"]) for each in listed["policies"]] == [
        ("default", True, True),
        ("solo", False, True),
    ]
    shown = asked(registry, "/get")["policies"]
    assert shown["content"] == SHIPPED["default"]
    assert shown["revision"] == 1


def test_an_applied_set_gets_a_revision_that_keeps_who_and_when(registry):
    body = told(registry, "/apply", {"content": _ACME}).json()
    assert body["is_new"]
    assert body["policies"] == {
        "name": "acme",
        "revision": 1,
        "digest": body["policies"]["digest"],
        "is_in_use": False,
        "is_shipped": False,
        "applied_by": "ada",
        "applied_at": int(registry.clock.now().timestamp() * 1000),
    }
    assert asked(registry, "/get", name="acme")["policies"]["content"] == _ACME


def test_applying_the_same_again_changes_nothing(registry):
    told(registry, "/apply", {"content": _ACME})
    again = told(registry, "/apply", {"content": _ACME}).json()
    assert not again["is_new"]
    assert again["policies"]["revision"] == 1


def test_every_revision_stays_readable(registry):
    told(registry, "/apply", {"content": _ACME})
    told(registry, "/apply", {"content": _ACME + "  expires: 24h\n"})
    told(registry, "/apply", {"content": _ACME})
    assert [each["revision"] for each in asked(registry, "/history", name="acme")["revisions"]] == [3, 2, 1]
    assert asked(registry, "/get", name="acme", revision="2")["policies"]["content"].endswith("24h\n")
    assert asked(registry, "/get", name="acme")["policies"]["revision"] == 3


def test_a_set_that_is_in_use_decides_as_soon_as_it_is_applied(registry):
    told(registry, "/apply", {"content": _ACME})
    told(registry, "/use", {"name": "acme"})
    told(registry, "/apply", {"content": _ACME.replace("ml-leads", "risk")})
    assert tried(registry, "lea")["policy"] == "acme/all@2"
    assert "approver_group" in unmet(tried(registry, "lea"))


def test_groups_that_do_not_exist_are_told(registry):
    assert told(registry, "/apply", {"content": _ACME}).json()["missing_groups"] == []
    body = told(registry, "/apply", {"content": _ACME.replace("ml-leads", "ml-lead")}).json()
    assert body["missing_groups"] == ["ml-lead"]


def test_external_checks_that_nobody_configured_are_told(registry):
    asks = _ACME.rstrip("\n") + "\n  checks:\n  - external: {name: change-mgmt, max_age: 1d}\n"
    assert told(registry, "/apply", {"content": asks}).json()["missing_external_checks"] == ["change-mgmt"]


def test_choices_are_remembered_in_order(registry):
    told(registry, "/use", {"name": "solo"})
    told(registry, "/use", {"name": "solo"})
    told(registry, "/use", {"name": "default"})
    choices = asked(registry, "/history")["choices"]
    # The world itself chose solo, then default, before.
    assert [(each["name"], each["chosen_by"]) for each in choices] == [
        ("default", "ada"),
        ("solo", "ada"),
        ("default", "ada"),
        ("solo", "ada"),
    ]


@pytest.mark.parametrize("token", ["lea", "sam", "ria"])
def test_only_admins_change_policies_and_everybody_reads_them(registry, token):
    assert told(registry, "/apply", {"content": _ACME}, token=token).status == 403
    assert told(registry, "/use", {"name": "solo"}, token=token).status == 403
    assert asked(registry, token=token)["in_use"]["name"] == "default"
    assert asked(registry, "/get", token=token)["policies"]["name"] == "default"


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/use", {"name": "acme"}, 404, "there are no policies 'acme'"),
        ("/apply", {"content": SHIPPED["solo"]}, 400, "ship with Pierhead and do not change"),
        ("/apply", {"content": "name: a\npolicies: [{name: x}]"}, 400, "policies[0] (line 2): 'match' is missing"),
        ("/apply", {}, 400, "missing value for required parameter 'content'"),
    ],
)
def test_what_cannot_be_is_refused(registry, path, body, status, said):
    answer = told(registry, path, body)
    assert answer.status == status
    assert said in answer.json()["message"]


@pytest.mark.parametrize("query", [{"name": "acme"}, {"name": "solo", "revision": "7"}])
def test_what_does_not_exist_is_not_found(registry, query):
    assert registry.call("GET", _POLICIES + "/get", **query).status == 404


def test_a_trial_says_every_condition_and_changes_nothing(registry):
    registry.evidence = type(registry.evidence)(
        "", has_signature=False, provenance=ProvenanceState.MISSING, provenance_message="", provenance_digest=None
    )
    trial = tried(registry, "sam")
    assert trial["decision"] == "closed"
    assert trial["to"] == "Production"
    assert unmet(trial) == ["permission", "approver_group", "author", "approvals", "signature", "data_version"]
    assert trial["approvers"] == ["ml-leads"]
    assert "pierhead models request" in trial["remedy"]
    assert registry.get("main.fraud.classifier", 1).stage.value == "None"


def test_a_trial_can_be_for_another_target_or_an_endpoint(registry):
    assert tried(registry, to="Staging")["policy"] is None
    served = tried(registry, endpoint="fraud", endpoint_tags={"environment": "production"})
    assert unmet(served) == ["from_stages"]
    assert served["to"] == "endpoint fraud"
    assert tried(registry, endpoint="fraud")["decision"] == "open"


def test_only_admins_ask_for_somebody_else(registry):
    assert "approver_group" in unmet(tried(registry, user="sam"))
    assert tried(registry, user="lea")["decision"] == "open"
    body = {"name": "main.fraud.classifier", "version": "1", "user": "lea"}
    assert told(registry, "/test", body, token="sam").status == 403
    assert told(registry, "/test", {**body, "user": "nobody"}).status == 404
    assert tried(registry, "sam", user="sam")["user"] == "sam"


def test_a_trial_can_be_under_policies_that_are_not_applied(registry):
    trial = tried(registry, "lea", content=_ACME)
    assert trial["policy"] == "acme/all@0"
    assert unmet(trial) == ["request", "approvals"]
    assert [each["name"] for each in asked(registry)["policies"]] == ["default", "solo"]


def test_policies_that_cannot_be_read_let_nothing_through(registry):
    with registry.database.transaction() as connection:
        text = "name: later\npolicies: [{name: x, match: {stages: [Production]}, checks: [from_a_later_release]}]"
        PolicyStore(connection).add(PolicyText("later", 1, text, "0" * 64, "ada", registry.clock.now()))
        Policies(connection, registry.clock).use("later", by="ada")
    with registry.database.reading() as connection, pytest.raises(InvalidState, match="nothing can be promoted"):
        Policies(connection, registry.clock).active()


def test_revisions_keep_the_time_to_the_moment(registry):
    with registry.database.transaction() as connection:
        policies = Policies(connection, registry.clock)
        given, _ = policies.apply(_ACME, by="ada")
    registry.clock.advance(3600)
    with registry.database.reading() as connection:
        assert Policies(connection, registry.clock).get("acme") == given


def test_two_who_apply_at_once_lose_nothing(registry):
    def apply(hours: int) -> int | None:
        try:
            with registry.database.transaction() as connection:
                text = _ACME + f"  expires: {hours}h\n"
                return Policies(connection, registry.clock).apply(text, by="ada")[0].revision
        except Conflict:
            return None

    with ThreadPoolExecutor(4) as pool:
        given = [revision for revision in pool.map(apply, range(1, 13)) if revision is not None]
    kept = [each["revision"] for each in asked(registry, "/history", name="acme")["revisions"]]
    assert sorted(given) == sorted(kept) == list(range(1, len(kept) + 1))
