"""Spans in OpenTelemetry's form: which traces they belong to, and tags of their traces that they carry.

Only what both we and MLflow's server are sure to read alike passes; the official clients send nothing else.
"""

import re
from collections.abc import Iterator
from typing import Any

from pierhead.kit.errors import BadRequest, InvalidArgument

# The official clients send only users' tags so; of MLflow's own, some say where the server reads the trace from.
_RESERVED = (b"mlflow.traceTag.mlflow.", b"mlflow.traceTag.pierhead.")

_HEX = re.compile(r"[0-9A-Fa-f]+")

# In protobuf: numbers of the fields that lead from a request to the id of a span's trace.
_RESOURCE_SPANS, _SCOPE_SPANS, _SPANS, _TRACE_ID = 1, 2, 2, 1

# In JSON: name, and the other spelling that the server would read too, but take the ids below it for base64.
_LEVELS = (("resourceSpans", "resource_spans"), ("scopeSpans", "scope_spans"), ("spans", "spans"))


def refuse_reserved_tags(body: bytes) -> None:
    """Raises InvalidArgument if a span carries a tag that clients may not set.

    In protobuf a key stands in the body byte for byte, and in JSON too once it is written without escapes. A span that
    only speaks of such a key is refused with the others.
    """
    for key in _RESERVED:
        if key in body:
            raise InvalidArgument(
                f"a span sets an attribute {key.decode()}*: those tags of a trace are the server's; leave it out"
            )


def traces_of_protobuf(body: bytes) -> frozenset[str]:
    """The ids, in MLflow's form, of all traces to which the spans of a request belong. Raises BadRequest."""
    found = set()
    for resource in _inside(memoryview(body), _RESOURCE_SPANS):
        for scope in _inside(resource, _SCOPE_SPANS):
            for span in _inside(scope, _SPANS):
                found |= {_trace_id(int.from_bytes(id)) for id in _inside(span, _TRACE_ID)}
    return frozenset(found)


def traces_of_json(request: Any) -> frozenset[str]:
    """As `traces_of_protobuf`, for a request that was read from JSON."""
    found: set[str] = set()
    level = [request]
    for name, other in _LEVELS:
        level = [item for parent in level for item in _list(parent, name, other)]
    for span in level:
        if not isinstance(span, dict) or "trace_id" in span:
            raise BadRequest("each span must be an object with a traceId in hexadecimal digits")
        id = span.get("traceId")
        if not isinstance(id, str) or not _HEX.fullmatch(id):
            raise BadRequest("each span must have a traceId in hexadecimal digits")
        found.add(_trace_id(int(id, 16)))
    return frozenset(found)


def _trace_id(number: int) -> str:
    return f"tr-{number:032x}"


def _list(parent: Any, name: str, other: str) -> list[Any]:
    if not isinstance(parent, dict) or (other != name and other in parent):
        raise BadRequest(f"spans come in objects with a list {name!r}")
    items = parent.get(name, [])
    if not isinstance(items, list):
        raise BadRequest(f"{name!r} must be a list")
    return items


def _inside(message: memoryview, number: int) -> Iterator[memoryview]:
    """The contents of a protobuf message's fields of one number, all of them of variable length."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at, 5)
        wire, field = key & 7, key >> 3
        if field == number and wire != 2:
            raise _unreadable()
        match wire:
            case 0:
                _, at = _varint(message, at, 10)
            case 1:
                at += 8
            case 2:
                size, at = _varint(message, at, 5)
                if field == number:
                    yield message[at : at + size]
                at += size
            case 5:
                at += 4
            case _:
                raise _unreadable()
        if at > len(message):
            raise _unreadable()


def _varint(message: memoryview, at: int, longest: int) -> tuple[int, int]:
    """The number at `at`, and where the next byte stands."""
    number = 0
    for index in range(longest):
        if at + index >= len(message):
            break
        byte = message[at + index]
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            # Of the fifth byte only four bits fit a key or a size; readers differ in what they make of more.
            if longest == 5 and number >= 1 << 32:
                break
            return number, at + index + 1
    raise _unreadable()


def _unreadable() -> BadRequest:
    return BadRequest("the request body is not valid protobuf of OpenTelemetry's spans")
