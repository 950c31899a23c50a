"""Asking for compilations, and reading what came of them."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from pierhead.compile.domain.compilations import Compilation, CompilationState
from pierhead.compile.store.compilations import CompilationStore
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidState

PLATFORM = "pierhead"
"""Who asks when nobody did."""


class Compilations:
    """Within a transaction of the caller."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._store = CompilationStore(connection)
        self._clock = clock

    def find(self, source: str) -> Compilation | None:
        return self._store.find(source)

    def get(self, source: str) -> Compilation:
        """Raises InvalidState if nobody asked for it yet."""
        found = self._store.find(source)
        if found is None:
            raise InvalidState("this version was not compiled yet; `pierhead models compile NAME VERSION` does it now")
        return found

    def find_many(self, sources: Collection[str]) -> Mapping[str, Compilation]:
        return self._store.find_many(sources)

    def want(self, source: str, *, is_urgent: bool) -> Compilation:
        """Have these files compiled unless they are, or were."""
        known = self._store.find(source)
        if known is None:
            return self._add(source, PLATFORM, is_urgent=is_urgent)
        if is_urgent and not known.is_over:
            self._store.hurry(source)
        return known

    def ask(self, source: str, by: str) -> Compilation:
        """Have these files compiled, again if they were; until it is done, the last certificate stays in force."""
        known = self._store.lock(source)
        if known is None:
            return self._add(source, by, is_urgent=True)
        if known.state is not CompilationState.RUNNING:
            now = self._clock.now()
            known = replace(known, state=CompilationState.WAITING, attempts=0, asked_at=now, asked_by=by, message="")
            self._store.put(known)
        self._store.hurry(source)
        return known

    def _add(self, source: str, by: str, *, is_urgent: bool) -> Compilation:
        asked = Compilation(source, CompilationState.WAITING, 0, self._clock.now(), by)
        self._store.add(asked, is_urgent=is_urgent)
        return asked
