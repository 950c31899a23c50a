"""The audit trail: a record in every transaction of a call, and one for every denial."""

import os
import pwd
import threading

from sqlalchemy import Connection

from pierhead.identity.domain.audit import CLOSED, DENIED, Fields, fields_of
from pierhead.identity.domain.audit_denials import Denial, DenialWindows, Repeated
from pierhead.identity.store.audit import AuditStore
from pierhead.kit import audit_context
from pierhead.kit.audit_context import ANONYMOUS, HOME_OWNER, PLATFORM, Acting, Actor
from pierhead.kit.clock import Clock, to_ms
from pierhead.kit.db import BeforeCommit, Database
from pierhead.kit.errors import PermissionDenied, PierheadError


def home_owner() -> Actor:
    """Whoever runs this process on the machine itself: a home's owner needs no account."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return Actor(f"owner of the home ({name})", HOME_OWNER, person=name)


def recording(clock: Clock) -> BeforeCommit:
    """What a database does before each commit: with a call under way, append the record of this transaction."""

    def record(connection: Connection) -> None:
        acting = audit_context.current()
        if acting is not None:
            AuditStore(connection).append(fields_of(acting, acting.take_notes(), clock.now(), None))

    return record


class Denials:
    """Records of calls that were refused, each in a transaction of its own: the call's own was rolled back.

    What repeats within a minute is counted; `flush` writes the counts, and is called now and then and at the end.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._windows = DenialWindows()
        self._lock = threading.Lock()

    def record(self, error: PierheadError, status_code: int) -> None:
        """Record that the call under way was refused, if it was for want of a right or by the gate.

        Nothing happens outside of a call, or if nobody knows whose it is: anybody can cause any number of those, and
        they are counted where tokens are looked at.
        """
        acting = audit_context.current()
        if acting is None or acting.actor.kind == ANONYMOUS or not _is_denial(error, acting):
            return
        self.flush()
        now = self._clock.now()
        fields = fields_of(acting, acting.take_notes(), now, (status_code, error.message))
        denial = Denial(acting.actor.name, fields["action_name"], fields["object"])
        with self._lock:
            is_new = self._windows.admit(denial, now)
        if is_new:
            self._append([fields])

    def flush(self, *, is_last: bool = False) -> None:
        """Record what repeated in windows that are over; the last time, in all."""
        with self._lock:
            repeated = self._windows.take_all() if is_last else self._windows.take_ended(self._clock.now())
        if repeated:
            self._append([self._summary(each) for each in repeated])

    def _append(self, records: list[Fields]) -> None:
        # No context: else the transaction would get a record of its own besides.
        with audit_context.under(None), self._database.transaction() as connection:
            store = AuditStore(connection)
            for fields in records:
                store.append(fields)

    def _summary(self, repeated: Repeated) -> Fields:
        denial = repeated.denial
        acting = Acting(Actor("audit trail", PLATFORM), "repeated denials")
        notes: dict[str, object] = {
            "action": denial.action,
            "object": denial.object,
            "decision": DENIED,
            "count": repeated.count,
            "since": to_ms(repeated.since),
            "until": to_ms(repeated.until),
        }
        message = f"refused {repeated.count} more times within a minute of the record before"
        fields = fields_of(acting, notes, self._clock.now(), (403, message))
        # Whoever looks for the denials of somebody finds these too.
        return {**fields, "user_identity": {"email": denial.actor, "kind": "", "person": "", "groups": []}}


def _is_denial(error: PierheadError, acting: Acting) -> bool:
    return isinstance(error, PermissionDenied) or acting.notes.get("decision") == CLOSED
