"""How the compile job talks with its children: frames of `kit.frames` over a socket, one question at a time.

A question is a command (JSON) or an invocation (a REQUEST frame); the answer to a command is REPLY or FAILED (JSON),
to an invocation RESPONSE or DECLINED. Standard library only: children run in models' own environments.
"""

import json
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from pierhead.kit.frames import HEADER, FrameReader, Request, Response, decode_request, encode_response
from pierhead.worker.scoring import Answer
from pierhead.worker.wording import reason_of

COMMAND = 64
REPLY = 65
FAILED = 66
"""Instead of a reply: what went wrong, in words for people."""

NATIVE_REQUEST = 67
"""Like REQUEST, answered by the library's own object without `mlflow.pyfunc`."""

_CHUNK_BYTES = 1024 * 1024

Frame = tuple[int, int, bytes]


class Refused(Exception):
    """A command that cannot be done; the message says why, for people."""


class Channel:
    """One end of the conversation. Time-outs are those of the socket."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._reader = FrameReader()
        self._arrived: deque[Frame] = deque()

    def send(self, frame: bytes) -> None:
        """Raises OSError."""
        self._end.sendall(frame)

    def receive(self) -> Frame | None:
        """The next frame as (kind, id, payload); None at the end. Raises OSError."""
        while not self._arrived:
            chunk = self._end.recv(_CHUNK_BYTES)
            if not chunk:
                return None
            self._arrived.extend(self._reader.feed(chunk))
        return self._arrived.popleft()


def encode_json(kind: int, fields: Mapping[str, Any]) -> bytes:
    payload = json.dumps(fields).encode()
    return HEADER.pack(len(payload), kind, 0) + payload


def encode_bytes(kind: int, request_id: int, payload: bytes) -> bytes:
    return HEADER.pack(len(payload), kind, request_id) + payload


Command = Callable[[dict[str, Any]], dict[str, Any]]
Invocation = Callable[[Request], Answer | bytes]


def serve(channel: Channel, commands: Mapping[str, Command], invocations: Mapping[int, Invocation]) -> None:
    """Answer until the other end is closed.

    `invocations` by the kind of frame; bytes instead of an answer are a whole frame. A command may raise Refused; any
    other exception is told by its type and message.
    """
    while (frame := channel.receive()) is not None:
        kind, request_id, payload = frame
        if kind == COMMAND:
            channel.send(_carried_out(commands, json.loads(payload)))
            continue
        answer = invocations[kind](decode_request(request_id, payload))
        channel.send(answer if isinstance(answer, bytes) else _response(request_id, answer))


def _response(request_id: int, answer: Answer) -> bytes:
    return encode_response(Response(request_id, answer.status, answer.content_type, 0, 0, answer.body))


def _carried_out(commands: Mapping[str, Command], fields: dict[str, Any]) -> bytes:
    try:
        return encode_json(REPLY, commands[fields.pop("command")](fields))
    except Refused as refused:
        return encode_json(FAILED, {"reason": str(refused)})
    except BaseException as error:
        # Code of the model's raises what it likes, SystemExit among it.
        return encode_json(FAILED, {"reason": reason_of(error)})
