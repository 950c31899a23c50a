"""The HTTP shell on any bytes: what it takes for a request is what a strict reader takes for one, in any pieces."""

import time
from collections.abc import Sequence
from itertools import pairwise

import h11
from gateway_world import Caller, FakeLoop
from hypothesis import given, settings
from hypothesis import strategies as st

from pierhead.gateway.http.answers import JSON
from pierhead.gateway.http.exchange import Exchange
from pierhead.gateway.http.handler import Handler
from pierhead.gateway.http.limits import Limits
from pierhead.gateway.http.shortcuts import ExpressLine
from pierhead.gateway.http.silent import Silent
from pierhead.gateway.http.site import Site

Served = tuple[str, bytes, bytes]


class Echo:
    """Answers every request with its method, target and body, at the end of a turn; remembers them."""

    def __init__(self, *, with_shortcuts: bool) -> None:
        self.loop = FakeLoop()
        self.site = Site(self.serve, Limits(header_bytes=4096), self.loop)
        self.served: list[Served] = []
        self.shortcuts_taken = 0
        self._with_shortcuts = with_shortcuts

    def serve(self, exchange: Exchange) -> Handler:
        exchange.send_continue()
        head = exchange.head
        if self._with_shortcuts and head.content_length is not None:
            exchange.shortcut = EchoShortcut(self, head.method, head.target, head.content_length)
        return EchoHandler(self, exchange)

    def answer(self, line: ExpressLine, served: Served) -> None:
        self.served.append(served)
        method, target, body = served
        self.loop.call_soon(line.answer, 200, JSON, method.encode() + b" " + target + b" " + body)


class EchoHandler(Silent):
    def __init__(self, echo: Echo, exchange: Exchange) -> None:
        self._echo = echo
        self._exchange = exchange
        self._body = b""

    def receive(self, chunk: bytes) -> None:
        self._body += chunk

    def complete(self) -> None:
        head = self._exchange.head
        self._echo.answer(self._exchange, (head.method, head.target, self._body))


class EchoShortcut:
    def __init__(self, echo: Echo, method: str, target: bytes, length: int) -> None:
        self.length = length
        self._echo = echo
        self._begin = (method, target)

    def take(self, line: ExpressLine, body: bytes, now_s: float) -> Handler:
        self._echo.shortcuts_taken += 1
        self._echo.answer(line, (*self._begin, body))
        return Silent()


def feed(pieces: Sequence[bytes], *, with_shortcuts: bool) -> tuple[Echo, bytes]:
    """What was served and answered."""
    echo = Echo(with_shortcuts=with_shortcuts)
    caller = Caller(echo.site.connection())
    for piece in pieces:
        caller.send(piece)
        echo.loop.run_due()
        caller.read_on()
        echo.loop.run_due()
    caller.read_on()
    echo.site.sweep()
    echo.loop.run_due()
    caller.transport.lose()
    echo.loop.run_due()
    assert not echo.site.open
    return echo, caller.transport.written


def strict_reading(stream: bytes) -> list[Served]:
    """What h11 finds before it finds an error, with the three liberties that RFC 9112 allows (see `tolerated`)."""
    found: list[Served] = []
    rest = stream
    while rest:
        one = read_one(rest) or read_one(tolerated(rest))
        if one is None:
            return found
        served, rest, goes_on = one
        found.append(served)
        if not goes_on:
            return found
    return found


def read_one(stream: bytes) -> tuple[Served, bytes, bool] | None:
    """The first request, what follows it, and whether anything may; None if it is not whole or no request."""
    reader = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    reader.receive_data(stream)
    body = b""
    try:
        request = reader.next_event()
        if not isinstance(request, h11.Request):
            return None
        while isinstance(event := reader.next_event(), h11.Data):
            body += event.data
    except h11.RemoteProtocolError:
        return None
    if not isinstance(event, h11.EndOfMessage):
        return None
    return (request.method.decode(), request.target, body), reader.trailing_data[0], reader.their_state is h11.DONE


def tolerated(stream: bytes) -> bytes:
    """Empty lines before a request are read over (2.2), and spaces in its first line may be many (3)."""
    stream = stream.lstrip(b"\r\n")
    first, end, rest = stream.partition(b"\r\n")
    words = first.split(b" ")
    return b" ".join(word for word in words if word) + end + rest


def read_answers(stream: bytes, served: Sequence[Served]) -> list[tuple[int, bytes]]:
    """Status and body of every final answer, as a strict client reads them."""
    answers = []
    methods = [method for method, _, _ in served] + ["GET"] * 50
    at = 0
    rest = stream
    while rest:
        client = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        method = methods[at]
        client.send(h11.Request(method=method, target="/", headers=[("host", "x"), ("content-length", "0")]))
        client.send(h11.EndOfMessage())
        client.receive_data(rest)
        body = b""
        status = 0
        while True:
            event = client.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            elif event is h11.NEED_DATA and rest == b"HTTP/1.1 100 Continue\r\n\r\n":
                # The caller that it was said to has not sent its body.
                return answers
            else:
                assert isinstance(event, h11.InformationalResponse), (event, stream)
        answers.append((status, body))
        rest = client.trailing_data[0]
        at += 1
    return answers


