"""What a ramp means for routes, workers and activation; all of it by rules alone."""

from dataclasses import replace

import pytest
from serving_cases import LONG_AGO, NOW, config, crash, endpoint, entity, seen, spec, worker

from pierhead.identity.domain.querying import Queryable
from pierhead.kit.errors import InvalidArgument
from pierhead.serving.domain.candidates import candidate_of, candidate_route_name
from pierhead.serving.domain.endpoints import ConfigStatus, Endpoint, Route, ServedEntity, Tag
from pierhead.serving.domain.observed import Observed, Staffing
from pierhead.serving.domain.ramps import Observer, Ramp, ramp_problems
from pierhead.serving.domain.reconcile import Activate, FailConfig, decide
from pierhead.serving.domain.roster import roster_of
from pierhead.serving.domain.routing import RoutingRules, route_endpoint
from pierhead.serving.domain.snapshot import EndpointRoute, RampRoute
from pierhead.serving.domain.steps import News, step_of
from pierhead.serving.domain.tags import tag_problems, unit_of

PENDING, ACTIVE = ConfigStatus.PENDING, ConfigStatus.ACTIVE
RAMP = Ramp(2, 490, 0.25, "salt", "r1")
FINISHED = replace(RAMP, is_finished=True)
BOTH = (worker("a"), worker("b", version="2"))


def ramping(ramp: Ramp = RAMP, **changes: object) -> Endpoint:
    """Version 1 answers, version 2 is on its way."""
    found = endpoint(active=config(1, ACTIVE), pending=config(2, PENDING, spec("2")))
    return replace(found, ramp=ramp, **changes)


def same_name(ramp: Ramp = RAMP) -> Endpoint:
    """Both versions are called `fraud`."""

    def named(number: int, status: ConfigStatus, version: str) -> tuple[int, ConfigStatus, ServedEntity]:
        return number, status, replace(entity(spec(version)), name="fraud")

    active, pending = [
        replace(config(number, status), entities=(served,), routes=(Route("fraud", 10_000, ((0, 10_000),)),))
        for number, status, served in (named(1, ACTIVE, "1"), named(2, PENDING, "2"))
    ]
    return replace(endpoint(active=active, pending=pending), ramp=ramp)


def route(found: Endpoint, observed: Observed) -> EndpointRoute:
    return route_endpoint(found, roster_of([found], observed), Queryable(everybody=True), RoutingRules())


def turns(found: Endpoint, observed: Observed) -> list[object]:
    return [each for each in decide([found], observed, NOW) if isinstance(each, Activate | FailConfig)]


def test_a_ready_candidate_stands_beside_what_is_live_and_has_no_share_of_its_own() -> None:
    routed = route(ramping(), seen(*BOTH))
    assert routed.config_version == 1
    live, candidate = routed.entities
    assert (live.name, live.weight, live.sockets) == ("m-1", 100, ["/run/a.sock"])
    assert (candidate.name, candidate.weight, candidate.ranges) == ("m-2", 0, [])
    assert candidate.sockets == ["/run/b.sock"]
    assert routed.ramp == RampRoute("m-2", 490, "salt", 0.25)


def test_without_a_ready_worker_of_the_candidate_everybody_goes_to_what_is_live() -> None:
    ramp = route(ramping(), seen(worker("a"))).ramp
    assert ramp is not None
    assert (ramp.points, ramp.shadow_rate) == (0, 0.0)


def test_a_config_with_a_ramp_stays_pending_however_long_it_is_complete() -> None:
    assert turns(ramping(), seen(*BOTH, announced=2)) == []


def test_after_its_ramp_it_is_announced_and_then_active_as_any_other() -> None:
    found = ramping(FINISHED)
    assert route(found, seen(*BOTH)).config_version == 2
    assert route(found, seen(*BOTH)).ramp is None
    assert turns(found, seen(*BOTH, announced=1)) == []
    assert turns(found, seen(*BOTH, announced=2)) == [Activate("e1", 2)]


def test_until_it_is_complete_a_finished_ramp_goes_on_as_it_was() -> None:
    more = {"m-2": Staffing(2)}
    routed = route(ramping(FINISHED), seen(*BOTH, staffing=more))
    assert routed.config_version == 1
    assert routed.ramp is not None
    assert routed.ramp.points == 490


