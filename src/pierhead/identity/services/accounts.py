"""Who exists, and whose token this is."""

from datetime import timedelta

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import ADMINS, FIRST_GROUPS, Token, User, digest_of
from pierhead.identity.store.accounts import IdentityStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import AlreadyExists, NotFound, Unauthenticated
from pierhead.kit.ids import new_id, new_token
from pierhead.kit.web.caller import Caller


class Identities:
    """Use cases on users, groups and tokens."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._store = IdentityStore(connection)
        self._clock = clock

    def set_up(self) -> None:
        """Make the first groups; harmless when they exist."""
        existing = self._store.list_groups()
        for name in FIRST_GROUPS:
            if name not in existing:
                self._store.add_group(name)

    def create_user(self, name: str, groups: frozenset[str] = frozenset()) -> User:
        """Raises AlreadyExists, or NotFound for an unknown group."""
        if self._store.find_user(name):
            raise AlreadyExists(f"user {name!r} exists already")
        known = self._store.list_groups()
        for group in sorted(groups):
            if group not in known:
                raise NotFound(f"group {group!r} does not exist; there are {', '.join(known)}")
        user = User(new_id(), name, True, self._clock.now(), groups)
        self._store.add_user(user)
        return user

    def get_user(self, name: str) -> User:
        """Raises NotFound."""
        user = self._store.find_user(name)
        if user is None:
            raise NotFound(f"user {name!r} does not exist")
        return user

    def list_users(self) -> list[User]:
        """Every user, by name."""
        return self._store.list_users()

    def list_groups(self) -> list[str]:
        """Every group's name, in order."""
        return self._store.list_groups()

    def create_admin(self) -> str:
        """Make sure that the user `admin` exists, and give a new token for it; older first tokens end."""
        user = self._store.find_user("admin") or self.create_user("admin", frozenset({ADMINS}))
        self._store.delete_tokens(user.id, "first start")
        return self.create_token(user, "first start")

    def create_token(self, user: User, comment: str, lifetime: timedelta | None = None) -> str:
        """A new token, shown this once."""
        value = new_token()
        now = self._clock.now()
        expires_at = None if lifetime is None else now + lifetime
        self._store.add_token(Token(new_id(), user.id, digest_of(value), comment, now, expires_at))
        return value

    def list_tokens(self, user: User | None = None) -> list[tuple[Token, User]]:
        """Tokens with their owners, oldest first, valid or not; of one user or of all."""
        return self._store.list_tokens(None if user is None else user.id)

    def revoke_token(self, token_id: str) -> None:
        """End a token: the api refuses it at once, gateways with their next snapshot. Raises NotFound."""
        if not self._store.delete_token(token_id):
            raise NotFound(f"token {token_id!r} does not exist; `pierhead tokens list` shows the ids")

    def authenticate(self, value: str) -> Caller:
        """Raises Unauthenticated without saying which of the reasons it is."""
        token = self._store.find_token(digest_of(value))
        user = None if token is None else self._store.find_user_by_id(token.user_id)
        if token is None or user is None or not user.is_active or not token.is_valid(self._clock.now()):
            raise Unauthenticated("the token is unknown, revoked or expired; `pierhead env` prints a valid one")
        return Caller(user.id, user.name, user.groups)

    def list_valid_tokens(self) -> list[tuple[Token, User]]:
        """What the gateways need to know callers without asking."""
        return self._store.list_valid_tokens(self._clock.now())


class Authenticator:
    """Token -> caller, in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def __call__(self, token: str) -> Caller:
        with self._database.reading() as connection:
            return Identities(connection, self._clock).authenticate(token)
