"""What of an invocation goes into the inference table."""

import zlib

import msgspec

LARGEST_BODY_BYTES = 1024 * 1024
"""A larger request or response is left out of its record."""


def is_sampled(request_id: str, rate: float) -> bool:
    """Whether this request is among the share `rate` (0-1) that is kept: the same for the same id, always.

    >>> is_sampled("a", 1.0), is_sampled("a", 0.0)
    (True, False)
    """
    return rate >= 1 or zlib.crc32(request_id.encode()) < rate * 2**32


def missing_bodies(request: bytes, response: bytes) -> list[str]:
    """Why a record does not hold these bodies: an error code for each that is too long.

    >>> missing_bodies(b"{}", b"{}")
    []
    """
    missing = []
    if len(request) > LARGEST_BODY_BYTES:
        missing.append("MAX_REQUEST_SIZE_EXCEEDED")
    if len(response) > LARGEST_BODY_BYTES:
        missing.append("MAX_RESPONSE_SIZE_EXCEEDED")
    return missing


class _Failure(msgspec.Struct):
    error_code: str | None = None


_failure = msgspec.json.Decoder(_Failure)


def error_code_of(body: bytes) -> str | None:
    """The `error_code` in a failed answer of a worker, if it has one."""
    try:
        return _failure.decode(body).error_code
    except (msgspec.DecodeError, RecursionError):
        return None