def test_a_candidate_whose_name_is_taken_is_called_by_its_config_too() -> None:
    found = same_name()
    assert candidate_route_name(found) == "fraud@2"
    routed = route(found, seen(*BOTH))
    assert [each.name for each in routed.entities] == ["fraud", "fraud@2"]
    assert [each.ranges for each in routed.entities] == [[(0, 10_000)], []]
    assert [each.name for each in route(same_name(FINISHED), seen(*BOTH)).entities] == ["fraud"]
    assert routed.ramp is not None
    assert routed.ramp.entity == "fraud@2"


def test_workers_of_two_entities_of_one_name_are_counted_apart() -> None:
    found = same_name()
    observed = seen(*BOTH, staffing={"fraud": Staffing(3), "fraud@2": Staffing(1)})
    roster = roster_of([found], observed)
    configs = [config for config in (found.active, found.pending) if config is not None]
    assert [post.replicas for config in configs for post in roster.posts_of(config)] == [3, 1]


def test_more_workers_that_a_busy_candidate_wants_are_no_reason_to_give_it_up() -> None:
    busy = seen(*BOTH, staffing={"m-2": Staffing(3)}, crashes=[crash("c", version="2", is_final=True)])
    assert turns(ramping(), busy) == []


def test_a_candidate_whose_workers_fail_is_given_up_with_its_ramp_and_both_are_told() -> None:
    found = ramping()
    observed = seen(worker("a"), crashes=[crash("b", version="2", is_final=True)])
    (failure,) = turns(found, observed)
    assert isinstance(failure, FailConfig)
    step = step_of(found, [failure], roster_of([found], observed), observed, News(), NOW)
    assert [(event.kind, event.message) for event in step.events] == [
        ("update failed", "config version 2 is given up because of m-2: b is out of memory"),
        ("given up", "rollout r1 of config version 2 ended: b is out of memory"),
    ]


def test_the_candidate_is_the_one_that_gets_traffic_and_has_none() -> None:
    assert candidate_of(ramping()).name == "m-2"
    idle_before = endpoint(active=config(1, ACTIVE, spec("1"), spec("2")), pending=config(2, PENDING, spec("2")))
    assert candidate_of(idle_before).name == "m-2"


@pytest.mark.parametrize(
    ("found", "fact"),
    [
        (endpoint(active=config(1, ACTIVE)), "is not being updated"),
        (endpoint(pending=config(1, PENDING)), "nothing is live"),
        (endpoint(active=config(1, ACTIVE), pending=config(2, PENDING, spec("1", "Large"))), "it has none"),
        (
            endpoint(
                active=config(1, ACTIVE),
                pending=replace(
                    config(2, PENDING, spec("2"), spec("3")), routes=(Route("m-2", 5000), Route("m-3", 5000))
                ),
            ),
            "it has 'm-2' and 'm-3'",
        ),
    ],
    ids=["no update", "nothing live", "another size only", "two"],
)
def test_without_exactly_one_candidate_there_is_nothing_to_ramp_up(found: Endpoint, fact: str) -> None:
    with pytest.raises(InvalidArgument, match=fact):
        candidate_of(found)


def test_everything_that_is_wrong_with_a_ramp_is_told_at_once() -> None:
    assert ramp_problems(RAMP) == []
    wrong = Ramp(2, 10_001, 1.5, "", "", shadow_timeout_s=0, shadow_concurrency=0)
    assert len(ramp_problems(wrong)) == 6


def test_the_keenest_observer_sets_the_rate() -> None:
    observed = seen(*BOTH)
    assert route(ramping(), observed).observed_by == []
    watched = ramping(observers=(Observer("r1", 0.1), Observer("t1", 0.5)))
    assert (route(watched, observed).observed_by, route(watched, observed).observe_rate) == (["r1", "t1"], 0.5)


@pytest.mark.parametrize(
    ("value", "unit"),
    [("request", ""), ("header:X-Card-Id", "header:x-card-id"), ("field:Card Id", "field:Card Id")],
)
def test_a_tag_says_what_requests_are_dealt_out_by(value: str, unit: str) -> None:
    tags = (Tag("pierhead.unit_key", value),)
    assert tag_problems(tags) == []
    assert unit_of(tags) == unit
    assert route(ramping(tags=tags), seen(*BOTH)).unit == unit


@pytest.mark.parametrize("value", [None, "", "user", "header:", "header:two words", "field:"], ids=repr)
def test_an_unknown_unit_key_is_refused(value: str | None) -> None:
    assert "must be 'header:NAME', 'field:NAME' or 'request'" in tag_problems([Tag("pierhead.unit_key", value)])[0]


def test_requests_without_the_tag_are_dealt_out_by_their_id() -> None:
    assert route(endpoint(active=config(1, ACTIVE, asked_at=LONG_AGO)), seen(*BOTH)).unit == ""
