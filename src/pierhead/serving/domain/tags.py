"""Tags of endpoints that mean something to us: settings that the official interface has no field for."""

import re
from collections.abc import Sequence

from pierhead.serving.domain.endpoints import Tag
from pierhead.serving.domain.table_tags import TABLE_TAGS, table_tag_problem

RESERVED = "pierhead."
TIMEOUT = "pierhead.timeout_s"
PREWARM = "pierhead.prewarm"
UNIT_KEY = "pierhead.unit_key"

LONGEST_TIMEOUT_S = 297

_KNOWN = (TIMEOUT, PREWARM, UNIT_KEY, *TABLE_TAGS)
_OF_THE_PROTOCOL = re.compile(
    r"header:(accept.*|authorization|cache-control|connection|content-.*|cookie|date|expect|forwarded|from|host|if-.*|"
    r"keep-alive|origin|pragma|proxy-.*|range|referer|te|trailer|transfer-encoding|upgrade|user-agent|via|x-forwarded-.*)",
    re.IGNORECASE,
)
"""Headers that say nothing of who asks: all requests of a client have the same."""
_UNIT_KEY = re.compile(r"request|header:[A-Za-z0-9_-]{1,128}|field:.{1,255}", re.DOTALL)


def timeout_of(tags: Sequence[Tag]) -> float | None:
    """Longest wait for an answer, seconds; None if no tag says so, or none that is right."""
    value = _value(tags, TIMEOUT)
    return None if value is None else _seconds(value)


def is_prewarmed(tags: Sequence[Tag]) -> bool:
    """Whether the first worker of each entity stays although it may be scaled to zero."""
    return _value(tags, PREWARM) == "true"


def unit_of(tags: Sequence[Tag]) -> str:
    """What requests are dealt out by: `header:NAME`, the name in small letters, `field:NAME`, or "" for their id."""
    value = _value(tags, UNIT_KEY) or ""
    if value == "request" or not _UNIT_KEY.fullmatch(value):
        return ""
    return value.lower() if value.startswith("header:") else value


def tag_problems(tags: Sequence[Tag]) -> list[str]:
    """What is wrong with the tags that mean something to us."""
    problems = []
    for tag in tags:
        if tag.key == TIMEOUT:
            if _seconds(tag.value or "") is None:
                problems.append(f"tag {TIMEOUT} must be from 1 to {LONGEST_TIMEOUT_S} seconds, not {tag.value!r}")
        elif tag.key == PREWARM:
            if tag.value not in ("true", "false"):
                problems.append(f"tag {PREWARM} must be 'true' or 'false', not {tag.value!r}")
        elif tag.key == UNIT_KEY:
            problems += _unit_problems(tag.value or "")
        elif tag.key in TABLE_TAGS:
            problem = table_tag_problem(tag)
            problems += [] if problem is None else [problem]
        elif tag.key.startswith(RESERVED):
            problems.append(f"tag {tag.key!r} is not known; of those with {RESERVED} there are {', '.join(_KNOWN)}")
    return problems


def _unit_problems(key: str) -> list[str]:
    if not _UNIT_KEY.fullmatch(key):
        return [f"tag {UNIT_KEY} must be 'header:NAME', 'field:NAME' or 'request', not {key!r}"]
    if _OF_THE_PROTOCOL.fullmatch(key):
        return [f"tag {UNIT_KEY} must name a header that tells who is asked for, not {key!r}"]
    return []


def _value(tags: Sequence[Tag], key: str) -> str | None:
    return next((tag.value for tag in tags if tag.key == key), None)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 1 <= seconds <= LONGEST_TIMEOUT_S else None
