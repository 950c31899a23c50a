"""What rollouts and A/B tests are told of an endpoint's invocations: a spool beside that of the inference tables.

`FOLDER/pierhead.observations.ID/` holds streams of `InferenceRecord`s for the observer `ID`. Unlike the records of
inference tables these leave some time after the answer, many at once; those of the last moment go down with a gateway
that is killed.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from pierhead.gateway.losses import Losses
from pierhead.gateway.records import Fields, encode_all
from pierhead.kit.spool import SpoolWriter

FLUSH_EVERY_S = 0.1
"""How often `flush` is to be called."""

_TABLE = "pierhead.observations."

# Of bodies; more than that is written at once, lest memory grow with the length of a tick.
_MOST_KEPT_BYTES = 1024 * 1024

# Nobody waits for these with patience: an observer that has stopped reading shall not fill the disk.
_MOST_BACKLOG_BYTES = 512 * 1024 * 1024
_SEGMENT_BYTES = 8 * 1024 * 1024


class ObservationSpool(Protocol):
    """One writer's life; `kit/spool.SpoolWriter` is one."""

    def append(self, table: str, records: Sequence[bytes]) -> None:
        """Raises OSError if not all of them were written; it may say in `written` how many were."""

    def close(self) -> None: ...


class Observations:
    """Collects records and writes them with `flush`. Whatever is wrong with the spool is counted, and nobody's wait."""

    def __init__(self, open_spool: Callable[[], ObservationSpool], loop: asyncio.AbstractEventLoop) -> None:
        """`open_spool` is called for each observer: a writer's streams are finished when it is closed."""
        self._open_spool = open_spool
        self._loop = loop
        self._losses = Losses("observations lost", loop)
        self._spools: dict[str, ObservationSpool | None] = {}
        """By observer; None until it is first written to."""
        self._kept: dict[tuple[str, ...], list[Fields]] = {}
        self._kept_bytes = 0

    @property
    def dropped(self) -> int:
        return self._losses.count

    def follow(self, observers: Iterable[str]) -> None:
        """Write for these from now on; what is kept for others is written, and their streams are finished."""
        wanted = set(observers)
        if wanted == self._spools.keys():
            return
        self.flush()
        for observer in self._spools.keys() - wanted:
            spool = self._spools.pop(observer)
            if spool is not None:
                spool.close()
        for observer in wanted - self._spools.keys():
            self._spools[observer] = None

    def keep(self, observers: tuple[str, ...], record: Fields, size: int) -> None:
        """Have a record written for these observers, soon; `size` is that of its bodies in bytes."""
        if not observers:
            return
        self._kept.setdefault(observers, []).append(record)
        was_low, self._kept_bytes = self._kept_bytes < _MOST_KEPT_BYTES, self._kept_bytes + size
        if was_low and self._kept_bytes >= _MOST_KEPT_BYTES:
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what is kept. What is for observers that nobody follows any more is forgotten."""
        kept, self._kept, self._kept_bytes = self._kept, {}, 0
        for observers, records in kept.items():
            encoded = encode_all(records)
            for observer in observers:
                if observer in self._spools:
                    self._write(observer, encoded)

    def close(self) -> None:
        self.follow(())

    def _write(self, observer: str, records: list[bytes]) -> None:
        table = _TABLE + observer
        try:
            spool = self._spools[observer]
            if spool is None:
                spool = self._spools[observer] = self._open_spool()
            spool.append(table, records)
        except Exception as error:
            # Whatever it is: no caller may feel it.
            self._losses.add(table, len(records), error)


def spools_in(folder: Path, gateway_id: str) -> Callable[[], ObservationSpool]:
    """What opens a writer of this gateway below `folder`."""

    def open_spool() -> ObservationSpool:
        stream_id = f"gateway-{gateway_id}"
        return SpoolWriter(folder, stream_id, segment_bytes=_SEGMENT_BYTES, max_backlog_bytes=_MOST_BACKLOG_BYTES)

    return open_spool
