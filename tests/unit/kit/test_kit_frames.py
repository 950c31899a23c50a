import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierhead.kit import frames


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.binary(max_size=200)), max_size=8), st.integers(1, 64))
def test_frames_come_out_whole_however_the_stream_is_cut(sent: list[tuple[int, bytes]], cut: int) -> None:
    requests = [frames.Request(number, "application/json", 1000, body) for number, body in sent]
    stream = b"".join(map(frames.encode_request, requests))

    reader = frames.FrameReader()
    received = [frame for at in range(0, len(stream), cut) for frame in reader.feed(stream[at : at + cut])]

    assert [frames.decode_request(number, payload) for _, number, payload in received] == requests


@given(st.integers(100, 599), st.binary(max_size=300), st.integers(0, 2**40))
def test_a_response_survives_the_wire(status: int, body: bytes, took_us: int) -> None:
    response = frames.Response(7, status, "text/csv", 5, took_us, body)

    [(kind, number, payload)] = frames.FrameReader().feed(frames.encode_response(response))

    assert (kind, number) == (frames.RESPONSE, 7)
    assert frames.decode_response(number, payload) == response


@pytest.mark.parametrize("kind", [frames.GOAWAY, frames.PING, frames.PONG, frames.CANCEL])
def test_a_signal_is_a_frame_without_payload(kind: int) -> None:
    assert frames.FrameReader().feed(frames.encode_signal(kind, 3)) == [(kind, 3, b"")]


def test_a_compiled_worker_can_say_why_it_declines() -> None:
    [(kind, number, payload)] = frames.FrameReader().feed(frames.encode_declined(9, "a null in größe"))
    assert (kind, number) == (frames.DECLINED, 9)
    assert frames.decode_declined(payload) == "a null in größe"


def test_a_frame_beyond_all_measure_is_refused_once_and_for_all() -> None:
    reader = frames.FrameReader(max_payload_bytes=10)
    for chunk in (frames.HEADER.pack(11, frames.REQUEST, 1), frames.encode_signal(frames.PING, 2)):
        with pytest.raises(frames.FrameTooLong, match="11 bytes"):
            reader.feed(chunk)
