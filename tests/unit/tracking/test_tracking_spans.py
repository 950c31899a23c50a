"""Bodies of spans: compressed, and looked through."""

import gzip
import tracemalloc
import zlib

import pytest

from pierhead.kit.errors import BadRequest, InvalidArgument
from pierhead.tracking.domain.inflating import Inflater
from pierhead.tracking.domain.spans import SpanScreen

KEY = b"mlflow.traceTag.mlflow.artifactLocation"


def _look_through(*pieces: bytes) -> None:
    screen = SpanScreen()
    for piece in pieces:
        screen.look_at(piece)


@pytest.mark.parametrize("cut", range(len(KEY)))
def test_a_reserved_tag_is_found_wherever_the_body_is_cut(cut: int) -> None:
    body = b"before" + KEY + b"after"

    with pytest.raises(InvalidArgument, match="leave it out"):
        _look_through(body[: 6 + cut], body[6 + cut :])


def test_a_reserved_tag_is_found_a_byte_at_a_time() -> None:
    with pytest.raises(InvalidArgument):
        _look_through(*(bytes([byte]) for byte in KEY))


def test_other_tags_pass() -> None:
    _look_through(b"mlflow.traceTag.team", b"mlflow.traceTag.", b"x", b"mlflow.artifactLocation")


@pytest.mark.parametrize(
    ("encoding", "body"), [("gzip", gzip.compress(b"spans" * 99)), ("deflate", zlib.compress(b"spans" * 99))]
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_body_is_inflated_however_it_is_cut(encoding: str, body: bytes, size: int) -> None:
    inflater = Inflater(encoding)

    pieces = [piece for at in range(0, len(body), size) for piece in inflater.feed(body[at : at + size])]
    inflater.end()

    assert b"".join(pieces) == b"spans" * 99


def test_one_gzip_file_may_follow_another() -> None:
    inflater = Inflater("gzip")

    assert b"".join(inflater.feed(gzip.compress(b"a") + gzip.compress(b"b"))) == b"ab"


def test_a_bomb_is_inflated_only_as_far_as_somebody_asks() -> None:
    bomb = gzip.compress(bytes(200_000_000), 1)
    tracemalloc.start()

    pieces = Inflater("gzip").feed(bomb)
    sizes = [len(next(pieces)) for _ in range(10)]

    assert max(sizes) <= 256 * 1024
    assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    tracemalloc.stop()


def test_a_broken_stream_is_refused() -> None:
    with pytest.raises(BadRequest, match="not valid gzip"):
        list(Inflater("gzip").feed(b"plain"))
    cut_off = Inflater("gzip")
    list(cut_off.feed(gzip.compress(b"spans")[:-1]))
    with pytest.raises(BadRequest, match="ends before"):
        cut_off.end()
