"""Keys of an invocation's body that are meant for us and not for the model."""

import json
from typing import NamedTuple

import msgspec

_CLIENT_REQUEST_ID = "client_request_id"
_OURS = (_CLIENT_REQUEST_ID, "usage_context")
_MARKS = tuple(f'"{key}"'.encode() for key in _OURS)

# NaN and Infinity, which MLflow's clients write and strict JSON does not know, and numbers that can stand in for them.
# None of the numbers can overlap with itself, so that putting one in and out again changes nothing.
_FOREIGN = (b"NaN", b"Infinity")
_STAND_INS = tuple(b"1%bE7" % (b"0" * zeros) for zeros in range(8))

# What else strict JSON refuses, half a surrogate pair in a text, is not worth seconds of everybody's time.
_LENIENT_BYTES = 64 * 1024

# Values stay the bytes that they were: no number loses a digit.
_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def may_hold_client_keys(body: bytes) -> bool:
    """False if `strip_client_keys` would change nothing; cheap, as nearly every body has none of our keys."""
    # One letter is found, or not found, far faster than a word; these are the words' rarest.
    return (b"q" in body and _MARKS[0] in body) or (b"x" in body and _MARKS[1] in body)


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
    Stripped(body=b'{"inputs":[NaN]}', client_request_id='a-1')
    """
    if not may_hold_client_keys(body):
        return Stripped(body, None)
    for strip in (_strip_strict, _strip_foreign, _strip_lenient):
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
    return Stripped(msgspec.json.encode(values), None if raw is None else _as_text(bytes(raw)))


def _strip_foreign(body: bytes) -> Stripped:
    """With numbers in the place of NaN and Infinity. Raises ValueError if there are none, or no number is free."""
    plain = body
    replaced: list[tuple[bytes, bytes]] = []
    for foreign in _FOREIGN:
        if foreign in plain:
            number = next((number for number in _STAND_INS if number not in plain), None)
            if number is None:
                raise ValueError("every stand-in occurs in the body")
            plain = plain.replace(foreign, number)
            replaced.append((number, foreign))
    if not replaced:
        raise ValueError("there is nothing to replace")
    stripped, client_request_id = _strip_strict(plain)
    for number, foreign in reversed(replaced):
        stripped = stripped.replace(number, foreign)
        if client_request_id is not None:
            client_request_id = client_request_id.replace(number.decode(), foreign.decode())
    return Stripped(stripped, client_request_id)


def _strip_lenient(body: bytes) -> Stripped:
    if len(body) > _LENIENT_BYTES:
        raise ValueError("the body is too long to be taken apart")
    values = json.loads(body)
    if not isinstance(values, dict):
        return Stripped(body, None)
    taken = {key: values.pop(key) for key in _OURS if key in values}
    if not taken:
        return Stripped(body, None)
    return Stripped(json.dumps(values).encode(), _as_text(json.dumps(taken.get(_CLIENT_REQUEST_ID)).encode()))


def _as_text(raw: bytes) -> str | None:
    """A JSON value as text: a string's own, any other as it was written, None for null."""
    if raw == b"null":
        return None
    text = json.loads(raw) if raw.startswith(b'"') else raw.decode("utf-8", "replace")
    # Half a surrogate pair is allowed in JSON and nowhere else.
    return str(text).encode("utf-8", "replace").decode()
