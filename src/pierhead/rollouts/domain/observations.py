"""One answer as rollouts see it."""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from pierhead.rollouts.domain.scores import Score, row_of, scores_of
from pierhead.rollouts.domain.slices import slices_of

MOST_CHARACTERS = 200
"""Of an answer that is shown to people."""

_TIMED_OUT = 504
_TOO_MANY = 429


class Route(Enum):
    """Who answered: the active config, the candidate, or the candidate to a copy."""

    PRIMARY = "primary"
    CANDIDATE = "candidate"
    SHADOW = "shadow"


class Ending(Enum):
    """How a call ended. Of CALLER_ERROR (4xx) no model is guilty; a shadow was DROPPED before the candidate saw it."""

    ANSWERED = "answered"
    CALLER_ERROR = "caller_error"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    DROPPED = "dropped"

    @property
    def is_failure(self) -> bool:
        return self is Ending.SERVER_ERROR or self is Ending.TIMEOUT


class Observation(NamedTuple):
    """`request_id` is the primary's for its shadow too. `bucket` 0-9999 says whom the request was meant for.

    `unit` is the hash that all requests of one unit share; None where each request is a unit. `scores` are None where
    the answer cannot be compared; `excerpt` is its beginning.
    """

    request_id: str
    at_ms: int
    route: Route
    ending: Ending
    latency_ms: float
    scores: tuple[Score, ...] | None
    slices: Mapping[str, str]
    bucket: int | None = None
    unit: int | None = None
    excerpt: str = ""


def observe(  # noqa: PLR0913  the fields of a record, by name
    *,
    request_id: str,
    at_ms: int,
    route: Route,
    status: int,
    error_code: str | None,
    latency_ms: float,
    request: bytes | None,
    response: bytes | None,
    bucket: int | None = None,
    unit: str | None = None,
    shadow_of: str | None = None,
    content_type: str = "",
) -> Observation:
    """What a record tells. `unit` is in hexadecimal digits. A body that cannot be read is as if it were not there."""
    subject = shadow_of if route is Route.SHADOW and shadow_of else request_id
    ending = ending_of(route, status, error_code)
    found = scores_of(response) if ending is Ending.ANSWERED else None
    row = row_of(subject, len(found)) if found else 0
    return Observation(
        subject,
        at_ms,
        route,
        ending,
        latency_ms,
        tuple(found) if found else None,
        slices_of(request, content_type, row),
        bucket,
        int(unit, 16) if unit else None,
        (response or b"")[: MOST_CHARACTERS * 4].decode("utf-8", "replace")[:MOST_CHARACTERS],
    )


def ending_of(route: Route, status: int, error_code: str | None) -> Ending:
    """How a call ended, by its HTTP status and the error's wire code.

    >>> ending_of(Route.SHADOW, 429, None), ending_of(Route.PRIMARY, 503, "DEADLINE_EXCEEDED")
    (<Ending.DROPPED: 'dropped'>, <Ending.TIMEOUT: 'timeout'>)
    """
    if status < 400:
        return Ending.ANSWERED
    if status < 500:
        return Ending.DROPPED if route is Route.SHADOW and status == _TOO_MANY else Ending.CALLER_ERROR
    if status == _TIMED_OUT or error_code == "DEADLINE_EXCEEDED":
        return Ending.TIMEOUT
    return Ending.SERVER_ERROR
