"""The frames that gateway and worker exchange over a unix socket. Standard library only: workers load this file.

A frame is a header of 13 bytes, `<IBQ`: payload length in bytes, kind, request id; then the payload. Many frames may
travel in one write. Request ids are chosen by the gateway and are unique per connection.
"""

import struct
from dataclasses import dataclass

HEADER = struct.Struct("<IBQ")

REQUEST = 1
RESPONSE = 2
GOAWAY = 3
"""Sent by a worker that drains: answers what it has, takes nothing new. The gateway closes when all is answered."""
PING = 4
PONG = 5
CANCEL = 6
"""Sent by a gateway whose caller is gone: the worker may drop the request if it has not begun."""

LARGEST_ANSWER_BYTES = 255 * 1024 * 1024
"""A worker sends no body larger than this: with what goes before it, less than the 256 MiB that a gateway takes."""

_REQUEST_HEAD = struct.Struct("<HI")
_RESPONSE_HEAD = struct.Struct("<HHQQ")


@dataclass(frozen=True, slots=True)
class Request:
    """An invocation on its way to a model: `timeout_ms` counts from arrival at the worker."""

    id: int
    content_type: str
    timeout_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """A model's answer: `queue_us` is the wait in the worker, `predict_us` the time in decode, predict and encode."""

    id: int
    status: int
    content_type: str
    queue_us: int
    predict_us: int
    body: bytes


def encode_request(request: Request) -> bytes:
    kind = request.content_type.encode("latin-1", "replace")
    length = _REQUEST_HEAD.size + len(kind) + len(request.body)
    return b"".join(
        (
            HEADER.pack(length, REQUEST, request.id),
            _REQUEST_HEAD.pack(len(kind), request.timeout_ms),
            kind,
            request.body,
        )
    )


def decode_request(request_id: int, payload: bytes) -> Request:
    length, timeout_ms = _REQUEST_HEAD.unpack_from(payload)
    start = _REQUEST_HEAD.size
    kind = payload[start : start + length].decode("latin-1")
    return Request(request_id, kind, timeout_ms, payload[start + length :])


def encode_response(response: Response) -> bytes:
    kind = response.content_type.encode("latin-1", "replace")
    length = _RESPONSE_HEAD.size + len(kind) + len(response.body)
    return b"".join(
        (
            HEADER.pack(length, RESPONSE, response.id),
            _RESPONSE_HEAD.pack(response.status, len(kind), response.queue_us, response.predict_us),
            kind,
            response.body,
        )
    )


def decode_response(request_id: int, payload: bytes) -> Response:
    status, length, queue_us, predict_us = _RESPONSE_HEAD.unpack_from(payload)
    start = _RESPONSE_HEAD.size
    kind = payload[start : start + length].decode("latin-1")
    return Response(request_id, status, kind, queue_us, predict_us, payload[start + length :])


def encode_signal(kind: int, request_id: int = 0) -> bytes:
    """A frame without payload: GOAWAY, PING, PONG or CANCEL."""
    return HEADER.pack(0, kind, request_id)


class FrameTooLong(Exception):
    """A frame announces more than its reader takes; nothing that follows can be understood."""


class FrameReader:
    """Cuts a byte stream into frames.

    >>> reader = FrameReader()
    >>> reader.feed(encode_signal(PING, 7)[:5])
    []
    >>> reader.feed(encode_signal(PING, 7)[5:])
    [(4, 7, b'')]
    """

    def __init__(self, max_payload_bytes: int = 2**32 - 1) -> None:
        self._max_payload_bytes = max_payload_bytes
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[tuple[int, int, bytes]]:
        """Every frame completed by `chunk`, as (kind, request id, payload). Raises FrameTooLong, once and for all."""
        buffer = self._buffer
        buffer += chunk
        frames: list[tuple[int, int, bytes]] = []
        at = 0
        while len(buffer) - at >= HEADER.size:
            length, kind, request_id = HEADER.unpack_from(buffer, at)
            if length > self._max_payload_bytes:
                raise FrameTooLong(
                    f"a frame of {length} bytes is announced; at most {self._max_payload_bytes} are taken"
                )
            end = at + HEADER.size + length
            if len(buffer) < end:
                break
            frames.append((kind, request_id, bytes(buffer[at + HEADER.size : end])))
            at = end
        del buffer[:at]
        return frames
