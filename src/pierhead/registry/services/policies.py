"""Which policies there are, and which of them decide."""

from functools import lru_cache

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from pierhead.identity.services.groups import Groups
from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import Conflict, InvalidArgument, InvalidState, NotFound
from pierhead.registry.domain.policies import PolicySet
from pierhead.registry.domain.policy_texts import Choice, PolicyText, text_digest
from pierhead.registry.domain.policy_yaml import InvalidPolicies, parse_policies
from pierhead.registry.domain.shipped_policies import DEFAULT, SHIPPED, SHIPPED_REVISION
from pierhead.registry.store.policies import PolicyStore

log = structlog.get_logger()

_MOST_CHOICES = 100


def shipped_text(name: str) -> PolicyText | None:
    """A set that ships with Pierhead; None for any other name."""
    text = SHIPPED.get(name)
    return None if text is None else PolicyText(name, SHIPPED_REVISION, text, text_digest(text))


class Policies:
    """Use cases on sets of policies, within the caller's transaction."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._store = PolicyStore(connection)
        self._connection = connection
        self._clock = clock

    def active(self) -> PolicySet:
        """The set that decides, at its newest revision. Raises InvalidState if this Pierhead cannot read it."""
        given = self.get()
        try:
            return _parsed(given.text, given.revision)
        except InvalidPolicies as error:
            # Whatever a policy that cannot be read would refuse must not be let through.
            raise InvalidState(
                f"nothing can be promoted: policies '{given.name}' revision {given.revision} cannot be read by this "
                f"Pierhead; apply them again in a form that it reads: {'; '.join(error.problems)}"
            ) from None

    def in_use(self) -> Choice:
        """Which set decides, and who chose it."""
        return next(iter(self._store.list_choices(1)), Choice(DEFAULT))

    def choices(self) -> list[Choice]:
        """The last choices, the newest first."""
        return self._store.list_choices(_MOST_CHOICES)

    def use(self, name: str, *, by: str) -> Choice:
        """Let the set `name` decide from now on; choosing the one that does changes nothing. Raises NotFound."""
        given = self.get(name)
        before = self.in_use()
        note(object=f"policies {name}", before=before.name, after=name, policy_digest=given.digest)
        if before.name == name:
            return before
        choice = Choice(name, by, self._clock.now())
        self._store.add_choice(choice)
        log.info("policies chosen", name=name, revision=given.revision, by=by)
        return choice

    def apply(self, text: str, *, by: str) -> tuple[PolicyText, bool]:
        """Keep a set as its newest revision, and say whether it is a new one: the same text again is not.

        Raises InvalidPolicies, InvalidArgument for the name of a set that ships with Pierhead, or Conflict.
        """
        name = parse_policies(text.encode()).name
        if name in SHIPPED:
            raise InvalidArgument(
                f"the policies '{name}' ship with Pierhead and do not change; give yours another name, apply them, "
                "then choose them: pierhead policies use NAME"
            )
        newest = self._store.find(name)
        digest = text_digest(text)
        note(object=f"policies {name}", policy_digest=digest, before=newest.digest if newest else None)
        if newest is not None and newest.digest == digest:
            return newest, False
        given = PolicyText(name, newest.revision + 1 if newest else 1, text, digest, by, self._clock.now())
        try:
            with self._connection.begin_nested():
                self._store.add(given)
        except IntegrityError:
            raise Conflict(f"somebody else applied policies '{name}' at the same time; look, and apply again") from None
        log.info("policies applied", name=name, revision=given.revision, digest=digest, by=by)
        return given, True

    def list_missing_groups(self, given: PolicyText) -> list[str]:
        """Groups that the set names and that do not exist: whoever waits for one of them waits for ever."""
        existing = {group.name for group in Groups(self._connection, self._clock).list_all()}
        return sorted(_parsed(given.text, given.revision).groups - existing)

    def list_missing_externals(self, given: PolicyText, configured: frozenset[str]) -> list[str]:
        """Systems outside that the set wants to be asked and that nobody configured: their word is always a no."""
        return sorted(_parsed(given.text, given.revision).all_external_names - configured)

    def get(self, name: str | None = None, revision: int | None = None) -> PolicyText:
        """A set at a revision; without name the one that decides, without revision the newest. Raises NotFound."""
        name = self.in_use().name if name is None else name
        shipped = shipped_text(name)
        found = self._store.find(name, revision) if shipped is None else shipped
        if found is None or revision not in (None, found.revision):
            which = (
                f"are no policies '{name}'" if revision is None else f"is no revision {revision} of policies '{name}'"
            )
            raise NotFound(f"there {which}; `pierhead policies list` shows what there is")
        return found

    def list_newest(self) -> list[PolicyText]:
        """Every set at its newest revision: those that ship with Pierhead, then the others by name."""
        shipped = [text for name in SHIPPED if (text := shipped_text(name)) is not None]
        return shipped + self._store.list_newest()

    def history(self, name: str) -> list[PolicyText]:
        """Every revision of a set, the newest first. Raises NotFound."""
        newest = self.get(name)
        return [newest] if newest.name in SHIPPED else self._store.list_revisions(name)


@lru_cache(maxsize=32)
def _parsed(text: str, revision: int) -> PolicySet:
    """Reading YAML takes milliseconds, and every promotion asks; what is read never changes."""
    return parse_policies(text.encode(), revision=revision)
