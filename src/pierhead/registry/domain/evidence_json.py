"""Evidence as plain JSON, to be remembered next to what was decided on it."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from pierhead.registry.domain.gate import Evidence


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """Every field under its own name; moments as ISO 8601 in UTC."""
    return {each.name: _plain(getattr(evidence, each.name)) for each in fields(evidence)}


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case tuple() | list():
            return [_plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    return value
