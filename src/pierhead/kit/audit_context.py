"""Who acts, through which call: known to everything that the call runs, without being handed down.

The web layer and the CLI say who it is; services add what only they know by `note`; the audit trail reads it when a
transaction commits. It lives in a context variable, so that threads and streams that a request starts inherit it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

ANONYMOUS, HOME_OWNER, PLATFORM = "anonymous", "home_owner", "platform"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it. `kind` is a value of PrincipalKind, or one of the three above.

    `person` is the human who answers for it; empty if there is none.
    """

    name: str
    kind: str
    person: str = ""
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call came from. `claimed_ip` is what the caller, or a proxy that we do not know, said of itself."""

    source_ip: str | None = None
    claimed_ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@dataclass(slots=True)
class Acting:
    """One call under way. It is one object in all threads of the call, so that notes reach whoever commits.

    `route` is method and path template of a call of the API (`POST /2.0/...`), or the words of a command; `params` are
    as they came, secrets included: whoever keeps them redacts them first.
    """

    actor: Actor
    route: str
    origin: Origin = field(default_factory=Origin)
    params: Mapping[str, object] = field(default_factory=dict)
    status_code: int = 200
    notes: dict[str, object] = field(default_factory=dict)

    def take_notes(self) -> dict[str, object]:
        """The notes since the last taking."""
        taken, self.notes = self.notes, {}
        return taken


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


def current() -> Acting | None:
    """The call under way; None outside of any."""
    return _acting.get()


@contextmanager
def under(acting: Acting | None) -> Iterator[None]:
    """Run the block as (part of) this call; None leaves the block without one."""
    token = _acting.set(acting)
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def acting(actor: Actor | str, action: str, params: Mapping[str, object] | None = None) -> Iterator[Acting]:
    """Run the block as a call of its own, for work that nobody asked for over the API; a plain name is a part of the
    platform itself: `with acting("controller", "expire requests")`."""
    who = Actor(actor, PLATFORM) if isinstance(actor, str) else actor
    call = Acting(who, action, params=params or {})
    with under(call):
        yield call


@contextmanager
def step(action: str) -> Iterator[None]:
    """Run the block as a step of its own within the call, with records of its own; harmless outside of any call."""
    call = _acting.get()
    with under(None if call is None else replace(call, route=action, notes={})):
        yield


def note(**fields: object) -> None:
    """Add to the record of the call's next transaction, or of its denial; nothing happens outside of a call.

    `action`, `object`, `decision`, `policy`, `before`, `after` and names that end in `_digest` have a place of their
    own in the record. A later note of the same name replaces the earlier one.
    """
    call = _acting.get()
    if call is not None:
        call.notes.update(fields)
