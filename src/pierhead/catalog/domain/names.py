"""Names of catalogs and schemas."""

from dataclasses import dataclass

from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName


@dataclass(frozen=True, slots=True, order=True)
class SchemaName:
    """A name of two parts.

    >>> SchemaName.parse("main.fraud").name
    'fraud'
    """

    catalog: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "SchemaName":
        """Raises InvalidArgument if there are not two parts of letters, digits, underscores and hyphens."""
        catalog, dot, name = text.partition(".")
        if not dot:
            raise InvalidArgument(f"name {text!r} is not of the form catalog.schema")
        return cls(check_part(catalog, "catalog"), check_part(name, "schema"))

    @classmethod
    def of(cls, name: FullName) -> "SchemaName":
        """The schema in which a thing lies."""
        return cls(name.catalog, name.schema)

    def __str__(self) -> str:
        return f"{self.catalog}.{self.name}"


def check_part(text: str, what: str) -> str:
    """One part of a name, as it is. Raises InvalidArgument; `what` says what it names."""
    try:
        FullName.parse(f"{text}.any.any")
    except InvalidArgument:
        raise InvalidArgument(
            f"{what} name {text!r} is not allowed: it must be of letters, digits, '_' and '-', begin with no hyphen, "
            "and have at most 255 characters"
        ) from None
    return text
