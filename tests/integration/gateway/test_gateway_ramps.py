"""Who answers a unit, and what goes on record about why."""

import threading
from http.client import HTTPConnection

import pytest
from gateway_rig import PATH, FakeWorker, Rig, WorkerConnection, entity, fraud, request_bytes, wait_until
from msgspec.structs import replace
from ramp_rig import SALT, observed, ramp, ramped

from pierhead.gateway.records import InferenceRecord
from pierhead.kit import frames, spool
from pierhead.serving.domain.buckets import bucket_of, digest_of
from pierhead.serving.domain.snapshot import RampRoute

USERS = [f"user-{number}" for number in range(24)]


async def never_answer(request: frames.Request, connection: WorkerConnection) -> None:
    pass


def two(rig: Rig) -> tuple[FakeWorker, FakeWorker]:
    return rig.worker("champion"), rig.worker("candidate")


def answered_by(rig: Rig, **headers: str) -> str:
    return rig.invoke(**headers).headers["served-model-name"]


def observed_soon(rig: Rig, count: int) -> list[InferenceRecord]:
    wait_until(lambda: len(observed(rig)) >= count)
    found = observed(rig)
    assert len(found) == count
    return found


@pytest.mark.parametrize("unit", ["header:X-User", "field:user"])
def test_a_unit_is_answered_by_the_model_that_its_bucket_says(rig: Rig, unit: str) -> None:
    rig.route(ramped(*two(rig), ramp(4000), unit=unit))
    candidates = {user for user in USERS if bucket_of(user.encode(), SALT) < 4000}
    assert 0 < len(candidates) < len(USERS)

    for _ in range(2):
        for user in USERS:
            body = b'{"inputs": [{"user": "%b"}]}' % user.encode()
            answer = rig.invoke(body, **({"X-USER": user} if unit == "header:X-User" else {}))
            assert answer.headers["served-model-name"] == ("candidate" if user in candidates else "champion")


@pytest.mark.parametrize(
    ("unit", "headers"), [("", {}), ("request", {}), ("header:x-user", {}), ("field:user", {"x-user": "ada"})]
)
def test_a_request_without_its_unit_is_dealt_out_by_its_id(rig: Rig, unit: str, headers: dict[str, str]) -> None:
    rig.route(ramped(*two(rig), ramp(5000), unit=unit))

    for number in range(12):
        request_id = f"r-{number}"
        expected = "candidate" if bucket_of(request_id.encode(), SALT) < 5000 else "champion"
        assert answered_by(rig, **{"x-request-id": request_id}, **headers) == expected


def test_a_growing_ramp_takes_nobody_back_and_a_route_back_takes_all(rig: Rig) -> None:
    workers = two(rig)
    had: set[str] = set()
    for points in (0, 500, 2500, 5000, 10_000):
        rig.route(ramped(*workers, ramp(points), unit="header:x-user"))
        has = {user for user in USERS if answered_by(rig, **{"x-user": user}) == "candidate"}
        assert had <= has
        had = has
    assert had == set(USERS)

    rig.route(fraud([entity("champion", workers[0])]))

    assert {answered_by(rig, **{"x-user": user}) for user in USERS} == {"champion"}


def test_heads_that_were_read_before_go_where_their_unit_belongs(rig: Rig) -> None:
    rig.route(ramped(*two(rig), ramp(5000), unit="header:x-user"))
    connection = HTTPConnection("127.0.0.1", rig.port, timeout=20)
    for _ in range(3):
        for user in USERS[:6]:
            headers = {"content-type": "application/json", "x-user": user}
            answer = rig.request("POST", PATH, b"{}", headers, connection=connection)
            expected = "candidate" if bucket_of(user.encode(), SALT) < 5000 else "champion"
            assert answer.headers["served-model-name"] == expected
    connection.close()

    assert rig.gateway.shortcuts == 6
    for record in observed_soon(rig, 18):
        assert record.bucket == int(record.unit_hash or "", 16) % 10_000


def test_a_record_says_why_this_entity_answered(rig: Rig) -> None:
    rig.route(ramped(*two(rig), ramp(5000), unit="header:x-user"))

    for user in USERS[:8]:
        rig.invoke(**{"x-user": user})
    direct = "/serving-endpoints/fraud/served-models/candidate/invocations"
    rig.invoke(path=direct, **{"x-user": "user-0"})

    *dealt, by_name = rig.spool.records()
    for user, record in zip(USERS[:8], dealt, strict=True):
        digest = digest_of(user.encode(), SALT)
        assert (record.bucket, record.unit_hash) == (digest % 10_000, f"{digest:016x}")
        assert record.route == ("candidate" if digest % 10_000 < 5000 else "primary")
        assert record.served_entity_name == {"candidate": "candidate", "primary": "champion"}[record.route]
        assert record.shadow_of is None
    assert {record.route for record in dealt} == {"candidate", "primary"}
    assert (by_name.route, by_name.bucket, by_name.unit_hash) == ("direct", None, None)


