"""Keys of an invocation's body that are meant for us and not for the model."""

import json
from typing import Any, NamedTuple

import msgspec

_CLIENT_REQUEST_ID = "client_request_id"
_OURS = (_CLIENT_REQUEST_ID, "usage_context")
_MARKS = tuple(f'"{key}"'.encode() for key in _OURS)

# Values stay the bytes that they were: no number loses a digit.
_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Stripped(NamedTuple):
    """A body without our keys, and the client's own id of the request if it gave one."""

    body: bytes
    client_request_id: str | None


def strip_client_keys(body: bytes) -> Stripped:
    """Take `client_request_id` and `usage_context` off the top level of a JSON object.

    A body that has neither, or is no JSON object, comes back as it is: the model says what is wrong with it.

    >>> strip_client_keys(b'{"inputs": [1.0], "client_request_id": "a-1"}')
    Stripped(body=b'{"inputs":[1.0]}', client_request_id='a-1')
    >>> strip_client_keys(b'{"inputs": [NaN], "client_request_id": "a-1"}')
    Stripped(body=b'{"inputs": [NaN]}', client_request_id='a-1')
    """
    if _MARKS[0] not in body and _MARKS[1] not in body:
        return Stripped(body, None)
    for strip in (_strip_strict, _strip_lenient):
        try:
            return strip(body)
        except (ValueError, RecursionError):
            # msgspec.DecodeError is a ValueError.
            continue
    return Stripped(body, None)


def _strip_strict(body: bytes) -> Stripped:
    values = _raw_object.decode(body)
    taken = {key: values.pop(key) for key in _OURS if key in values}
    if not taken:
        return Stripped(body, None)
    raw = taken.get(_CLIENT_REQUEST_ID)
    return Stripped(msgspec.json.encode(values), None if raw is None else _as_text(msgspec.json.decode(raw)))


def _strip_lenient(body: bytes) -> Stripped:
    """For NaN and Infinity, which MLflow's clients write and strict JSON does not know."""
    values = json.loads(body)
    if not isinstance(values, dict):
        return Stripped(body, None)
    taken = {key: values.pop(key) for key in _OURS if key in values}
    if not taken:
        return Stripped(body, None)
    return Stripped(json.dumps(values).encode(), _as_text(taken.get(_CLIENT_REQUEST_ID)))


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    # Half a surrogate pair is allowed in JSON and nowhere else.
    return text.encode("utf-8", "replace").decode()
