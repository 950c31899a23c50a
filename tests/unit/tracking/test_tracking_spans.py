"""Bodies of spans: compressed, and looked through."""

import gzip
import tracemalloc
import uuid
import zlib

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pierhead.kit.errors import BadRequest, InvalidArgument
from pierhead.tracking.domain.inflating import Inflater
from pierhead.tracking.domain.spans import refuse_reserved_tags, traces_of_json, traces_of_protobuf

TRACE = uuid.UUID(int=7)


def _request(*traces: bytes) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for trace in traces:
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = "shop"
        span = resource.scope_spans.add().spans.add(name="ask", start_time_unix_nano=1, trace_id=trace, span_id=b"abc")
        span.attributes.add(key="n").value.double_value = 0.5
        span.status.code = 1
    return request


@pytest.mark.parametrize("key", [b"mlflow.traceTag.mlflow.artifactLocation", b"mlflow.traceTag.pierhead.owner"])
def test_a_reserved_tag_is_found(key: bytes) -> None:
    with pytest.raises(InvalidArgument, match="leave it out"):
        refuse_reserved_tags(b"before" + key + b"after")


def test_other_tags_pass() -> None:
    refuse_reserved_tags(b"mlflow.traceTag.team mlflow.traceTag.\x00 mlflow.artifactLocation pierhead.owner")


def test_the_traces_of_spans_have_the_ids_that_mlflow_gives_them() -> None:
    body = _request(TRACE.bytes, b"\xff" * 16, TRACE.bytes).SerializeToString()

    assert traces_of_protobuf(body) == {"tr-" + "0" * 31 + "7", "tr-" + "f" * 32}


def test_a_trace_that_a_span_names_twice_is_asked_for_twice() -> None:
    """Parsers take the last of two ids; both count here, so that no other reading can be worse."""
    first, second = (_request(trace).resource_spans[0].scope_spans[0].spans[0] for trace in (b"a", b"b"))
    span = first.SerializeToString() + second.SerializeToString()
    scope = b"\x12" + bytes([len(span)]) + span
    resource = b"\x12" + bytes([len(scope)]) + scope
    body = b"\x0a" + bytes([len(resource)]) + resource

    assert len(traces_of_protobuf(body)) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a\x05ab",
        b"\x0a",
        b"\x08\x01",
        b"\x0b\x0c",
        b"\x8a\x80\x80\x80\x80\x80\x00\x00",
        b"\xff\xff\xff\xff\xff",
        b"\x0a\xff\xff\xff\xff\xff\x01",
    ],
)
def test_protobuf_that_could_be_read_in_two_ways_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="protobuf"):
        traces_of_protobuf(body)


def test_spans_in_json_are_read_likewise() -> None:
    span = {"traceId": "0" * 31 + "7", "spanId": "ab" * 8}

    assert traces_of_json({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}) == {"tr-" + "0" * 31 + "7"}
    assert traces_of_json({}) == frozenset()


@pytest.mark.parametrize(
    "request_body",
    [
        [],
        {"resource_spans": []},
        {"resourceSpans": None},
        {"resourceSpans": [{"scope_spans": []}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"trace_id": "AAAA"}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "ab cd"}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": 7}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "07", "trace_id": "BwA="}]}]}]},
    ],
)
def test_spans_in_json_of_another_spelling_are_refused(request_body: object) -> None:
    with pytest.raises(BadRequest):
        traces_of_json(request_body)


@pytest.mark.parametrize(
    ("encoding", "body"), [("gzip", gzip.compress(b"spans" * 99, mtime=0)), ("deflate", zlib.compress(b"spans" * 99))]
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
