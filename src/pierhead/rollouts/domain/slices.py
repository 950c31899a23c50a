"""Slices of traffic: the values of categorical features, as far as there are few of them."""

from pierhead.monitoring.domain.bodies import Unreadable, rows_of_request

MOST_COLUMNS = 10
MOST_VALUES = 20
MOST_BYTES = 256 * 1024

_LONGEST_VALUE = 60
_MOST_READ = 40
_LARGEST_NUMBER = 999
"""A whole number beyond is an id or a count, no category."""


def slices_of(body: bytes | None, content_type: str = "", row: int = 0) -> dict[str, str]:
    """What may be categories in one row of a request, by column: text, booleans and small whole numbers.

    Nothing where the body has no such row or its columns have no names.

    >>> slices_of(b'{"dataframe_records": [{"country": "DE", "amount": 12.5, "is_new": true}]}')
    {'country': 'DE', 'is_new': 'true'}
    """
    if not body or len(body) > MOST_BYTES:
        return {}
    try:
        names, rows = rows_of_request(body, content_type)
    except (Unreadable, RecursionError):
        return {}
    if names is None or row >= len(rows):
        return {}
    pairs = zip(names[:_MOST_READ], rows[row], strict=False)
    found = ((name, _category(value)) for name, value in pairs)
    return {name[:_LONGEST_VALUE]: value for name, value in found if value is not None}


def _category(value: object) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case str() if 0 < len(value) <= _LONGEST_VALUE:
            return value
        case int() if abs(value) <= _LARGEST_NUMBER:
            return str(value)
    return None
