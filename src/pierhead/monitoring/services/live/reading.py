"""The reader's side: the last minutes of a table, from the files that its writer keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pierhead.kit.clock import from_ms, to_ms
from pierhead.monitoring.domain.live_drift import SLOT_MS, LiveColumn, Sketch, compare, merged, slot_of
from pierhead.monitoring.services.live.files import LiveFiles

SHOWN_SLOTS = 3


@dataclass(frozen=True, slots=True)
class LiveDrift:
    """From `since` on, what was in the tables until some seconds ago; `columns` are empty without traffic or training
    data."""

    since: datetime
    columns: Sequence[LiveColumn]


def read_live(root: Path, table: str, now: datetime, slots: int = SHOWN_SLOTS) -> LiveDrift:
    """The running slot of five minutes and those before it, `slots` in all; versions one after the other."""
    files = LiveFiles(root)
    since = slot_of(to_ms(now)) - (slots - 1) * SLOT_MS
    held: dict[str, dict[str, list[Sketch]]] = {}
    for slot in files.slots(table):
        if slot >= since:
            for (model, column), sketch in files.read_slot(table, slot).items():
                held.setdefault(model, {}).setdefault(column, []).append(sketch)
    columns: list[LiveColumn] = []
    for model, sketches in sorted(held.items()):
        found = files.find_references(table, model)
        if found is not None:
            current = {name: whole for name, parts in sketches.items() if (whole := merged(parts)) is not None}
            columns += compare(model, found[1], current)
    return LiveDrift(from_ms(since), columns)
