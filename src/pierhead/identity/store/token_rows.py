"""Rows of tokens."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, true, update

from pierhead.identity.domain.accounts import Account, Token
from pierhead.identity.store.account_rows import AccountStore, account_of, can_act, columns, owners, with_owner
from pierhead.identity.store.accounts import groups, memberships, tokens, users
from pierhead.identity.store.words import from_column
from pierhead.kit.web.caller import Caller, PrincipalKind

_token_columns = tuple(column.label(f"token_{column.name}") for column in tokens.c)


class TokenStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_caller(self, digest: str, now: datetime) -> Caller | None:
        """Whom the token with this digest lets in now. One query: it runs on every request."""
        rows = self._connection.execute(
            select(
                users.c.id,
                users.c.name,
                users.c.kind,
                users.c.entitlements,
                owners.c.name.label("owner"),
                memberships.c.group_name,
                groups.c.entitlements.label("group_entitlements"),
            )
            .select_from(
                with_owner.join(tokens, tokens.c.user_id == users.c.id)
                .outerjoin(memberships, memberships.c.user_id == users.c.id)
                .outerjoin(groups, groups.c.name == memberships.c.group_name)
            )
            .where(tokens.c.digest == digest, _is_valid(now))
        ).all()
        if not rows:
            return None
        first = rows[0]
        inherited = (from_column(row.group_entitlements) for row in rows if row.group_name is not None)
        return Caller(
            user_id=first.id,
            user_name=first.name,
            groups=frozenset(row.group_name for row in rows if row.group_name is not None),
            kind=PrincipalKind(first.kind),
            owner_name=first.owner,
            entitlements=from_column(first.entitlements).union(*inherited),
        )

    def add(self, token: Token) -> None:
        self._connection.execute(
            insert(tokens).values(
                id=token.id,
                user_id=token.user_id,
                digest=token.digest,
                comment=token.comment,
                created_at=token.created_at,
                expires_at=token.expires_at,
                created_by=token.created_by,
            )
        )

    def find(self, token_id: str) -> tuple[Token, Account] | None:
        return next(iter(self._select(tokens.c.id == token_id)), None)

    def list_of(self, user_id: str | None) -> list[tuple[Token, Account]]:
        """Every token of this account (None: of all), with whose it is, oldest first."""
        return self._select(true() if user_id is None else tokens.c.user_id == user_id)

    def list_valid(self, now: datetime) -> list[tuple[Token, Account]]:
        """Every token that opens a door now, with whose it is, oldest first."""
        return self._select(_is_valid(now))

    def set_comment(self, token_id: str, comment: str) -> None:
        self._connection.execute(update(tokens).where(tokens.c.id == token_id).values(comment=comment))

    def delete(self, token_id: str) -> None:
        self._connection.execute(delete(tokens).where(tokens.c.id == token_id))

    def delete_of(self, user_id: str, comment: str | None = None) -> None:
        """Delete a account's tokens: those with this comment, or all."""
        where = true() if comment is None else tokens.c.comment == comment
        self._connection.execute(delete(tokens).where(tokens.c.user_id == user_id, where))

    def _select(self, where: ColumnElement[bool]) -> list[tuple[Token, Account]]:
        """Two queries, however many tokens there are."""
        rows = self._connection.execute(
            select(*_token_columns, *columns)
            .select_from(with_owner.join(tokens, tokens.c.user_id == users.c.id))
            .where(where)
            .order_by(tokens.c.created_at, tokens.c.id)
        ).all()
        groups_of = AccountStore(self._connection).groups_of([row.id for row in rows])
        return [(_token(row), account_of(row, groups_of.get(row.id, frozenset()))) for row in rows]


def _is_valid(now: datetime) -> ColumnElement[bool]:
    return and_(can_act, tokens.c.expires_at.is_(None) | (tokens.c.expires_at > now))


def _token(row: Any) -> Token:
    return Token(
        id=row.token_id,
        user_id=row.token_user_id,
        digest=row.token_digest,
        comment=row.token_comment,
        created_at=row.token_created_at,
        expires_at=row.token_expires_at,
        created_by=row.token_created_by,
    )
