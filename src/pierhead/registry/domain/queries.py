"""What can be searched for: the parsed form of MLflow's filters and orders."""

from dataclasses import dataclass
from enum import Enum


class Field(Enum):
    """What can be compared or sorted by; values are the words of the language."""

    NAME = "name"
    RUN_ID = "run_id"
    SOURCE = "source_path"
    NUMBER = "version_number"
    CREATED_AT = "creation_timestamp"
    UPDATED_AT = "last_updated_timestamp"


class Operator(Enum):
    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    LIKE = "LIKE"
    ILIKE = "ILIKE"
    IN = "IN"
    NOT_IN = "NOT IN"


@dataclass(frozen=True, slots=True)
class Attribute:
    """`field` compared with a value: a number for NUMBER, a tuple for IN and NOT IN, text for all else."""

    field: Field
    operator: Operator
    value: str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that exists and compares so; a tag that is not there matches nothing, not even `!=`."""

    key: str
    operator: Operator
    value: str


Condition = Attribute | Tag


@dataclass(frozen=True, slots=True)
class Order:
    field: Field
    is_ascending: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What one kind of search allows."""

    fields: frozenset[Field]
    list_fields: frozenset[Field]
    order_words: dict[str, Field]
    default_order: tuple[Order, ...]
    ties: tuple[Order, ...]
    """Appended to every order, so that it leaves nothing undecided."""


MODELS = Subject(
    fields=frozenset({Field.NAME}),
    list_fields=frozenset({Field.NAME}),
    order_words={
        "name": Field.NAME,
        "timestamp": Field.UPDATED_AT,
        "last_updated_timestamp": Field.UPDATED_AT,
        "creation_timestamp": Field.CREATED_AT,
    },
    default_order=(),
    ties=(Order(Field.NAME, True),),
)
VERSIONS = Subject(
    fields=frozenset({Field.NAME, Field.RUN_ID, Field.SOURCE, Field.NUMBER}),
    list_fields=frozenset({Field.NAME, Field.RUN_ID}),
    order_words={
        "name": Field.NAME,
        "version_number": Field.NUMBER,
        "last_updated_timestamp": Field.UPDATED_AT,
        "creation_timestamp": Field.CREATED_AT,
    },
    default_order=(Order(Field.UPDATED_AT, False),),
    ties=(Order(Field.NAME, True), Order(Field.NUMBER, False)),
)


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed search. Prompts are found only by those who ask for them."""

    conditions: tuple[Condition, ...]
    order: tuple[Order, ...]
    wants_prompts: bool


@dataclass(frozen=True, slots=True)
class Namespace:
    """Only names of three parts, and of these one catalog and one schema where they are given."""

    catalog: str | None = None
    schema: str | None = None
