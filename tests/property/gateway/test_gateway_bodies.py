"""What is taken out of bodies, and what comes in pieces."""

import json
import math
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pierhead.gateway.capture import is_sampled
from pierhead.gateway.client_ids import strip_client_keys
from pierhead.gateway.http.head import Head
from pierhead.gateway.http.parsing import Malformed, RequestParser

numbers = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
objects = st.dictionaries(st.text(), values)


@given(objects, st.text(), st.booleans())
def test_everything_but_our_keys_reaches_the_model(body: dict[str, Any], ours: str, with_nan: bool) -> None:
    body.pop("usage_context", None)
    body.pop("client_request_id", None)
    extra = {"nan": math.nan} if with_nan else {}
    sent = {"client_request_id": ours, **body, **extra, "usage_context": {"a": [1]}}

    stripped, kept = strip_client_keys(json.dumps(sent).encode())

    assert kept == ours
    received = json.loads(stripped)
    if with_nan:
        assert math.isnan(received.pop("nan"))
        body.pop("nan", None)
    assert received == body


@given(st.binary())
def test_what_is_no_json_object_comes_back_as_it_is(body: bytes) -> None:
    assert strip_client_keys(b'["client_request_id"' + body) == (b'["client_request_id"' + body, None)
    assert strip_client_keys(body)[0] == body


@given(st.floats(0, 1), st.lists(st.uuids(), min_size=1))
def test_a_greater_rate_keeps_what_a_smaller_one_kept(rate: float, ids: list[Any]) -> None:
    for one in ids:
        assert not is_sampled(str(one), rate / 2) or is_sampled(str(one), rate)


class Parts:
    """Collects what a parser finds."""

    def __init__(self) -> None:
        self.found: list[tuple[str, bytes, bytes]] = []
        self._body = b""
        self._head: Head | None = None

    def head_parsed(self, head: Head) -> None:
        self._head = head
        self._body = b""

    def body_parsed(self, chunk: bytes) -> None:
        self._body += chunk

    def request_parsed(self) -> None:
        assert self._head is not None
        self.found.append((self._head.method, self._head.target, self._body))


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, tuple[str, bytes, bytes]]:
    body = draw(st.binary(max_size=200))
    extra = draw(st.sampled_from([b"", b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b"x-a: " + b"b" * 100 + b"\r\n"]))
    if draw(st.booleans()):
        framing = b"Transfer-Encoding: chunked\r\n"
        step = draw(st.integers(1, 50))
        pieces = [body[at : at + step] for at in range(0, len(body), step)]
        payload = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        framing = b"Content-Length: %d\r\n" % len(body)
        payload = body
    path = draw(st.sampled_from([b"/a", b"/b?c=d"]))
    return b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" + framing + extra + b"\r\n" + payload, ("POST", path, body)


@given(st.lists(requests(), max_size=4), st.lists(st.integers(0, 2000), max_size=8))
def test_requests_are_the_same_however_they_are_cut(sent: list[Any], cuts: list[int]) -> None:
    stream = b"".join(raw for raw, _ in sent)
    parts = Parts()
    parser = RequestParser(parts, 64 * 1024)

    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    for start, end in pairwise(edges):
        parser.feed(stream[start:end])

    assert parts.found == [expected for _, expected in sent]


def test_a_long_body_does_not_count_as_part_of_the_next_head() -> None:
    parts = Parts()
    parser = RequestParser(parts, 1000)
    first = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000

    parser.feed(first + b"POST /b HTTP/1.1\r\nHost: x\r\nConte")
    parser.feed(b"nt-Length: 0\r\n\r\n")

    assert [target for _, target, _ in parts.found] == [b"/a", b"/b"]


@given(st.lists(st.binary(min_size=1, max_size=100), max_size=5))
def test_no_bytes_break_the_parser(chunks: list[bytes]) -> None:
    parser = RequestParser(Parts(), 1000)
    statuses = set()
    for chunk in chunks:
        try:
            parser.feed(chunk)
        except Malformed as error:
            statuses.add(error.refusal.status)
            break

    assert statuses <= {400, 431, 501, 505}
