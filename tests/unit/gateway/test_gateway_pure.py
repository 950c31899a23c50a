"""The gateway's pure parts."""

import base64
from time import process_time

import pytest

from pierhead.gateway.auth import authenticate, refuse_cross_site, token_of
from pierhead.gateway.capture import error_code_of, missing_bodies
from pierhead.gateway.client_ids import strip_client_keys
from pierhead.gateway.forwarding import origin_form, request_head, response_lines
from pierhead.gateway.http.answers import Refusal, date_line, header_value, status_line
from pierhead.gateway.http.head import Head
from pierhead.gateway.records import InferenceRecord, decode, encode, encode_all
from pierhead.gateway.routing import Target, find_endpoint, invocation_target
from pierhead.serving.domain.snapshot import EMPTY, EndpointRoute, EntityRoute, Principal, Snapshot

ADA = Principal("1", "ada", [], expires_at_ms=2000)


def head(*headers: tuple[bytes, bytes], **fields: object) -> Head:
    known = {
        "method": "GET",
        "target": b"/a",
        "version": "1.1",
        "keep_alive": True,
        "content_length": None,
        "is_chunked": False,
        "expects_continue": False,
    }
    return Head(headers=list(headers), **{**known, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("authorization", "token"),
    [
        (b"Bearer t", b"t"),
        (b"BEARER   t ", b"t"),
        (b"Basic " + base64.b64encode(b"user:t:with:colons"), b"t:with:colons"),
        (b"Basic " + base64.b64encode(b"user:"), None),
        (b"Basic " + base64.b64encode(b"user"), None),
        (b"Basic %%%", None),
        (b"Bearer ", None),
        (b"Token t", None),
        (b"", None),
    ],
)
def test_a_token_is_found_where_clients_put_it(authorization: bytes, token: bytes | None) -> None:
    assert token_of(authorization) == token


def test_a_principal_is_known_by_the_digest_of_its_token_until_it_expires() -> None:
    from hashlib import sha256

    principals = {sha256(b"t").hexdigest(): ADA}

    assert authenticate(b"Bearer t", principals, 1999) == ADA
    for authorization, now_ms in ((b"Bearer t", 2000), (b"Bearer u", 0), (None, 0)):
        refusal = authenticate(authorization, principals, now_ms)
        assert isinstance(refusal, Refusal)
        assert (refusal.status, refusal.code) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("origin", "host", "is_refused"),
    [
        (b"https://pier.example", b"pier.example", False),
        (b"http://evil.example", b"pier.example", True),
        (b"null", b"pier.example", True),
        (b"http://[", b"pier.example", True),
        (b"http://pier.example", None, True),
    ],
)
def test_only_our_own_pages_may_send_requests(origin: bytes, host: bytes | None, is_refused: bool) -> None:
    assert (refuse_cross_site(origin, host) is not None) == is_refused


@pytest.mark.parametrize(
    "path",
    [
        b"/serving-endpoints",
        b"/serving-endpoints/fraud",
        b"/serving-endpoints//invocations",
        b"/serving-endpoints/fraud/invocations/more",
        b"/serving-endpoints/fraud/served-models//invocations",
        b"/serving-endpoints/fraud/other/x/invocations",
        b"/serving-endpoints-x/fraud/invocations",
    ],
)
def test_other_paths_are_no_invocations(path: bytes) -> None:
    assert invocation_target(path) is None


def test_an_encoded_slash_belongs_to_the_name() -> None:
    assert invocation_target(b"/serving-endpoints/a%2Fb/invocations") == Target("a/b", None)


