"""References and slots as files of the run folder: what is lost there is made again, or was of the last hour."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pierhead.kit.replacing import replace_file
from pierhead.kit.spool import table_folder
from pierhead.monitoring.domain.live_drift import Sketch
from pierhead.monitoring.domain.monitors import Baseline
from pierhead.statistics.references import Reference, from_json
from pierhead.statistics.sketches.categorical import CategoricalSketch
from pierhead.statistics.sketches.numeric import NumericSketch

Cells = dict[tuple[str, str], Sketch]
"""By model, `NAME/VERSION`, and column."""


class _Cell(msgspec.Struct):
    model: str
    column: str
    is_numeric: bool
    sketch: str


class _References(msgspec.Struct):
    baseline: Baseline
    columns: dict[str, dict[str, Any]]


_SLOT = msgspec.json.Decoder(list[_Cell])
_KEPT_REFERENCES = msgspec.json.Decoder(_References)


def category_of(value: object) -> str:
    """The name of a category, as the tables of monitors have it.

    >>> category_of(True), category_of("Red")
    ('true', 'Red')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


class LiveFiles:
    """One folder for all tables."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def slots(self, table: str) -> list[int]:
        """When they begin, milliseconds since 1970, oldest first."""
        names = [path.stem for path in self._slots(table).glob("*.json")] if self._slots(table).is_dir() else []
        return sorted(int(name) for name in names if name.isdecimal())

    def read_slot(self, table: str, slot: int) -> Cells:
        """Nothing if it is gone, or cannot be read."""
        try:
            cells = _SLOT.decode((self._slots(table) / f"{slot}.json").read_bytes())
            return {(cell.model, cell.column): _sketch(cell) for cell in cells}
        except (FileNotFoundError, msgspec.DecodeError, ValueError):
            return {}

    def write_slot(self, table: str, slot: int, cells: Cells) -> None:
        kept = [
            _Cell(model, column, isinstance(sketch, NumericSketch), base64.b64encode(sketch.to_bytes()).decode())
            for (model, column), sketch in cells.items()
        ]
        _write(self._slots(table) / f"{slot}.json", msgspec.json.encode(kept))

    def forget_slot(self, table: str, slot: int) -> None:
        (self._slots(table) / f"{slot}.json").unlink(missing_ok=True)

    def find_references(self, table: str, model: str) -> tuple[Baseline, Mapping[str, Reference]] | None:
        try:
            kept = _KEPT_REFERENCES.decode(self._references(table, model).read_bytes())
            return kept.baseline, {name: from_json(stored) for name, stored in kept.columns.items()}
        except (FileNotFoundError, msgspec.DecodeError, ValueError):
            return None

    def write_references(self, table: str, model: str, baseline: Baseline, references: Mapping[str, Reference]) -> None:
        columns = {name: reference.as_json() for name, reference in references.items()}
        _write(self._references(table, model), msgspec.json.encode(_References(baseline, columns)))

    def _slots(self, table: str) -> Path:
        return table_folder(self._root, table) / "slots"

    def _references(self, table: str, model: str) -> Path:
        name = hashlib.blake2b(model.encode(), digest_size=16).hexdigest()
        return table_folder(self._root, table) / "references" / f"{name}.json"


def _sketch(cell: _Cell) -> Sketch:
    packed = base64.b64decode(cell.sketch, validate=True)
    return NumericSketch.from_bytes(packed) if cell.is_numeric else CategoricalSketch.from_bytes(packed)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content, synced=False)