def test_nothing_is_hashed_where_there_is_no_choice(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"), unit="header:x-user")

    rig.invoke(**{"x-user": "ada"})

    [record] = rig.spool.records()
    assert (record.route, record.bucket, record.unit_hash) == ("primary", None, None)


def test_routes_share_units_by_their_ranges_under_the_endpoints_own_salt(rig: Rig) -> None:
    one, other = entity("one", rig.worker("a")), entity("other", rig.worker("b"))
    entities = [replace(one, ranges=[(0, 100), (5000, 10_000)]), replace(other, ranges=[(100, 5000)])]
    rig.route(fraud(entities, unit="header:x-user", salt="mine"))

    for user in USERS:
        expected = "other" if 100 <= bucket_of(user.encode(), "mine") < 5000 else "one"
        assert answered_by(rig, **{"x-user": user}) == expected


def test_a_ramp_that_names_nobody_changes_nothing(rig: Rig) -> None:
    rig.route(fraud([entity("champion", rig.worker("w1"))], ramp=RampRoute("gone", 10_000, SALT, 1.0)))

    assert answered_by(rig) == "champion"
    assert rig.spool.records()[0].bucket is None


def test_a_request_whose_candidate_is_gone_is_answered_by_the_champion(rig: Rig) -> None:
    champion, candidate = two(rig)
    candidate.behave = never_answer
    rig.route(ramped(champion, candidate, ramp(10_000)))
    rig.world.run(candidate.stop())
    wait_until(lambda: not any(pool.main.workers for pool in rig.pools() if pool.entity == "candidate"))

    answers: list[str] = []
    caller = threading.Thread(target=lambda: answers.append(answered_by(rig)))
    caller.start()
    wait_until(lambda: any(pool.load for pool in rig.pools()))
    rig.route(fraud([entity("champion", champion)]))
    caller.join(10)

    assert answers == ["champion"]


def test_a_request_whose_worker_died_stays_with_its_model(rig: Rig) -> None:
    deaths = []

    async def die_once(request: frames.Request, connection: WorkerConnection) -> None:
        if not deaths:
            deaths.append(request)
            connection.die()
        else:
            connection.answer(request)

    champion = rig.worker("champion")
    rig.route(ramped(champion, rig.worker("candidate", die_once), ramp(10_000)))

    assert answered_by(rig) == "candidate"
    assert len(deaths) == 1
    assert not champion.requests


def test_observers_are_told_of_every_invocation_and_of_no_one_elses(rig: Rig) -> None:
    rig.route(ramped(*two(rig), ramp(5000), observed_by=["ro1", "ab-2"]))

    for number in range(10):
        rig.invoke(**{"x-request-id": f"r-{number}"})
    wait_until(lambda: len(observed(rig)) == len(observed(rig, "ab-2")) == 10)

    assert observed(rig) == observed(rig, "ab-2") == rig.spool.records()


def test_a_share_of_the_primary_is_observed_and_all_of_the_candidate(rig: Rig) -> None:
    rig.route(ramped(*two(rig), ramp(5000), observe_rate=0.0, captured=False))

    for _ in range(20):
        rig.invoke()
    rig.invoke(path="/serving-endpoints/fraud/served-models/champion/invocations")
    answered = {pool.entity: pool.report(0.0).requests_by_status["200"] for pool in rig.pools()}
    wait_until(lambda: len(observed(rig)) == answered["candidate"])

    assert {record.route for record in observed(rig)} == {"candidate"}


def test_what_observers_cannot_be_told_is_counted_and_nobody_feels_it(rig: Rig) -> None:
    (rig.folder / "observations").write_text("not a folder")
    rig.route(ramped(*two(rig), ramp(5000)))

    assert {rig.invoke().status for _ in range(5)} == {200}

    wait_until(lambda: rig.gateway_traffic().observations_dropped == 5)
    assert len(rig.spool.records()) == 5


def test_a_caller_that_did_not_wait_is_observed(rig: Rig) -> None:
    champion = rig.worker("champion", never_answer)
    rig.route(ramped(champion, rig.worker("candidate"), ramp(0, shadow_rate=1.0)))
    with rig.connect() as caller:
        caller.sendall(request_bytes())
        wait_until(lambda: champion.requests)
    [record] = observed_soon(rig, 1)

    assert (record.status_code, record.route) == (499, "primary")
    assert not rig.spool.records()


def test_an_observer_that_has_ended_leaves_a_finished_stream(rig: Rig) -> None:
    workers = two(rig)
    rig.route(ramped(*workers, ramp(5000)))
    rig.invoke()
    rig.route(fraud([entity("champion", workers[0])]))

    wait_until(lambda: len(observed(rig)) == 1)
    [stream] = spool.streams(rig.folder / "observations", "pierhead.observations.ro1")
    wait_until(lambda: not spool.is_writer_alive(stream))

    rig.route(ramped(*workers, ramp(5000)))
    rig.invoke()
    observed_soon(rig, 2)
