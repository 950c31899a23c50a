"""Batches of labels, as their senders name them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

COLUMNS = ("request_id", "entity_key", "row_index", "label", "label_ts", "source", "weight", "withdraw")
"""What a row of labels may have; one of the first two and `label` it must have."""

ALIASES = {"databricks_request_id": "request_id"}


@dataclass(frozen=True, slots=True)
class FromTable:
    """Labels in a Delta table: `columns` by the names of `COLUMNS`, those of the table's own columns."""

    table: str
    version: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a batch. A batch that was there already adds nothing: `is_replay`.

    `skipped` rows had no label. The labels of `unusable` rows are no numbers, and so never those of a model that
    answers with numbers.
    """

    table: str
    batch_id: str
    rows: int
    skipped: int
    is_replay: bool
    unusable: int = 0