def test_an_endpoint_is_found_or_the_reason_told() -> None:
    live = EndpointRoute("live", "1", 1, [EntityRoute("a", "1", "m", "1", 100, [])])
    down = EndpointRoute("down", "2", 1, [], reason="it was stopped")
    snapshot = Snapshot(1, {}, {"live": live, "down": down})

    assert find_endpoint(snapshot, Target("live", None)) is live
    refusal = find_endpoint(snapshot, Target("down", None))
    assert refusal == Refusal(400, "INVALID_STATE", "serving endpoint 'down' has no live served entity: it was stopped")
    missing = find_endpoint(EMPTY, Target("live", None))
    assert isinstance(missing, Refusal)
    assert missing.status == 404


@pytest.mark.parametrize(
    ("body", "stripped", "client_request_id"),
    [
        (b'{"inputs": 1}', b'{"inputs": 1}', None),
        (b'{"client_request_id": 17, "inputs": 1}', b'{"inputs":1}', "17"),
        (b'{"client_request_id": null, "inputs": 1}', b'{"inputs":1}', None),
        (b'{"client_request_id": "\\ud800", "inputs": 1}', b'{"inputs": 1}', "?"),
        (b'{"usage_context": {}, "inputs": 1}', b'{"inputs":1}', None),
        (b'{"inputs": [{"client_request_id": "x"}]}', b'{"inputs": [{"client_request_id": "x"}]}', None),
        (b'{"inputs": [NaN], "a": "client_request_id"}', b'{"inputs": [NaN], "a": "client_request_id"}', None),
        (
            b'{"client_request_id":"a","inputs":[1e400,12345678901234567890123,0.1000]}',
            b'{"inputs":[1e400,12345678901234567890123,0.1000]}',
            "a",
        ),
        (b'{"client_request_id": "a", ', b'{"client_request_id": "a", ', None),
        (b'"client_request_id"', b'"client_request_id"', None),
        (b'client_request_id,"client_request_id"\n1,2', b'client_request_id,"client_request_id"\n1,2', None),
    ],
)
def test_our_keys_are_taken_out_and_nothing_else_changes(
    body: bytes, stripped: bytes, client_request_id: str | None
) -> None:
    assert strip_client_keys(body) == (stripped, client_request_id)


def test_a_body_nested_too_deep_goes_to_the_model_as_it_is() -> None:
    body = b'{"client_request_id": "a", "inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert strip_client_keys(body) == (body, None)


def test_a_forwarded_head_keeps_what_is_for_the_api() -> None:
    found = request_head(
        head(
            (b"host", b"pier"),
            (b"connection", b"close, x-private"),
            (b"x-private", b"1"),
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
            (b"transfer-encoding", b"chunked"),
            (b"x-forwarded-proto", b"https"),
            (b"expect", b"100-continue"),
            method="PUT",
            is_chunked=True,
        ),
        "10.0.0.9",
    )

    assert found == (
        b"PUT /a HTTP/1.1\r\nhost: pier\r\ncookie: a=1\r\ncookie: b=2\r\ntransfer-encoding: chunked\r\n"
        b"x-forwarded-for: 10.0.0.9\r\nx-forwarded-proto: https\r\n\r\n"
    )


def test_a_body_of_no_bytes_is_announced_as_such() -> None:
    assert b"content-length: 0\r\n" in request_head(head(content_length=0, method="POST"), "")
    assert b"content-length" not in request_head(head(), "")


def test_the_api_s_own_framing_is_not_passed_on() -> None:
    lines, length = response_lines([(b"content-length", b"5"), (b"connection", b"close"), (b"server", b"x")])
    assert (lines, length) == (b"server: x\r\n", 5)
    assert response_lines([(b"transfer-encoding", b"chunked")]) == (b"", None)


@pytest.mark.parametrize(
    ("target", "expected"),
    [(b"*", b"*"), (b"http://h", b"/"), (b"http://h/a?b", b"/a?b"), (b"/a//b?c", b"/a//b?c")],
)
def test_a_target_is_asked_of_the_api_by_its_path(target: bytes, expected: bytes) -> None:
    assert origin_form(target) == expected


