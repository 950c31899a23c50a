"""Three-part names `catalog.schema.object`."""

import re
from dataclasses import dataclass

from pierhead.kit.errors import InvalidArgument

_PART = re.compile(r"[^\W.][\w\-]{0,254}")


@dataclass(frozen=True, slots=True)
class FullName:
    """A name of three parts.

    >>> FullName.parse("main.fraud.classifier").schema
    'fraud'
    """

    catalog: str
    schema: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "FullName":
        """Raises InvalidArgument if there are not three parts of letters, digits, underscores and hyphens."""
        parts = text.split(".")
        if len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
            raise InvalidArgument(
                f"name {text!r} is not of the form catalog.schema.name; specify all three levels, "
                "each of letters, digits, '_' and '-'"
            )
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.catalog}.{self.schema}.{self.name}"
