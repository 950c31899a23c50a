"""Which accounts or groups somebody asks for."""

from dataclasses import dataclass
from enum import Enum


class Field(Enum):
    """What can be compared; values are words for messages."""

    ID = "id"
    NAME = "name"
    DISPLAY_NAME = "display name"
    EXTERNAL_ID = "external id"
    APPLICATION_ID = "application id"
    IS_ACTIVE = "active"
    GROUP_ID = "id of a group"
    GROUP_NAME = "name of a group"
    MEMBER_ID = "id of a member"


class Comparison(Enum):
    """How texts compare: all of them without regard to case."""

    EQUALS = "eq"
    CONTAINS = "co"
    STARTS_WITH = "sw"
    ENDS_WITH = "ew"
    IS_PRESENT = "pr"


@dataclass(frozen=True, slots=True)
class Compare:
    """`value` is not looked at for IS_PRESENT."""

    field: Field
    comparison: Comparison
    value: str | bool = ""


@dataclass(frozen=True, slots=True)
class Not:
    condition: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    conditions: tuple["Condition", ...]


Condition = Compare | Not | And | Or


@dataclass(frozen=True, slots=True)
class Page:
    """`skip` first, then at most `limit`; in the order of `order_by`."""

    skip: int
    limit: int
    order_by: Field = Field.NAME
    is_descending: bool = False
