"""Requests that are ambiguous or endless."""

import pytest

from pierhead.gateway.http.head import Head
from pierhead.gateway.http.parsing import Malformed, RequestParser

CHUNKED = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class Seen:
    """Keeps what a parser finds."""

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self.body = b""
        self.ended = 0

    def head_parsed(self, head: Head) -> None:
        self.heads.append(head)

    def body_parsed(self, chunk: bytes) -> None:
        self.body += chunk

    def request_parsed(self) -> None:
        self.ended += 1


def status_of(*pieces: bytes, max_header_bytes: int = 1000) -> int | None:
    """What the pieces are refused with, if they are."""
    parser = RequestParser(Seen(), max_header_bytes)
    try:
        for piece in pieces:
            parser.feed(piece)
    except Malformed as error:
        return error.refusal.status
    return None


def test_an_endless_trailer_is_refused() -> None:
    assert status_of(CHUNKED + b"2\r\n{}\r\n0\r\nx-t: ", *[b"a" * 100] * 11) == 431


def test_many_small_trailers_are_refused() -> None:
    assert status_of(CHUNKED, b"0\r\n", *[b"x-t: a\r\n" * 10] * 20) == 431


def test_an_endless_chunk_extension_is_refused() -> None:
    assert status_of(CHUNKED + b"2;a=", *[b"a" * 100] * 11) == 431


def test_a_few_trailers_are_read_over() -> None:
    seen = Seen()
    parser = RequestParser(seen, 1000)
    for byte in CHUNKED + b"2\r\n{}\r\n0\r\nx-sum: abc\r\n\r\n":
        parser.feed(bytes([byte]))

    assert (seen.body, seen.ended) == (b"{}", 1)
    assert [name for name, _ in seen.heads[0].headers] == [b"host", b"transfer-encoding"]


def test_a_long_body_in_tiny_pieces_is_no_overhead() -> None:
    seen = Seen()
    parser = RequestParser(seen, 200)
    parser.feed(CHUNKED)
    for _ in range(500):
        for byte in b"1\r\nx\r\n":
            parser.feed(bytes([byte]))
    parser.feed(b"0\r\n\r\n")

    assert (len(seen.body), seen.ended) == (500, 1)


@pytest.mark.parametrize(
    "codings",
    [
        (b"gzip", b"chunked"),
        (b"chunked", b"chunked"),
        (b"gzip, chunked",),
        (b"identity",),
        (b"chunked", b"identity"),
        (b"chunked", b""),
        (b"",),
    ],
)
def test_nothing_but_one_word_chunked_frames_a_body(codings: tuple[bytes, ...]) -> None:
    lines = b"".join(b"Transfer-Encoding: %b\r\n" % coding for coding in codings)

    assert status_of(b"POST /a HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n0\r\n\r\n") in (400, 501)


def test_the_word_chunked_may_be_written_in_capitals() -> None:
    assert status_of(b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n") is None


@pytest.mark.parametrize("name", [b"Host", b"Authorization", b"Origin"])
def test_what_readers_could_read_differently_is_refused(name: bytes) -> None:
    lines = name + b": a\r\n" + name.lower() + b": b\r\n"

    assert status_of(b"GET /a HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n") == 400
