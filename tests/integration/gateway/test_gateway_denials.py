"""Invocations by callers who may not query."""

from gateway_rig import TOKEN, Rig, digest, entity, fraud, request_bytes

from pierhead.serving.domain.snapshot import Principal

NOBODY = frozenset[str]()


def test_who_may_not_query_is_refused_before_the_model_hears_of_it(rig: Rig) -> None:
    worker = rig.worker("w1")
    rig.route_fraud(worker, query_groups=frozenset({"ml-leads"}))

    for path in ("/serving-endpoints/fraud/invocations", "/serving-endpoints/fraud/served-models/fraud-1/invocations"):
        answer = rig.invoke(b'{"inputs": [[1.0]]}', path=path)
        assert (answer.status, answer.json["error_code"]) == (403, "PERMISSION_DENIED")
        assert "'ada' may not query serving endpoint 'fraud': that takes CAN_QUERY" in answer.json["message"]
        assert answer.headers["x-request-id"]
    assert not worker.requests
    assert not rig.spool.records()


def test_a_right_that_is_given_or_taken_holds_with_the_next_snapshot(rig: Rig) -> None:
    worker = rig.worker("w1")
    for may, rights in (
        (False, {"query_groups": NOBODY}),
        (True, {"query_groups": NOBODY, "query_users": frozenset({"1"})}),
        (False, {"query_groups": NOBODY}),
        (True, {"query_groups": None}),
    ):
        rig.route_fraud(worker, **rights)
        assert rig.invoke().status == (200 if may else 403)


def test_a_group_opens_the_door_for_its_members(rig: Rig) -> None:
    route = fraud([entity("fraud-1", rig.worker("w1"))], query_groups=frozenset({"data-scientists"}))
    for groups, status in ((["data-scientists"], 200), (["Data-Scientists"], 403), ([], 403)):
        rig.route(route, principals={digest(TOKEN): Principal("1", "ada", groups)})
        assert rig.invoke().status == status


def test_why_nothing_is_live_is_told_only_to_who_may_query(rig: Rig) -> None:
    rig.route(fraud([], query_groups=NOBODY, reason="the deployment failed: secret-package 1.0 is missing"))
    answer = rig.invoke()
    assert answer.status == 403
    assert "secret-package" not in answer.json["message"]


def test_the_connection_stays_open_after_a_denial(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"), query_groups=NOBODY)
    with rig.connect() as connection:
        for _ in range(2):
            connection.sendall(request_bytes())
            received = b""
            while b"can give it" not in received:
                received += connection.recv(1 << 16)
            assert received.startswith(b"HTTP/1.1 403 ")
