"""Tags of endpoints that mean something to us: settings that the official interface has no field for."""

from collections.abc import Sequence

from pierhead.serving.domain.endpoints import Tag

RESERVED = "pierhead."
TIMEOUT = "pierhead.timeout_s"
PREWARM = "pierhead.prewarm"

LONGEST_TIMEOUT_S = 297


def timeout_of(tags: Sequence[Tag]) -> float | None:
    """Longest wait for an answer, seconds; None if no tag says so, or none that is right."""
    value = _value(tags, TIMEOUT)
    return None if value is None else _seconds(value)


def is_prewarmed(tags: Sequence[Tag]) -> bool:
    """Whether the first worker of each entity stays although it may be scaled to zero."""
    return _value(tags, PREWARM) == "true"


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
        elif tag.key.startswith(RESERVED):
            problems.append(f"tag {tag.key!r} is not known; of those with {RESERVED} there are {TIMEOUT} and {PREWARM}")
    return problems


def _value(tags: Sequence[Tag], key: str) -> str | None:
    return next((tag.value for tag in tags if tag.key == key), None)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 1 <= seconds <= LONGEST_TIMEOUT_S else None
