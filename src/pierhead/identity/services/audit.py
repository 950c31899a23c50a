"""The audit trail: a record in every transaction of a call, and one for every denial."""

import os
import pwd
import threading

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from pierhead.identity.domain.audit import CLOSED, DENIED, Fields, fields_of
from pierhead.identity.domain.audit_denials import Denial, DenialWindows, Lost, Repeated, lost_with
from pierhead.identity.store.audit import AuditStore
from pierhead.kit import audit_context
from pierhead.kit.audit_context import ANONYMOUS, HOME_OWNER, PLATFORM, Acting, Actor
from pierhead.kit.clock import Clock, to_ms
from pierhead.kit.db import BeforeCommit, Database
from pierhead.kit.errors import PermissionDenied, PierheadError

log = structlog.get_logger()

_WRITER = Actor("audit trail", PLATFORM)


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
    What cannot be recorded, on a full disk, is told to the log and counted; one record tells how much was lost as soon
    as there is room again.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._windows = DenialWindows()
        self._lost: Lost | None = None
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
            self._append([fields], Lost(1, now, now))

    def flush(self, *, is_last: bool = False) -> None:
        """Record what repeated in windows that are over; the last time, in all."""
        with self._lock:
            repeated = self._windows.take_all() if is_last else self._windows.take_ended(self._clock.now())
            earlier, self._lost = self._lost, None
        records = [self._summary(each) for each in repeated]
        if earlier is not None:
            records.append(self._loss(earlier))
        at_stake: Lost | None = None
        for each in repeated:
            at_stake = lost_with(each).and_also(at_stake)
        if records:
            self._append(records, at_stake, earlier)
        if is_last:
            self._tell_of_losses()

    def _tell_of_losses(self) -> None:
        with self._lock:
            lost = self._lost
        if lost is not None:
            log.error("denials lost for good", count=lost.count, first=lost.first, last=lost.last)

    def _append(self, records: list[Fields], at_stake: Lost | None, earlier: Lost | None = None) -> None:
        """`at_stake` is what these records tell of for the first time, `earlier` what was lost before."""
        try:
            # No context: else the transaction would get a record of its own besides.
            with audit_context.under(None), self._database.transaction() as connection:
                store = AuditStore(connection)
                for fields in records:
                    store.append(fields)
        except SQLAlchemyError as error:
            with self._lock:
                for lost in (earlier, at_stake):
                    self._lost = self._lost if lost is None else lost.and_also(self._lost)
            if at_stake is not None:
                log.error("denials could not be recorded", count=at_stake.count, reason=str(error.__cause__ or error))

    def _summary(self, repeated: Repeated) -> Fields:
        denial = repeated.denial
        acting = Acting(_WRITER, "repeated denials")
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

    def _loss(self, lost: Lost) -> Fields:
        notes: dict[str, object] = {
            "decision": DENIED,
            "count": lost.count,
            "since": to_ms(lost.first),
            "until": to_ms(lost.last),
        }
        message = f"{lost.count} denials could not be recorded; who was denied what is in no record"
        return fields_of(Acting(_WRITER, "denials lost"), notes, self._clock.now(), (403, message))


def _is_denial(error: PierheadError, acting: Acting) -> bool:
    return isinstance(error, PermissionDenied) or acting.notes.get("decision") == CLOSED
