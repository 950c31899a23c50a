"""The writer's side: every row that went into a requests table is counted, feature by feature."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from pierhead.kit.clock import Clock, to_ms
from pierhead.monitoring.domain.live_drift import KEPT_MS, SLOT_MS, Sketch, are_alike, slot_of
from pierhead.monitoring.services.live.files import Cells, LiveFiles, category_of
from pierhead.statistics.references import Reference
from pierhead.statistics.sketches.numeric import NumericSketch

log = structlog.get_logger()

_SAVE_EVERY = timedelta(seconds=5)
_LOOK_AGAIN_AFTER = timedelta(seconds=10)
_MOST_MODELS = 50
"""Versions in one batch; who sends more through one table is not helped by this."""


class LiveCounts:
    """One per controller; one thread counts. A controller that is killed loses the counts of some seconds."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._files = LiveFiles(root)
        self._clock = clock
        self._slots: dict[tuple[str, int], Cells] = {}
        self._dirty: set[tuple[str, int]] = set()
        self._saved_at: datetime | None = None
        self._references: dict[tuple[str, str], tuple[datetime, Mapping[str, Reference]]] = {}
        self.wanted: dict[tuple[str, str], datetime] = {}
        """Tables and models that were seen, and when last: somebody has to make their references."""

    def add(self, table: str, rows: pa.Table) -> None:
        """Count rows that are in the requests table now. Copies for shadows answer nobody and are left out.

        Never fails: what cannot be counted is told, and the tables go on.
        """
        try:
            self._add(table, rows)
        except (pa.ArrowException, ValueError, OverflowError, OSError) as error:
            log.warning("rows are not counted for the last minutes", table=table, reason=str(error))

    def _add(self, table: str, rows: pa.Table) -> None:
        now = self._clock.now()
        rows = rows.filter(pc.is_null(rows["shadow_of"]))
        if not rows.num_rows:
            return
        models = pc.binary_join_element_wise(rows["model_name"], rows["model_version"], "/")
        slots = pc.multiply(pc.divide(rows["timestamp"].cast(pa.int64()), SLOT_MS * 1000), SLOT_MS)
        keys = pa.table({"model": models, "slot": slots})
        oldest = slot_of(to_ms(now) - KEPT_MS)
        for key in keys.group_by(["model", "slot"]).aggregate([]).to_pylist()[:_MOST_MODELS]:
            model, slot = key["model"], key["slot"]
            if model is None or slot is None or slot < oldest:
                continue
            self.wanted[table, model] = now
            references = self._find(table, model, now)
            if references:
                own = rows.filter(pc.and_(pc.equal(models, model), pc.equal(slots, slot)))
                self._count(table, model, slot, own, references)

    def save(self) -> None:
        """Write what has changed, every few seconds, and forget what is older than an hour."""
        now = self._clock.now()
        if self._saved_at is not None and now - self._saved_at < _SAVE_EVERY:
            return
        self._saved_at = now
        try:
            for table, slot in sorted(self._dirty):
                self._files.write_slot(table, slot, self._slots[table, slot])
                self._dirty.discard((table, slot))
        except OSError as error:
            log.warning("drift of the last minutes is not kept", reason=str(error))
        oldest = slot_of(to_ms(now) - KEPT_MS)
        for table in {table for table, _ in self._slots}:
            for slot in self._files.slots(table):
                if slot < oldest:
                    self._files.forget_slot(table, slot)
        held = slot_of(to_ms(now)) - SLOT_MS
        for key in [key for key in self._slots if key[1] < (oldest if key in self._dirty else held)]:
            # What comes late for an older slot is added to its file.
            del self._slots[key]
            self._dirty.discard(key)

    def _find(self, table: str, model: str, now: datetime) -> Mapping[str, Reference]:
        known = self._references.get((table, model))
        if known is None or now - known[0] >= _LOOK_AGAIN_AFTER:
            found = self._files.find_references(table, model)
            known = now, {} if found is None else found[1]
            self._references[table, model] = known
        return known[1]

    def _count(self, table: str, model: str, slot: int, rows: pa.Table, references: Mapping[str, Reference]) -> None:
        if (table, slot) not in self._slots:
            self._slots[table, slot] = self._files.read_slot(table, slot)
        cells = self._slots[table, slot]
        for name, reference in references.items():
            if name not in rows.column_names:
                continue
            empty = reference.current()
            sketch = cells.get((model, name))
            if sketch is None or not are_alike(sketch, empty):
                sketch = cells[model, name] = empty
            _take(sketch, rows[name])
        self._dirty.add((table, slot))


def _take(sketch: Sketch, column: pa.ChunkedArray) -> None:
    values = column.drop_null()
    if isinstance(sketch, NumericSketch):
        numbers = values.cast(pa.float64(), safe=False).to_numpy() if len(values) else np.empty(0)
        sketch.add(numbers, nulls=column.null_count)
        return
    counted = values.value_counts() if len(values) else []
    texts = {category_of(each["values"].as_py()): each["counts"].as_py() for each in counted}
    sketch.add_counts(texts, nulls=column.null_count)
