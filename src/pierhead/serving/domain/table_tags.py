"""Tags of endpoints that say how their inference tables are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from pierhead.serving.domain.endpoints import Tag

RETENTION = "pierhead.retention_days"
MASKED = "pierhead.masked_columns"
ENTITY_KEY = "pierhead.entity_key"
TABLE_TAGS = (RETENTION, MASKED, ENTITY_KEY)

_LONGEST_DAYS = 36_500


class Mask(Enum):
    """What takes the place of a value: a keyed hash, the same for the same value, or nothing."""

    HASH = "hash"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class TablePolicy:
    """`masks` by the names of columns; `retention_days` None for ever; `entity_key` names the field that labels use."""

    masks: Mapping[str, Mask] = field(default_factory=dict)
    retention_days: int | None = None
    entity_key: str | None = None


def table_policy(tags: Sequence[Tag]) -> TablePolicy:
    """What the tags say. Those that are wrong, which older releases may have let in, say nothing.

    >>> table_policy([Tag(MASKED, "ssn:drop, email")]).masks
    {'ssn': <Mask.DROP: 'drop'>, 'email': <Mask.HASH: 'hash'>}
    """
    values = {tag.key: tag.value or "" for tag in tags}
    return TablePolicy(
        masks=_masks(values.get(MASKED, "")) or {},
        retention_days=_days(values.get(RETENTION, "")),
        entity_key=values.get(ENTITY_KEY) or None,
    )


def table_tag_problem(tag: Tag) -> str | None:
    """What is wrong with one of these tags."""
    value = tag.value or ""
    if tag.key == RETENTION and _days(value) is None:
        return f"tag {RETENTION} must be a whole number of days from 1 to {_LONGEST_DAYS}, not {tag.value!r}"
    if tag.key == MASKED and not _masks(value):
        return (
            f"tag {MASKED} must be names of columns, each with ':hash' or ':drop', with commas between: {tag.value!r}"
        )
    if tag.key == ENTITY_KEY and not value:
        return f"tag {ENTITY_KEY} must be the name of a field of the requests"
    return None


def _days(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= _LONGEST_DAYS else None


def _masks(text: str) -> dict[str, Mask] | None:
    """None if one of them is not what it should be."""
    masks: dict[str, Mask] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, how = part.rpartition(":") if part.endswith((":hash", ":drop")) else (part, "", Mask.HASH.value)
        if not name or ":" in name:
            return None
        masks[name] = Mask(how)
    return masks
