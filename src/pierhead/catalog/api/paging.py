"""Pages of lists that fit into memory."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pierhead.catalog.domain.transfers import page_start, page_token
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call

Item = TypeVar("Item")

_DEFAULT = 100
_LARGEST = 1000


def page_of(
    call: Call, items: Sequence[Item], name_of: Callable[[Item], str], *, size_key: str = "max_results"
) -> tuple[list[Item], str]:
    """The part of `items`, sorted by name, that a call asks for; and the token of the next page, '' after the last.

    `size_key` is the parameter that says how long a page may be; 0 leaves it to the server. Raises InvalidArgument.
    """
    asked = call.number(size_key, 0)
    if asked < 0:
        raise InvalidArgument(f"{size_key} must not be negative, it is {asked}")
    size = min(asked or _DEFAULT, _LARGEST)
    start = page_start(call.find_text("page_token") or "")
    rest = [item for item in items if name_of(item) > start]
    return rest[:size], page_token(name_of(rest[size - 1])) if len(rest) > size else ""


def page_json(key: str, items: Sequence[dict[str, Any]], token: str) -> dict[str, Any]:
    return {key: list(items)} | ({"next_page_token": token} if token else {})
