"""What SCIM's lists and reads are asked for in the query: filter, page, attributes."""

from collections.abc import Mapping
from typing import Any

from pierhead.identity.api.scim_filters import find_field, parse_filter
from pierhead.identity.api.scim_wire import select_attributes
from pierhead.identity.domain.queries import Condition, Field, Page
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call

_MAX_PAGE = 1000
"""Clients go on asking from where the last page ended until one is empty, so that any size will do."""

_SORTABLE = (Field.ID, Field.NAME, Field.DISPLAY_NAME, Field.EXTERNAL_ID, Field.APPLICATION_ID)


def find_condition(call: Call, fields: Mapping[str, Field]) -> Condition | None:
    """Raises InvalidArgument."""
    text = call.find_text("filter")
    return parse_filter(text, fields) if text and text.strip() else None


def page_of(call: Call, fields: Mapping[str, Field]) -> Page:
    """`startIndex` counts from 1; less than that means 1, and a negative `count` none. Raises InvalidArgument."""
    skip = max(call.number("startIndex", 1), 1) - 1
    limit = min(max(call.number("count", _MAX_PAGE), 0), _MAX_PAGE)
    # More would not fit into the database's numbers, and nothing is there.
    skip = min(skip, 2**31)
    sort_by = call.find_text("sortBy") or ""
    order_by = find_field(sort_by, fields) if sort_by else Field.NAME
    if order_by not in _SORTABLE:
        raise InvalidArgument(f"sortBy {sort_by!r} is not an attribute to sort by")
    return Page(skip, limit, order_by, (call.find_text("sortOrder") or "").lower() == "descending")


def shown_to(call: Call, resource: dict[str, Any]) -> dict[str, Any]:
    """The attributes that the caller wants to see."""
    return select_attributes(resource, _names(call, "attributes"), _names(call, "excludedAttributes"))


def wants(call: Call, attribute: str) -> bool:
    """Whether the caller wants to see this attribute."""
    return attribute in shown_to(call, {attribute: None})


def _names(call: Call, key: str) -> list[str]:
    """`members.value` asks for `members`."""
    text = call.find_text(key) or ""
    return [name.strip().lower().partition(".")[0] for name in text.split(",") if name.strip()]
