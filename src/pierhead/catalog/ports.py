"""What the catalog needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection

from pierhead.catalog.domain.places import Inhabited


class Inhabitants(Protocol):
    """Higher areas that keep things under the names of catalogs and schemas: the registry."""

    def list(self, connection: Connection, catalog: str | None = None) -> Sequence[Inhabited]:
        """Every schema that holds a model, or every one of a catalog."""
