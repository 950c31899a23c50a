"""The frames that gateway and worker exchange over a unix socket. Standard library only: workers load this file.

A frame is a header of 13 bytes, `<IBQ`: payload length in bytes, kind, request id; then the payload. Many frames may
travel in one write. Request ids are chosen by the gateway and are unique per connection.

This is the hot path of both sides: heads are packed in one step, and what arrives whole is not copied twice.
"""

import struct
from typing import NamedTuple

HEADER = struct.Struct("<IBQ")

REQUEST = 1
RESPONSE = 2
GOAWAY = 3
"""Sent by a worker that drains: answers what it has, takes nothing new. The gateway closes when all is answered."""
PING = 4
PONG = 5
CANCEL = 6
"""Sent by a gateway whose caller is gone: the worker may drop the request if it has not begun."""

DECLINED = 7
"""Sent by a compiled worker instead of a response: only the original can answer this one. The payload says why."""

LARGEST_ANSWER_BYTES = 255 * 1024 * 1024
"""A worker sends no body larger than this: with what goes before it, less than the 256 MiB that a gateway takes."""

_LARGEST_PAYLOAD_BYTES = 2**32 - 1

_REQUEST_HEAD = struct.Struct("<HI")
_RESPONSE_HEAD = struct.Struct("<HHQQ")
_WHOLE_REQUEST_HEAD = struct.Struct(HEADER.format + _REQUEST_HEAD.format[1:])
_WHOLE_RESPONSE_HEAD = struct.Struct(HEADER.format + _RESPONSE_HEAD.format[1:])

_header_at = HEADER.unpack_from
_request_head_at = _REQUEST_HEAD.unpack_from
_response_head_at = _RESPONSE_HEAD.unpack_from
_pack_request = _WHOLE_REQUEST_HEAD.pack
_pack_response = _WHOLE_RESPONSE_HEAD.pack


class Request(NamedTuple):
    """An invocation on its way to a model: `timeout_ms` counts from arrival at the worker."""

    id: int
    content_type: str
    timeout_ms: int
    body: bytes


class Response(NamedTuple):
    """A model's answer: `queue_us` is the wait in the worker, `predict_us` the time in decode, predict and encode."""

    id: int
    status: int
    content_type: str
    queue_us: int
    predict_us: int
    body: bytes


def encode_request(request: Request) -> bytes:
    request_id, content_type, timeout_ms, body = request
    kind = content_type.encode("latin-1", "replace")
    length = len(kind)
    head = _pack_request(_REQUEST_HEAD.size + length + len(body), REQUEST, request_id, length, timeout_ms)
    return b"".join((head, kind, body))


def decode_request(request_id: int, payload: bytes) -> Request:
    length, timeout_ms = _request_head_at(payload)
    start = _REQUEST_HEAD.size
    kind = payload[start : start + length].decode("latin-1")
    return Request(request_id, kind, timeout_ms, payload[start + length :])


def encode_response(response: Response) -> bytes:
    request_id, status, content_type, queue_us, predict_us, body = response
    kind = content_type.encode("latin-1", "replace")
    length = len(kind)
    payload = _RESPONSE_HEAD.size + length + len(body)
    head = _pack_response(payload, RESPONSE, request_id, status, length, queue_us, predict_us)
    return b"".join((head, kind, body))


def decode_response(request_id: int, payload: bytes) -> Response:
    status, length, queue_us, predict_us = _response_head_at(payload)
    start = _RESPONSE_HEAD.size
    kind = payload[start : start + length].decode("latin-1")
    return Response(request_id, status, kind, queue_us, predict_us, payload[start + length :])


def encode_declined(request_id: int, reason: str) -> bytes:
    """Its payload is the reason in UTF-8."""
    payload = reason.encode("utf-8", "replace")
    return HEADER.pack(len(payload), DECLINED, request_id) + payload


def decode_declined(payload: bytes) -> str:
    return payload.decode("utf-8", "replace")


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

    def __init__(self, max_payload_bytes: int = _LARGEST_PAYLOAD_BYTES) -> None:
        self._max_payload_bytes = max_payload_bytes
        # The beginning of a frame, in the pieces in which it came: joined once, when the frame is whole.
        self._pieces: list[bytes] = []
        self._have = 0
        self._need = 0

    def feed(self, chunk: bytes) -> list[tuple[int, int, bytes]]:
        """Every frame completed by `chunk`, as (kind, request id, payload). Raises FrameTooLong, once and for all."""
        if self._pieces:
            self._pieces.append(chunk)
            self._have += len(chunk)
            if self._have < self._need:
                return []
            chunk = b"".join(self._pieces)
            self._pieces = []
        return self._cut(chunk)

    def _cut(self, stream: bytes) -> list[tuple[int, int, bytes]]:
        frames: list[tuple[int, int, bytes]] = []
        header = HEADER.size
        at, size, need = 0, len(stream), header
        while at + header <= size:
            length, kind, request_id = _header_at(stream, at)
            if length > self._max_payload_bytes:
                self._keep(stream[at:], header)
                raise FrameTooLong(
                    f"a frame of {length} bytes is announced; at most {self._max_payload_bytes} are taken"
                )
            need = header + length
            if at + need > size:
                break
            at += header
            frames.append((kind, request_id, stream[at : at + length]))
            at += length
            need = header
        if at < size:
            self._keep(stream[at:], need)
        return frames

    def _keep(self, beginning: bytes, need: int) -> None:
        self._pieces = [beginning]
        self._have = len(beginning)
        self._need = need