SOUND = [
    b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz",
    b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: 24\r\n\r\nPOST /x HTTP/1.1\r\nHost: ",
    b"GET /c HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    b"HEAD /f HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /g HTTP/1.0\r\nHost: x\r\nContent-Length: 1\r\n\r\n1",
    b"POST /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1",
]

SHADY = [
    b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
    b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc",
    b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc",
    b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nabc",
    b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc",
    b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n 3\r\n\r\nabc",
    b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\tmore: 1\r\n\r\nabc",
    b"POST /s HTTP/1.1\nHost: x\nContent-Length: 3\n\nabc",
    b"POST /s HTTP/1.1\r\nHost: x\r\nX: a\nContent-Length: 30\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /s HTTP/1.1\r\nHost: x\r\nX: a\rContent-Length: 30\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /s HTTP/1.1\r\nHost: x\r\nX: a\x00\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
    b"POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    b"POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    b"POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"POST  /s  HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /s HTTP/1.1\r\n Host: x\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /s HTTP/2.0\r\nHost: x\r\n\r\n",
    b"\r\nPOST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Requests behind each other: sound ones, shady ones, cut ones, some with a byte changed."""
    parts = []
    for _ in range(draw(st.integers(1, 6))):
        part = draw(st.sampled_from(SOUND) | st.sampled_from(SOUND) | st.sampled_from(SHADY))
        if draw(st.integers(0, 7)) == 0:
            at = draw(st.integers(0, len(part) - 1))
            part = part[:at] + draw(st.binary(max_size=2)) + part[at + draw(st.integers(0, 2)) :]
        parts.append(part)
    stream = b"".join(parts)
    return stream[: draw(st.integers(0, len(stream)))] if draw(st.integers(0, 3)) == 0 else stream


@st.composite
def in_pieces(draw: st.DrawFn, of: st.SearchStrategy[bytes]) -> list[bytes]:
    stream = draw(of)
    if draw(st.booleans()):
        # As clients send: a request, or its head, in each piece.
        marked = stream.replace(b"POST ", b"\0POST ").replace(
            b"\r\n\r\n", b"\r\n\r\n\0" * draw(st.integers(0, 1)) or b"\r\n\r\n"
        )
        if b"\0" not in stream:
            return [piece for piece in marked.split(b"\0") if piece]
    cuts = sorted(draw(st.sets(st.integers(0, len(stream)), max_size=8)))
    edges = [0, *cuts, len(stream)]
    return [stream[a:b] for a, b in pairwise(edges) if a < b]


@settings(max_examples=400, deadline=None)
@given(in_pieces(streams()))
def test_a_strict_reader_finds_the_same_requests(pieces: list[bytes]) -> None:
    began = time.process_time()
    echo, written = feed(pieces, with_shortcuts=True)

    assert time.process_time() - began < 1
    strict = strict_reading(b"".join(pieces))
    # We may refuse what the strict reader lets pass; whatever we serve, it finds at the same place.
    assert echo.served == strict[: len(echo.served)]
    answers = read_answers(written, echo.served)
    expected = [(200, b"" if m == "HEAD" else m.encode() + b" " + t + b" " + b) for m, t, b in echo.served]
    assert answers[: len(expected)] == expected
    # Behind them comes at most one refusal.
    assert len(answers) - len(expected) <= 1
    assert all(400 <= status < 600 for status, _ in answers[len(expected) :])


@settings(max_examples=400, deadline=None)
@given(in_pieces(streams()))
def test_shortcuts_change_nothing_but_the_time(pieces: list[bytes]) -> None:
    quick, _ = feed(pieces, with_shortcuts=True)
    slow, _ = feed(pieces, with_shortcuts=False)

    assert quick.served == slow.served


@given(st.lists(st.sampled_from([b"abc", b"xyz", b"GET", b"\r\n\r"]), min_size=2, max_size=8), st.booleans())
def test_the_same_head_again_takes_the_shortcut(bodies: list[bytes], is_apart: bool) -> None:
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    pieces = [piece for body in bodies for piece in ([head, body] if is_apart else [head + body])]

    echo, written = feed(pieces, with_shortcuts=True)

    assert [body for _, _, body in echo.served] == bodies
    assert echo.shortcuts_taken == len(bodies) - 1
    assert [body[-3:] for _, body in read_answers(written, echo.served)] == bodies


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=5))
def test_no_bytes_break_the_shell(pieces: list[bytes]) -> None:
    feed(pieces, with_shortcuts=True)
