"""However the bytes of spans are bent: what protobuf's own parser makes of them is what rights are asked for."""

from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pierhead.kit.errors import BadRequest
from pierhead.tracking.domain.spans import traces_of_protobuf

_TRACES = st.binary(min_size=1, max_size=17)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    request = ExportTraceServiceRequest()
    for traces in draw(st.lists(st.lists(_TRACES, max_size=3), max_size=2)):
        scope = request.resource_spans.add(schema_url="x").scope_spans.add()
        for trace in traces:
            span = scope.spans.add(trace_id=trace, span_id=b"s" * 8, name="ask", start_time_unix_nano=1, flags=3)
            span.attributes.add(key="k").value.int_value = 5
    return request.SerializeToString()


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(requests()))
    for at, byte in draw(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=4)):
        if at < len(body):
            body[at] = byte
    return bytes(body) + draw(st.sampled_from([b"", b"\x0a", b"\x0b\x0c", b"\x8a\x80\x00\x00", b"\x10\x01"]))


def _parsed(body: bytes) -> set[str] | None:
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError:
        return None
    return {
        f"tr-{int.from_bytes(span.trace_id):032x}"
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if span.trace_id
    }


@given(requests())
def test_what_clients_send_is_read(body: bytes) -> None:
    assert traces_of_protobuf(body) == _parsed(body)


@settings(max_examples=1000)
@given(st.one_of(bent(), st.binary(max_size=60)))
def test_what_is_bent_is_refused_or_read_alike(body: bytes) -> None:
    try:
        traces = traces_of_protobuf(body)
    except BadRequest:
        return
    assert (_parsed(body) or set()) <= traces
