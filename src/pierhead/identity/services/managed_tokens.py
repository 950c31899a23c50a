"""Whose tokens one may manage: one's own, those of service principals that one owns, and for admins all."""

from datetime import timedelta

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import Account, Token
from pierhead.identity.domain.objects import Action, Platform
from pierhead.identity.services.access import Access
from pierhead.identity.services.directory import Accounts
from pierhead.identity.services.tokens import Tokens, no_such_token
from pierhead.kit.clock import Clock
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.web.caller import Caller, PrincipalKind


class ManagedTokens:
    """What one caller may do with tokens. Others' tokens look to them as if they did not exist."""

    def __init__(self, connection: Connection, clock: Clock, caller: Caller) -> None:
        self._tokens = Tokens(connection, clock)
        self._accounts = Accounts(connection, clock)
        self._caller = caller
        self._is_admin = Access(connection, caller).may(Action.MANAGE, Platform())

    def create_own(self, comment: str, lifetime: timedelta | None) -> tuple[Token, str]:
        """A token of the caller with its value. Raises InvalidArgument."""
        caller = self._caller
        account = self._accounts.get_by_id(caller.user_id, caller.kind)
        return self._tokens.create(account, comment, lifetime, created_by=caller.user_name)

    def create_for(
        self, service_principal: str, comment: str, lifetime: timedelta | None
    ) -> tuple[Token, Account, str]:
        """A token for a service principal (name or application id), whose it is, and its value.

        Raises NotFound, PermissionDenied, InvalidArgument or InvalidState.
        """
        account = self._accounts.get(service_principal, PrincipalKind.SERVICE_PRINCIPAL)
        if not self._manages(account):
            raise PermissionDenied(
                f"{self._caller.user_name!r} may not make tokens of {account.title}: "
                f"only its owner {account.owner!r} and admins may"
            )
        token, value = self._tokens.create(account, comment, lifetime, created_by=self._caller.user_name)
        return token, account, value

    def list_own(self) -> list[tuple[Token, Account]]:
        """The caller's, oldest first."""
        return self._tokens.list_of(self._caller.user_id)

    def list_managed(
        self, created_by: str | None = None, created_by_id: str | None = None
    ) -> list[tuple[Token, Account]]:
        """All that the caller may manage, oldest first; those that one account made, by its name, id, or both."""
        makers = None if created_by is None else {created_by}
        if created_by_id is not None:
            maker = self._accounts.find_by_id(created_by_id)
            named = set() if maker is None else {maker.name}
            makers = named if makers is None else makers & named
        return [
            (token, account)
            for token, account in self._tokens.list_of()
            if self._manages(account) and (makers is None or (token.created_by or account.name) in makers)
        ]

    def get(self, token_id: str, *, is_own: bool = False) -> tuple[Token, Account]:
        """One that the caller may manage, or (`is_own`) one of theirs. Raises NotFound."""
        token, account = self._tokens.get(token_id)
        if not (account.id == self._caller.user_id if is_own else self._manages(account)):
            raise no_such_token(token_id)
        return token, account

    def revoke(self, token_id: str, *, is_own: bool = False) -> None:
        """Raises NotFound."""
        self.get(token_id, is_own=is_own)
        self._tokens.revoke(token_id)

    def set_comment(self, token_id: str, comment: str, *, is_own: bool = False) -> tuple[Token, Account]:
        """Raises NotFound or InvalidArgument."""
        self.get(token_id, is_own=is_own)
        self._tokens.set_comment(token_id, comment)
        return self._tokens.get(token_id)

    def _manages(self, account: Account) -> bool:
        # Only the human owner: a program must not make keys for its owner's other programs.
        is_owner = self._caller.kind is PrincipalKind.USER and account.owner == self._caller.user_name
        return self._is_admin or is_owner or account.id == self._caller.user_id
