from dataclasses import replace

from serving_cases import NOW, config, crash, endpoint, key, seen, spec, worker

from pierhead.identity.domain.querying import Queryable
from pierhead.serving.domain.builds import BuildFailed, Building
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.deployments import deployments_of
from pierhead.serving.domain.endpoints import AiGateway, ConfigStatus, DeploymentState, Endpoint
from pierhead.serving.domain.observed import Observed
from pierhead.serving.domain.roster import roster_of
from pierhead.serving.domain.routing import RoutingRules, next_snapshot, route_endpoint
from pierhead.serving.domain.snapshot import Capture, EndpointRoute, Principal
from pierhead.serving.domain.workers import WorkerPhase

PENDING, ACTIVE, FAILED = ConfigStatus.PENDING, ConfigStatus.ACTIVE, ConfigStatus.FAILED
live = endpoint(active=config(1, ACTIVE))
update = endpoint(active=config(1, ACTIVE), pending=config(2, PENDING, spec("2")))


def route(found: Endpoint, observed: Observed) -> EndpointRoute:
    return route_endpoint(found, roster_of([found], observed), Queryable(everybody=True), RoutingRules())


def state(found: Endpoint, observed: Observed, version: str = "1") -> tuple[DeploymentState, str]:
    chosen = found.pending or found.active
    assert chosen is not None
    deployment = deployments_of(chosen, roster_of([found], observed), observed)[f"m-{version}"]
    return deployment.state, deployment.message


def test_only_ready_workers_are_routed_to() -> None:
    observed = seen(worker("a"), worker("b", WorkerPhase.STARTING), worker("c", WorkerPhase.DRAINING))
    assert route(live, observed).entities[0].sockets == ["/run/a.sock"]


def test_an_active_entity_without_workers_stays_in_the_snapshot_so_that_requests_are_held() -> None:
    (entity,) = route(live, seen()).entities
    assert (entity.sockets, entity.weight) == ([], 100)


def test_an_incomplete_update_changes_no_route() -> None:
    assert route(update, seen(worker("a"))).config_version == 1


def test_a_complete_update_is_routed_to() -> None:
    routed = route(update, seen(worker("a"), worker("b", version="2")))
    assert routed.config_version == 2
    assert routed.entities[0].sockets == ["/run/b.sock"]


def test_an_entity_without_a_route_gets_no_traffic_and_can_still_be_asked_by_name() -> None:
    two = endpoint(active=config(1, ACTIVE, spec("1"), spec("2")))
    weights = [entity.weight for entity in route(two, seen(worker("a"))).entities]
    assert weights == [100, 0]


def test_the_inference_table_is_the_configs_or_else_the_ai_gateways() -> None:
    by_config = endpoint(active=replace(config(1, ACTIVE), capture=CaptureConfig("main", "risk", "live")))
    table = CaptureConfig("main", "risk", enabled=True)
    assert route(by_config, seen()).capture == Capture("main.risk.live_payload")
    assert route(replace(live, ai_gateway=AiGateway(table)), seen()).capture == Capture("main.risk.fraud_payload")
    off = replace(table, enabled=False)
    assert route(replace(live, ai_gateway=AiGateway(off)), seen()).capture is None


def test_a_failed_first_deployment_tells_its_reason() -> None:
    failed = endpoint(failed=replace(config(1, FAILED), failure="m-1: out of memory"))
    routed = route(failed, seen())
    assert routed.entities == []
    assert "out of memory" in routed.reason


def test_the_number_grows_only_with_a_change() -> None:
    first = next_snapshot(None, {}, {})
    assert first.number == 1
    assert next_snapshot(first, {}, {}) is first
    assert next_snapshot(first, {"0": Principal("u", "ada", [])}, {}).number == 2


def test_a_deployment_says_how_far_it_is() -> None:
    new = endpoint(pending=config(1, PENDING))
    creating = DeploymentState.CREATING
    loading = worker("a", WorkerPhase.STARTING)

    assert state(new, seen(builds={key(): Building()})) == (
        creating,
        "preparing the model's files and its environment",
    )
    assert state(new, seen()) == (creating, "starting: 0 of 1 workers ready")
    assert state(new, seen(loading)) == (creating, "loading the model: 0 of 1 workers ready")
    assert state(new, seen(worker("a"))) == (DeploymentState.READY, "")


def test_a_live_entity_that_lost_its_workers_is_recovering_and_says_why() -> None:
    assert state(live, seen(crashes=[crash("w")])) == (
        DeploymentState.RECOVERING,
        "0 of 1 workers ready; the last one died: w is out of memory",
    )
    failed = BuildFailed(NOW, "no space left on device")
    assert state(live, seen(builds={key(): failed})) == (DeploymentState.RECOVERING, "no space left on device")


def test_a_live_entity_with_one_of_its_workers_answers() -> None:
    medium = endpoint(active=config(1, ACTIVE, spec("1", "Medium")))
    assert state(medium, seen(worker("a")))[0] is DeploymentState.READY


def test_who_may_query_is_routed_whether_something_is_live_or_not() -> None:
    queryable = Queryable(everybody=False, principal_ids=frozenset({"u1"}), groups=frozenset({"admins"}))
    for found in (live, endpoint(pending=config(1, PENDING))):
        told = route_endpoint(found, roster_of([found], seen()), queryable, RoutingRules())
        assert (told.query_users, told.query_groups) == (frozenset({"u1"}), frozenset({"admins"}))
        assert route(found, seen()).query_groups is None
