"""Rollouts with real processes and real models: the good one arrives, each bad one is caught before it does harm."""

import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from e2e import endpoints
from e2e.traffic import Traffic
from harness.platform import Platform, wait_until

LOG_MODELS = Path(__file__).parent / "scripts" / "log_rollout_models.py"
ROLLOUTS = "/api/2.0/pierhead/rollouts"
MODEL = "main.e2e.churn"
CITIES = ("aachen", "bonn", "celle", "dorum")

# Two cores shared by everybody are no place to tell 5 from 7 ms.
GATES = "gates: {latency: {margin: 2.0, least_ms: 100}, worst_slice: {least_requests: 20}}"
SPEC = f"""
{GATES}
steps:
- {{shadow_rate: 1, least_duration: 1s, least_requests: 150}}
- {{weight: 1, least_duration: 1s, least_requests: 3}}
- {{weight: 4.9, least_duration: 1s, least_requests: 10}}
- {{weight: 50, least_duration: 1s, least_requests: 50}}
- {{weight: 100, least_duration: 0s, least_requests: 0}}
"""
# To be sure of two failures in a hundred takes about two thousand pairs, as small as the chance of a false alarm is.
THOROUGH = SPEC.replace("least_requests: 150}", "least_requests: 2500}")
CANARY_ALONE = f"""
{GATES}
steps:
- {{weight: 4.9, least_duration: 60s, least_requests: 1000}}
- {{weight: 100, least_duration: 0s, least_requests: 0}}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[tuple[Platform, dict[str, str]]]:
    """A platform whose endpoint `churn` serves the champion, and the versions of the others by kind."""
    platform = Platform(tmp_path_factory.mktemp("rollouts") / "home", environments=environments)
    try:
        platform.start()
        versions = platform.run_client(str(LOG_MODELS))
        endpoints.create(platform, "churn", _entity(versions["champion"]))
        yield platform, versions
    finally:
        platform.stop()


@pytest.fixture
def platform(running: tuple[Platform, dict[str, str]]) -> Platform:
    """With the champion live, and nothing else under way."""
    platform, versions = running
    endpoints.wait_ready(platform, "churn", 180) if not _failed(platform) else None
    served = endpoints.get(platform, "churn")["config"]["served_entities"]
    if [entity["entity_version"] for entity in served] != [versions["champion"]]:
        endpoints.update(platform, "churn", endpoints.config(_entity(versions["champion"])))
        endpoints.wait_ready(platform, "churn", 120)
    return platform


@pytest.fixture
def versions(running: tuple[Platform, dict[str, str]]) -> dict[str, str]:
    return running[1]


def test_a_good_version_gets_all_the_traffic_untouched(platform: Platform, versions: dict[str, str]) -> None:
    with Traffic(platform, "churn", rows=Customers()) as traffic:
        started = _start(platform, versions["good"], SPEC)
        over = _until_over(platform, started["id"])
        endpoints.wait_ready(platform, "churn")
        traffic.wait_for(40)
    assert over["status"] == "promoted", over["reason"]
    assert traffic.failed == []
    active = endpoints.get(platform, "churn")["config"]["served_entities"][0]
    assert active["entity_version"] == versions["good"]
    outcomes = [look["outcome"] for look in reversed(_decisions(platform, started["id"]))]
    assert [each for each in outcomes if each != "wait"] == [
        "start",
        "begin",
        "advance",
        "advance",
        "advance",
        "promote",
        "promoted",
    ]


@pytest.mark.parametrize("kind", ["wrong", "slow", "crashing", "failing", "drifting"])
def test_a_bad_version_is_caught_while_nobody_gets_its_answers(
    platform: Platform, versions: dict[str, str], kind: str
) -> None:
    with Traffic(platform, "churn", rows=Customers()) as traffic:
        started = _start(platform, versions[kind], THOROUGH if kind == "failing" else SPEC)
        over = _until_over(platform, started["id"])
        traffic.wait_for(40)
    looks = _decisions(platform, started["id"])
    began = next(look["at"] for look in looks if look["outcome"] == "begin")
    took_s = (over["ended_at"] - began) / 1000
    print(
        f"{kind}: {over['status']} in step {over['step'] + 1}, {took_s:.1f} s after its first answer: {over['reason']}"
    )
    assert over["status"] in ("rolled_back", "failed"), over
    assert over["steps"][over["step"]]["weight"] < 5
    assert traffic.failed == []
    told = platform.cli("rollouts", "explain", started["id"])
    assert over["reason"].partition(":")[0] in told.stdout


def test_a_canary_is_taken_back_within_a_second(platform: Platform, versions: dict[str, str]) -> None:
    with Traffic(platform, "churn", rows=Customers(), connections=8) as traffic:
        started = _start(platform, versions["timid"], CANARY_ALONE)
        over = _until_over(platform, started["id"])
        seen_s, seen_ms = time.monotonic(), time.time() * 1000
        traffic.wait_for(300)
    decided_s = seen_s - (seen_ms - over["ended_at"]) / 1000
    candidate = [one for one in traffic.answered if one.entity == f"churn-{versions['timid']}"]
    last_s = max(one.began_s for one in candidate) - decided_s
    share = len(candidate) / len([one for one in traffic.answered if one.began_s < decided_s])
    print(
        f"rolled back after {len(candidate)} answers of the candidate; its last request began {last_s:.2f} s after the "
        f"decision; it had {share:.1%} of the traffic"
    )
    assert over["status"] == "rolled_back"
    assert traffic.failed == []
    assert last_s < 1.0
    assert share < 0.05


def test_a_rollout_goes_on_where_it_was_when_controller_and_api_are_killed(
    platform: Platform, versions: dict[str, str]
) -> None:
    with Traffic(platform, "churn", rows=Customers()) as traffic:
        started = _start(platform, versions["good"], SPEC)
        for step, victim in ((0, "controller"), (1, "api"), (2, "controller"), (3, "api")):
            _until_step(platform, started["id"], step)
            platform.child(victim).kill()
        over = _until_over(platform, started["id"])
        endpoints.wait_ready(platform, "churn")
    outcomes = [look["outcome"] for look in reversed(_decisions(platform, started["id"]))]
    assert over["status"] == "promoted", over["reason"]
    assert [each for each in outcomes if each != "wait"] == [
        "start",
        "begin",
        "advance",
        "advance",
        "advance",
        "promote",
        "promoted",
    ]
    # The gateways outlive both.
    assert traffic.failed == []


def test_what_a_person_sees(platform: Platform, versions: dict[str, str]) -> None:
    spec = platform.home.parent / "spec.yaml"
    spec.write_text(CANARY_ALONE)
    with Traffic(platform, "churn", rows=Customers()) as traffic:
        begun = platform.cli(
            "rollouts", "start", "churn", "--model", MODEL, "--version", versions["good"], "--spec", str(spec)
        )
        assert begun.returncode == 0, begun.stderr
        refused = platform.request("PUT", f"{endpoints.ENDPOINTS}/churn/config", endpoints.config(_entity("1")))
        wait_until("it is judged", lambda: _get(platform, "churn")["progress"]["decision"] is not None, 90)
        traffic.wait_for(800)
        watched = platform.cli("rollouts", "watch", "churn", "--once")
        assert platform.cli("rollouts", "abort", "churn", "--reason", "seen enough").returncode == 0
        explained = platform.cli("rollouts", "explain", "churn")
        compared = platform.cli("rollouts", "compare", "churn")
    print(watched.stdout, explained.stdout, compared.stdout, sep="\n")
    assert traffic.failed == []
    assert refused.status == 409
    assert "being rolled out" in refused.text
    assert "sample_ratio" in watched.stdout
    assert "4.9 %" in watched.stdout
    assert "seen enough" in explained.stdout


def test_under_auto_the_official_call_becomes_a_rollout_and_under_enforce_it_is_refused(
    platform: Platform, versions: dict[str, str]
) -> None:
    policy = platform.home.parent / "rollout-policy.yaml"
    asked = endpoints.config(_entity(versions["timid"]))
    policy.write_text("rules:\n- {endpoints: [churn], mode: enforce}\n")
    assert platform.cli("rollouts", "policy", "apply", str(policy)).returncode == 0
    refused = platform.request("PUT", f"{endpoints.ENDPOINTS}/churn/config", asked)
    steps = "{steps: [{weight: 4.9, least_duration: 1s, least_requests: 500}, {weight: 100}]}"
    policy.write_text(f"rules:\n- {{endpoints: [churn], mode: auto, spec: {steps}}}\n")
    assert platform.cli("rollouts", "policy", "apply", str(policy)).returncode == 0
    with Traffic(platform, "churn", rows=Customers(), connections=8) as traffic:
        accepted = platform.request("PUT", f"{endpoints.ENDPOINTS}/churn/config", asked)
        pending = accepted.json()["pending_config"]["served_entities"][0]["entity_version"]
        over = _until_over(platform, "churn")
        traffic.wait_for(40)
    explained = platform.cli("rollouts", "explain", "churn")
    policy.write_text("rules: []\n")
    assert platform.cli("rollouts", "policy", "apply", str(policy)).returncode == 0
    print(refused.text, explained.stdout, explained.stderr, sep="\n")
    assert refused.status == 403
    assert f"pierhead rollouts start churn --model {MODEL} --version {versions['timid']}" in refused.json()["message"]
    assert (accepted.status, pending) == (200, versions["timid"])
    assert over["status"] == "rolled_back"
    assert endpoints.get(platform, "churn")["state"]["config_update"] == "UPDATE_FAILED"
    assert traffic.failed == []


def test_an_ab_test_tells_two_versions_apart_on_live_traffic(platform: Platform, versions: dict[str, str]) -> None:
    a, b = endpoints.entity("churn", versions["champion"], "a"), endpoints.entity("churn", versions["timid"], "b")
    endpoints.update(platform, "churn", endpoints.config(a, b, weights=(50, 50)))
    endpoints.wait_ready(platform, "churn")
    assert platform.cli("abtests", "create", "which", "--endpoint", "churn", "--slice", "city").returncode == 0
    with Traffic(platform, "churn", rows=Customers()) as traffic:
        traffic.wait_for(400)
        wait_until("it has found something", lambda: _says(platform, "score") == "higher", 60)
    told = platform.cli("abtests", "report", "which")
    stopped = platform.cli("abtests", "stop", "which")
    print(told.stdout, told.stderr, sep="\n")
    assert traffic.failed == []
    assert "fits" in told.stdout
    assert _says(platform, "latency") in ("undecided", "higher", "lower")
    assert stopped.returncode == 0
    unknown = platform.cli("abtests", "create", "labels", "--endpoint", "churn", "--metric", "joy")
    assert "joy" in unknown.stderr


class Customers:
    """Rows of customers, the same in each run."""

    def __init__(self) -> None:
        self._draw = random.Random(7)

    def __call__(self) -> Mapping[str, object]:
        return {"age": round(self._draw.uniform(18, 90), 3), "city": self._draw.choice(CITIES)}


def _entity(version: str) -> dict[str, Any]:
    return endpoints.entity("churn", version)


def _start(platform: Platform, version: str, spec: str) -> dict[str, Any]:
    # A name of the version's own: the answers tell who gave them.
    entity = {"name": f"churn-{version}", "entity_name": MODEL, "entity_version": version}
    answer = platform.request("POST", ROLLOUTS, {"endpoint": "churn", "entity": entity, "spec": spec})
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json()["rollout"]
    return found


def _get(platform: Platform, reference: str) -> dict[str, Any]:
    answer = platform.request("GET", f"{ROLLOUTS}/{reference}")
    # The api may be on its way back.
    found: dict[str, Any] = answer.json() if answer.status == 200 else {}
    assert answer.status in (200, 502, 503), answer.text
    return found


def _until_over(platform: Platform, reference: str) -> dict[str, Any]:
    def is_over() -> bool:
        return _get(platform, reference).get("rollout", {}).get("ended_at") is not None

    wait_until("the rollout is over", is_over, 150)
    rollout: dict[str, Any] = _get(platform, reference)["rollout"]
    return rollout


def _says(platform: Platform, metric: str) -> str:
    """What the A/B test says of a metric over all units."""
    body = platform.request("GET", "/api/2.0/pierhead/abtests/which/report").json()
    (found,) = [each["says"] for each in body["findings"] if each["metric"] == metric and each["slice"] is None]
    return str(found)


def _until_step(platform: Platform, reference: str, step: int) -> None:
    def is_there() -> bool:
        found = _get(platform, reference).get("rollout")
        return found is not None and found["ready_at"] is not None and found["step"] >= step

    wait_until(f"step {step} of the rollout", is_there, 120)


def _decisions(platform: Platform, reference: str) -> list[dict[str, Any]]:
    looks: list[dict[str, Any]] = platform.request("GET", f"{ROLLOUTS}/{reference}/decisions").json()["decisions"]
    return looks


def _failed(platform: Platform) -> bool:
    return bool(endpoints.get(platform, "churn")["state"]["config_update"] == "UPDATE_FAILED")
