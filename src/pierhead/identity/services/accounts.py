"""Everything about identities in one transaction, and the door that asks who comes."""

from datetime import timedelta

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import ADMIN, ADMINS, Account
from pierhead.identity.services.defaults import set_up_defaults
from pierhead.identity.services.directory import Accounts
from pierhead.identity.services.groups import Groups
from pierhead.identity.services.tokens import Tokens
from pierhead.identity.store.account_rows import AccountStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.web.caller import Caller, PrincipalKind

_FIRST_START = "first start"


class Identities:
    """Accounts, groups and tokens together, with what most callers want of them."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self.accounts = Accounts(connection, clock)
        self.groups = Groups(connection, clock)
        self.tokens = Tokens(connection, clock)

    def set_up(self) -> None:
        """Make what every installation has, and complete what an older release left; harmless when it is there."""
        AccountStore(self._connection).fold_names()
        self.groups.set_up()
        set_up_defaults(self._connection)

    def create_admin(self) -> str:
        """Make sure that the user `admin` exists, and give a new token for it; older first tokens end."""
        admin = self.accounts.find(ADMIN) or self.create_user(ADMIN, frozenset({ADMINS}))
        self.tokens.revoke_all(admin, _FIRST_START)
        return self.create_token(admin, _FIRST_START)

    def create_user(self, name: str, groups: frozenset[str] = frozenset()) -> Account:
        """Raises InvalidArgument, AlreadyExists, or NotFound for an unknown group."""
        return self.accounts.create_user(name, groups)

    def get_user(self, name: str) -> Account:
        """Raises NotFound."""
        return self.accounts.get(name, PrincipalKind.USER)

    def create_token(
        self, account: Account, comment: str, lifetime: timedelta | None = None, created_by: str | None = None
    ) -> str:
        """A new token, shown this once. Raises InvalidArgument, or InvalidState if it would open nothing."""
        _, value = self.tokens.create(account, comment, lifetime, created_by)
        return value

    def authenticate(self, value: str) -> Caller:
        """Raises Unauthenticated without saying which of the reasons it is."""
        return self.tokens.authenticate(value)


class Authenticator:
    """Token -> caller, in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def __call__(self, token: str) -> Caller:
        with self._database.reading() as connection:
            return Tokens(connection, self._clock).authenticate(token)
