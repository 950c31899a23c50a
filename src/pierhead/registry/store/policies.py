"""Policies as rows."""

from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from pierhead.registry.domain.policy_texts import Choice, PolicyText
from pierhead.registry.store.policy_tables import policy_choices as choices
from pierhead.registry.store.policy_tables import policy_revisions as revisions


class PolicyStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, given: PolicyText) -> None:
        """Raises IntegrityError if the revision exists."""
        self._connection.execute(
            insert(revisions).values(
                set_name=given.name,
                revision=given.revision,
                text=given.text,
                digest=given.digest,
                applied_by=given.applied_by,
                applied_at=given.applied_at,
            )
        )

    def find(self, name: str, revision: int | None = None) -> PolicyText | None:
        """A revision of a set, the newest if none is named."""
        query = select(revisions).where(revisions.c.set_name == name).order_by(revisions.c.revision.desc()).limit(1)
        if revision is not None:
            query = query.where(revisions.c.revision == revision)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _text(row)

    def list_newest(self) -> list[PolicyText]:
        """The newest revision of every set, by name."""
        newest = (
            select(revisions.c.set_name, func.max(revisions.c.revision).label("revision"))
            .group_by(revisions.c.set_name)
            .subquery()
        )
        query = select(revisions).join(
            newest, (newest.c.set_name == revisions.c.set_name) & (newest.c.revision == revisions.c.revision)
        )
        return [_text(row) for row in self._connection.execute(query.order_by(revisions.c.set_name))]

    def list_revisions(self, name: str) -> list[PolicyText]:
        """Every revision of a set, the newest first."""
        query = select(revisions).where(revisions.c.set_name == name).order_by(revisions.c.revision.desc())
        return [_text(row) for row in self._connection.execute(query)]

    def add_choice(self, choice: Choice) -> None:
        self._connection.execute(
            insert(choices).values(set_name=choice.name, chosen_by=choice.chosen_by, chosen_at=choice.chosen_at)
        )

    def list_choices(self, limit: int) -> list[Choice]:
        """The last choices, the newest first."""
        query = select(choices).order_by(choices.c.position.desc()).limit(limit)
        return [Choice(row.set_name, row.chosen_by, row.chosen_at) for row in self._connection.execute(query)]


def _text(row: Row[Any]) -> PolicyText:
    return PolicyText(row.set_name, row.revision, row.text, row.digest, row.applied_by, row.applied_at)