def test_answers_have_proper_first_lines_and_dates() -> None:
    assert status_line(404) == b"HTTP/1.1 404 Not Found\r\n"
    assert status_line(299) == b"HTTP/1.1 299 \r\n"
    assert date_line().endswith(b" GMT\r\n")
    assert header_value("é\n😀\x7f") == "é?".encode("latin-1")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error_code": "BAD_REQUEST"}', "BAD_REQUEST"),
        (b"{}", None),
        (b"oops", None),
        (b"[1]", None),
        (b'{"error_code": 5}', None),
    ],
)
def test_the_code_of_a_failed_answer_is_read_if_there_is_one(body: bytes, code: str | None) -> None:
    assert error_code_of(body) == code


def test_fields_on_their_way_to_the_spool_are_a_record() -> None:
    record = InferenceRecord(
        *("r-1", None, 5, 400, 3.0, 0.25, b"a\n1", "text/csv", b"no", [], "fraud", "e1", 7, "id-1", "champion"),
        *("ml.fraud.model", "3", "ada", 1.0, 2.0, "BAD_REQUEST"),
    )

    fields = tuple(getattr(record, name) for name in InferenceRecord.__struct_fields__)

    assert encode_all([fields]) == [encode(record)]
    assert decode(encode_all([fields])[0]) == record


def test_a_record_of_an_older_gateway_says_nothing_about_routes() -> None:
    fields = (*("r-1", None, 5, 200, 3.0, 1.0, b"", "text/csv", b"", [], "fraud", "e1", 7, "id-1", "champion"),)

    [encoded] = encode_all([(*fields, "ml.fraud.model", "3", "ada", 1.0, 2.0, None)])

    record = decode(encoded)
    assert (record.route, record.bucket, record.unit_hash, record.shadow_of) == ("", None, None, None)


def test_a_body_that_is_too_long_for_a_record_is_named() -> None:
    long = b"x" * (1024 * 1024 + 1)

    assert missing_bodies(long, b"") == ["MAX_REQUEST_SIZE_EXCEEDED"]
    assert missing_bodies(long, long) == ["MAX_REQUEST_SIZE_EXCEEDED", "MAX_RESPONSE_SIZE_EXCEEDED"]


def test_values_that_strict_json_does_not_know_keep_their_bytes() -> None:
    body = b'{"inputs": [NaN, -Infinity, 1.00, 1E7], "NaN": "Infinity", "client_request_id": "NaN 1"}'

    assert strip_client_keys(body) == (
        b'{"inputs":[NaN, -Infinity, 1.00, 1E7],"NaN":"Infinity"}',
        "NaN 1",
    )


def test_a_long_body_with_nan_takes_no_time_of_others() -> None:
    body = b'{"client_request_id": "a", "inputs": [[NaN],' + b",".join([b"[1]"] * 2_000_000) + b"]}"
    began = process_time()

    stripped, client_request_id = strip_client_keys(body)

    assert process_time() - began < 0.5
    assert client_request_id == "a"
    assert stripped == b'{"inputs":' + body.partition(b'"inputs": ')[2]


def test_a_long_body_that_only_a_lenient_reader_understands_is_left_to_the_model() -> None:
    body = b'{"client_request_id": "a", "half": "\\ud800", "inputs": [' + b"1," * 100_000 + b"1]}"

    assert strip_client_keys(body) == (body, None)


def test_long_targets_are_read_and_not_remembered() -> None:
    import tracemalloc

    long = "a" * 60_000
    tracemalloc.start()
    try:
        for number in range(200):
            path = f"/serving-endpoints/{number}{long}/invocations".encode()
            assert invocation_target(path) == Target(f"{number}{long}", None)
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept_bytes < 1_000_000


def test_what_is_no_url_has_no_path() -> None:
    with pytest.raises(ValueError, match="Invalid IPv6 URL"):
        origin_form(b"http://[x/")
    with pytest.raises(UnicodeDecodeError):
        origin_form(b"http://h/\xff")
