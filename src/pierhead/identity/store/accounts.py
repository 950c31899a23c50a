"""Tables of users, groups and tokens."""

from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    String,
    Table,
    Text,
    and_,
    delete,
    insert,
    select,
    true,
)

from pierhead.identity.domain.accounts import Token, User
from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
)
groups = Table("groups", metadata, Column("name", String(255), primary_key=True))
memberships = Table(
    "memberships",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("group_name", ForeignKey("groups.name", ondelete="CASCADE"), primary_key=True),
)
tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("comment", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=True),
)


class IdentityStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_user(self, name: str) -> User | None:
        return self._user(users.c.name == name)

    def find_user_by_id(self, user_id: str) -> User | None:
        return self._user(users.c.id == user_id)

    def _user(self, where: object) -> User | None:
        row = self._connection.execute(select(users).where(where)).one_or_none()  # type: ignore[arg-type]
        if row is None:
            return None
        names = self._connection.scalars(select(memberships.c.group_name).where(memberships.c.user_id == row.id))
        return User(row.id, row.name, row.is_active, row.created_at, frozenset(names))

    def list_users(self) -> list[User]:
        groups_of = self._groups()
        return [
            User(row.id, row.name, row.is_active, row.created_at, groups_of.get(row.id, frozenset()))
            for row in self._connection.execute(select(users).order_by(users.c.name))
        ]

    def add_user(self, user: User) -> None:
        self._connection.execute(
            insert(users).values(id=user.id, name=user.name, is_active=user.is_active, created_at=user.created_at)
        )
        for group in user.groups:
            self._connection.execute(insert(memberships).values(user_id=user.id, group_name=group))

    def list_groups(self) -> list[str]:
        return list(self._connection.scalars(select(groups.c.name).order_by(groups.c.name)))

    def add_group(self, name: str) -> None:
        self._connection.execute(insert(groups).values(name=name))

    def find_token(self, digest: str) -> Token | None:
        row = self._connection.execute(select(tokens).where(tokens.c.digest == digest)).one_or_none()
        return None if row is None else Token(**row._mapping)

    def add_token(self, token: Token) -> None:
        self._connection.execute(
            insert(tokens).values(
                id=token.id,
                user_id=token.user_id,
                digest=token.digest,
                comment=token.comment,
                created_at=token.created_at,
                expires_at=token.expires_at,
            )
        )

    def delete_tokens(self, user_id: str, comment: str) -> None:
        self._connection.execute(delete(tokens).where(tokens.c.user_id == user_id, tokens.c.comment == comment))

    def delete_token(self, token_id: str) -> bool:
        """Whether there was one."""
        return self._connection.execute(delete(tokens).where(tokens.c.id == token_id)).rowcount > 0

    def list_tokens(self, user_id: str | None) -> list[tuple[Token, User]]:
        """Every token of this user (None: of all users), with its user, oldest first."""
        return self._tokens(true() if user_id is None else tokens.c.user_id == user_id)

    def list_valid_tokens(self, now: datetime) -> list[tuple[Token, User]]:
        """Every token that opens a door now, with its user, oldest first."""
        return self._tokens(and_(users.c.is_active, tokens.c.expires_at.is_(None) | (tokens.c.expires_at > now)))

    def _tokens(self, where: ColumnElement[bool]) -> list[tuple[Token, User]]:
        """Two queries, however many users there are."""
        groups_of = self._groups()
        owner = (users.c.name, users.c.is_active, users.c.created_at.label("user_created_at"))
        rows = self._connection.execute(
            select(tokens, *owner)
            .join(users, users.c.id == tokens.c.user_id)
            .where(where)
            .order_by(tokens.c.created_at, tokens.c.id)
        )
        return [
            (
                Token(row.id, row.user_id, row.digest, row.comment, row.created_at, row.expires_at),
                User(
                    row.user_id, row.name, row.is_active, row.user_created_at, groups_of.get(row.user_id, frozenset())
                ),
            )
            for row in rows
        ]

    def _groups(self) -> dict[str, frozenset[str]]:
        """User id -> names of groups."""
        found: dict[str, set[str]] = {}
        for row in self._connection.execute(select(memberships)):
            found.setdefault(row.user_id, set()).add(row.group_name)
        return {user_id: frozenset(names) for user_id, names in found.items()}
