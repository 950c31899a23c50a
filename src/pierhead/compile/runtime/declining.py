"""What a compiled worker says where only the original can answer."""

from typing import NamedTuple


class Declined(NamedTuple):
    """`reason` is for operators: a few words, none of the caller's values."""

    reason: str
