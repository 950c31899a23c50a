"""Tokens: what opens the doors."""

from datetime import timedelta

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import Account, Token, digest_of
from pierhead.identity.services.taken_names import commands_of
from pierhead.identity.store.account_rows import AccountStore
from pierhead.identity.store.token_rows import TokenStore
from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument, InvalidState, NotFound, Unauthenticated
from pierhead.kit.ids import new_id, new_token
from pierhead.kit.web.caller import Caller, PrincipalKind

_MAX_LIFETIME = timedelta(days=36_525)
_MAX_COMMENT = 1000


class Tokens:
    """Use cases on tokens. Whoever calls has checked that they may."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._accounts = AccountStore(connection)
        self._store = TokenStore(connection)
        self._clock = clock

    def authenticate(self, value: str) -> Caller:
        """Raises Unauthenticated without saying which of the reasons it is."""
        caller = self._store.find_caller(digest_of(value), self._clock.now())
        if caller is None:
            raise Unauthenticated("the token is unknown, revoked or expired; `pierhead env` prints a valid one")
        return caller

    def create(
        self, account: Account, comment: str, lifetime: timedelta | None = None, created_by: str | None = None
    ) -> tuple[Token, str]:
        """A new token with its value, which is shown this once.

        Raises InvalidArgument, or InvalidState if it would open nothing.
        """
        self._refuse_closed(account)
        if lifetime is not None and not timedelta(0) < lifetime <= _MAX_LIFETIME:
            raise InvalidArgument(
                f"a token lives from 1 second to 100 years, not {lifetime.total_seconds():.0f} seconds"
            )
        value, now = new_token(), self._clock.now()
        token = Token(
            id=new_id(),
            user_id=account.id,
            digest=digest_of(value),
            comment=_checked(comment),
            created_at=now,
            expires_at=None if lifetime is None else now + lifetime,
            created_by=created_by,
        )
        self._store.add(token)
        note(object=account.name, token_id=token.id)
        return token, value

    def get(self, token_id: str) -> tuple[Token, Account]:
        """With whose it is. Raises NotFound."""
        found = self._store.find(token_id)
        if found is None:
            raise no_such_token(token_id)
        return found

    def list_of(self, account_id: str | None = None) -> list[tuple[Token, Account]]:
        """With whose they are, oldest first, valid or not; of one account or of all."""
        return self._store.list_of(account_id)

    def list_valid(self) -> list[tuple[Token, Account]]:
        """What the gateways need to know callers without asking."""
        return self._store.list_valid(self._clock.now())

    def set_comment(self, token_id: str, comment: str) -> None:
        self._store.set_comment(token_id, _checked(comment))

    def revoke(self, token_id: str) -> Account:
        """End a token: the api refuses it at once, gateways with their next snapshot. Raises NotFound.

        Returns whose it was.
        """
        _, account = self.get(token_id)
        self._store.delete(token_id)
        note(object=account.name, token_id=token_id)
        return account

    def revoke_all(self, account: Account, comment: str) -> None:
        """End an account's tokens with this comment."""
        self._store.delete_of(account.id, comment)

    def _refuse_closed(self, account: Account) -> None:
        if not account.is_active:
            raise InvalidState(
                f"{account.title} is deactivated, so that a token would open nothing; "
                f"`pierhead {commands_of(account.kind)} activate {account.name}` lets it in again"
            )
        if account.kind is PrincipalKind.USER:
            return
        owner = None if account.owner is None else self._accounts.find_by_name(account.owner)
        if owner is None or not owner.is_active:
            raise InvalidState(
                f"{account.title} cannot log in, as its owner {account.owner!r} is deactivated or deleted; "
                f"`pierhead service-principals set-owner {account.name} USER` gives it another"
            )


def no_such_token(token_id: str) -> NotFound:
    return NotFound(f"token {token_id!r} does not exist; `pierhead tokens list` shows the ids")


def _checked(comment: str) -> str:
    if len(comment) > _MAX_COMMENT:
        raise InvalidArgument(f"the comment of a token has at most {_MAX_COMMENT} characters, not {len(comment)}")
    return comment
