"""Fields that several calls of Unity Catalog share."""

from collections.abc import Mapping
from typing import Any

from pierhead.catalog.domain.places import Change, Draft
from pierhead.kit.errors import InvalidArgument, NotImplementedYet
from pierhead.kit.web.routes import Call

_LONGEST_COMMENT = 65_536
_MOST_PROPERTIES = 1000


def read_comment(call: Call) -> str | None:
    """Raises InvalidArgument."""
    comment = call.find_text("comment")
    if comment is not None and ("\0" in comment or len(comment) > _LONGEST_COMMENT):
        raise InvalidArgument(f"comment must be text of at most {_LONGEST_COMMENT} characters, without NUL")
    return comment


def read_properties(call: Call) -> Mapping[str, str] | None:
    """Raises InvalidArgument."""
    properties = call.params.get("properties")
    if properties is None:
        return None
    if not isinstance(properties, dict) or len(properties) > _MOST_PROPERTIES:
        raise InvalidArgument(f"properties must be an object with at most {_MOST_PROPERTIES} keys")
    for key, value in properties.items():
        if not isinstance(value, str) or "\0" in key + value or len(key + value) > _LONGEST_COMMENT:
            raise InvalidArgument(f"property {key[:200]!r} must be a string of at most {_LONGEST_COMMENT} characters")
    return properties


def read_draft(call: Call) -> Draft:
    return Draft(read_comment(call) or "", read_properties(call) or {})


def read_change(call: Call) -> Change:
    return Change(read_comment(call), read_properties(call), call.find_text("owner"), call.find_text("new_name"))


def refuse_fields(call: Call, fields: Mapping[str, str], *harmless: Any) -> None:
    """Raises NotImplementedYet for a field that asks for something that is not offered; `fields` say why."""
    for field, why in fields.items():
        value = call.params.get(field)
        if value not in (None, "", [], {}, False, *harmless):
            raise NotImplementedYet(f"parameter '{field}' is not offered: {why}")
