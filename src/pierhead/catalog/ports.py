"""What the catalog needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection

from pierhead.catalog.domain.places import Inhabited
from pierhead.catalog.domain.tables import OpenedTable, View
from pierhead.kit.names import FullName


class Inhabitants(Protocol):
    """Higher areas that keep things under the names of catalogs and schemas: the registry."""

    def list(self, connection: Connection, catalog: str | None = None) -> Sequence[Inhabited]:
        """Every schema that holds a model, or every one of a catalog."""


class Views(Protocol):
    """Views that come with tables of a higher area."""

    def base(self, name: FullName) -> FullName | None:
        """The table that a view of this name would come with; None if no view is called like that."""

    def has(self, name: FullName) -> bool:
        """Whether a table of this name may have views."""

    def of(self, opened: OpenedTable) -> Sequence[View]:
        """The views that a table has, sorted by name."""


class NoViews:
    """No table has views."""

    def base(self, name: FullName) -> FullName | None:  # noqa: ARG002
        return None

    def has(self, name: FullName) -> bool:  # noqa: ARG002
        return False

    def of(self, opened: OpenedTable) -> Sequence[View]:  # noqa: ARG002
        return ()
