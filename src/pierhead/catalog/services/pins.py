"""Pins: which versions of tables no vacuum of ours may take away."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from pierhead.catalog.domain.pins import BrokenPin, Pin, PinReport
from pierhead.catalog.store.pins import PinStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.delta_versions import NoSuchVersion, read_version


class Pins:
    """Use cases on pins, within the caller's transaction. A table is known by its real path."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._store = PinStore(connection)
        self._clock = clock

    def pin(
        self, location: Path, version: int, *, reason: str, holder: str, manifest_sha256: str | None = None
    ) -> None:
        """Keep a version as long as `holder` needs it; harmless if the holder pins it already."""
        real = _real(location)
        self._store.add(Pin(real, version, holder, reason, manifest_sha256, self._clock.now()), _key(real))

    def release(self, holder: str) -> None:
        """Give up everything that `holder` pins."""
        self._store.delete(holder)

    def versions_of(self, location: Path) -> frozenset[int]:
        """The versions of the table here that somebody pins."""
        return self._store.versions_of(_key(_real(location)))

    def of(self, location: Path) -> Sequence[Pin]:
        """All pins of the table here, sorted by version and holder."""
        return self._store.of(_key(_real(location)))

    def list(self) -> list[Pin]:
        """All pins, sorted by place, version and holder."""
        return self._store.list()


def verify_pins(database: Database, clock: Clock) -> PinReport:
    """Open every pinned version and look for its files; those that are not as they were, with the reason."""
    with database.reading() as connection:
        pins = Pins(connection, clock).list()
    problems = ((pin, _problem(pin)) for pin in pins)
    return PinReport(len(pins), tuple(BrokenPin(pin, problem) for pin, problem in problems if problem is not None))


def _problem(pin: Pin) -> str | None:
    try:
        facts = read_version(pin.location, pin.version)
    except NoSuchVersion as error:
        return str(error)
    if pin.manifest_sha256 not in (None, facts.manifest_sha256):
        return f"the table at {pin.location} is another one than was pinned: the files of version {pin.version} differ"
    return None


def _real(location: Path) -> Path:
    return Path(os.path.realpath(location))


def _key(real: Path) -> str:
    return hashlib.sha256(os.fsencode(real)).hexdigest()
