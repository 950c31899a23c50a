"""Rate limits at the door."""

import threading
import time

import orjson
from gateway_rig import TOKEN, Rig, digest, entity, fraud, wait_until

from pierhead.serving.domain.snapshot import Principal, RateLimit


def limited(rig: Rig, *limits: RateLimit) -> None:
    principals = {
        digest(TOKEN): Principal("1", "ada", ["risk"]),
        digest("bobs"): Principal("2", "bob", []),
    }
    rig.route(fraud([entity("fraud-1", rig.worker("w1"))], rate_limits=list(limits)), principals=principals)


def test_who_calls_too_often_is_sent_away_for_as_long_as_it_takes(rig: Rig) -> None:
    limited(rig, RateLimit(3, "user"))

    answers = [rig.invoke() for _ in range(5)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[4].json["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert "takes 3 calls a minute from each user (rate limit by user)" in answers[4].json["message"]
    assert 1 <= int(answers[4].headers["retry-after"]) <= 60
    assert rig.invoke(Authorization="Bearer bobs").status == 200


def test_a_limit_holds_for_requests_that_take_the_shortcut_and_those_that_do_not(rig: Rig) -> None:
    limited(rig, RateLimit(10, "endpoint"))

    statuses = [rig.invoke(**({} if number % 2 else {"x-request-id": f"r-{number}"})).status for number in range(14)]

    assert statuses == [200] * 10 + [429] * 4


def test_what_limits_sent_away_is_counted(rig: Rig) -> None:
    limited(rig, RateLimit(1, "endpoint"))
    for _ in range(3):
        rig.invoke()

    file = rig.config.traffic_folder / "g1.json"
    wait_until(lambda: orjson.loads(file.read_bytes())["limited"] == {"fraud": 2})
    # Who was never let in is no business of the inference table.
    assert [record.status_code for record in rig.spool.records()] == [200]


def test_a_new_limit_counts_what_was_before_it(rig: Rig) -> None:
    limited(rig, RateLimit(5, "user"))
    for _ in range(3):
        rig.invoke()
    limited(rig, RateLimit(4, "user"))

    assert [rig.invoke().status for _ in range(3)] == [200, 429, 429]


def test_gateways_share_what_they_let_in() -> None:
    first = Rig(gateways=2)
    second = Rig(gateways=2, gateway_id="g2", traffic_folder=first.config.traffic_folder)
    try:
        for rig in (first, second):
            limited(rig, RateLimit(6, "user"))
        assert [first.invoke().status for _ in range(4)] == [200] * 4
        time.sleep(0.4)

        assert [second.invoke().status for _ in range(4)] == [200, 200, 429, 429]
    finally:
        first.close()
        second.close()


def test_many_callers_at_once_get_no_more_than_the_limit(rig: Rig) -> None:
    limited(rig, RateLimit(25, "group", "risk"))
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.extend(rig.invoke().status for _ in range(10))) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert (statuses.count(200), statuses.count(429)) == (25, 25)
