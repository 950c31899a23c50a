"""Compilations as rows."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from pierhead.compile.domain import certificate as certificates
from pierhead.compile.domain.compilations import Compilation, CompilationState, Signed, Withdrawal
from pierhead.compile.store.tables import compilations

_CHUNK = 500


class CompilationStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, source: str) -> Compilation | None:
        row = self._connection.execute(select(compilations).where(compilations.c.source == source)).one_or_none()
        return None if row is None else _compilation(row)

    def lock(self, source: str) -> Compilation | None:
        """As `find`; nobody else changes it until the end of the transaction."""
        query = select(compilations).where(compilations.c.source == source).with_for_update()
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _compilation(row)

    def find_many(self, sources: Collection[str]) -> Mapping[str, Compilation]:
        """By source; those that nobody asked for are missing."""
        found: dict[str, Compilation] = {}
        wanted = sorted(sources)
        for start in range(0, len(wanted), _CHUNK):
            query = select(compilations).where(compilations.c.source.in_(wanted[start : start + _CHUNK]))
            found |= {row.source: _compilation(row) for row in self._connection.execute(query)}
        return found

    def next_waiting(self) -> Compilation | None:
        """The one to run next: what somebody waits for first, then the oldest."""
        query = (
            select(compilations)
            .where(compilations.c.state == CompilationState.WAITING)
            .order_by(compilations.c.is_urgent.desc(), compilations.c.asked_at, compilations.c.source)
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _compilation(row)

    def list_done(self) -> list[Compilation]:
        query = select(compilations).where(compilations.c.state == CompilationState.DONE)
        return [_compilation(row) for row in self._connection.execute(query)]

    def list_broken(self, *, most_attempts: int) -> list[Compilation]:
        """Those that were tried no more often."""
        is_broken = compilations.c.state == CompilationState.BROKEN
        query = select(compilations).where(is_broken, compilations.c.attempts <= most_attempts)
        return [_compilation(row) for row in self._connection.execute(query)]

    def list_running(self) -> list[Compilation]:
        query = select(compilations).where(compilations.c.state == CompilationState.RUNNING)
        return [_compilation(row) for row in self._connection.execute(query)]

    def unknown(self, sources: Iterable[str]) -> list[str]:
        """Those of the digests that nobody asked about yet, in their order."""
        wanted = list(dict.fromkeys(sources))
        known: set[str] = set()
        for start in range(0, len(wanted), _CHUNK):
            query = select(compilations.c.source).where(compilations.c.source.in_(wanted[start : start + _CHUNK]))
            known.update(self._connection.execute(query).scalars())
        return [source for source in wanted if source not in known]

    def add(self, compilation: Compilation, *, is_urgent: bool) -> None:
        values = {"source": compilation.source, "is_urgent": is_urgent, **_values(compilation)}
        self._connection.execute(insert(compilations).values(values))

    def put(self, compilation: Compilation) -> None:
        """Replace what is known of these files."""
        self._update(compilation.source, _values(compilation))

    def hurry(self, source: str) -> None:
        """Somebody waits for it."""
        self._update(source, {"is_urgent": True})

    def withdraw(self, source: str, withdrawal: Withdrawal) -> None:
        self._update(source, {"withdrawn_at": withdrawal.at, "withdrawal": withdrawal.reason})

    def add_verified(self, source: str, rows: int) -> None:
        self._update(source, {"verified_rows": compilations.c.verified_rows + rows})

    def _update(self, source: str, values: Mapping[str, Any]) -> None:
        self._connection.execute(update(compilations).where(compilations.c.source == source).values(values))


def _values(compilation: Compilation) -> dict[str, Any]:
    signed, withdrawal = compilation.signed, compilation.withdrawal
    return {
        "state": compilation.state,
        "attempts": compilation.attempts,
        "asked_at": compilation.asked_at,
        "asked_by": compilation.asked_by,
        "ended_at": compilation.ended_at,
        "message": compilation.message,
        "certificate": None if signed is None else certificates.encode(signed.certificate).decode(),
        "key_id": None if signed is None else signed.key_id,
        "signature": None if signed is None else signed.signature,
        "withdrawn_at": None if withdrawal is None else withdrawal.at,
        "withdrawal": None if withdrawal is None else withdrawal.reason,
        "verified_rows": compilation.verified_rows,
    }


def _compilation(row: Row[Any]) -> Compilation:
    signed, damage = _signed(row)
    return Compilation(
        source=row.source,
        state=CompilationState(row.state),
        attempts=row.attempts,
        asked_at=row.asked_at,
        asked_by=row.asked_by,
        ended_at=row.ended_at,
        message=row.message,
        signed=signed,
        damage=damage,
        withdrawal=_withdrawal(row.withdrawn_at, row.withdrawal),
        verified_rows=row.verified_rows,
    )


def _signed(row: Row[Any]) -> tuple[Signed | None, str]:
    """The certificate, or what is wrong with it: an altered one must not keep the others from being read."""
    if row.certificate is None:
        return None, ""
    try:
        certificate = certificates.decode(row.certificate.encode())
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        return None, f"its certificate in the database cannot be read: {error}"
    return Signed(certificate, row.key_id or "", row.signature or ""), ""


def _withdrawal(at: datetime | None, reason: str | None) -> Withdrawal | None:
    return None if at is None else Withdrawal(at, reason or "")
