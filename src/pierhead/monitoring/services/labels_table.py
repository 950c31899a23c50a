"""The Delta table of late ground truth: rows are only added, and the latest one of a key counts."""

from pathlib import Path

import pyarrow as pa

from pierhead.monitoring.services.growing_table import GrowingTable

_INSTANT = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        ("entity_key", pa.string()),
        ("databricks_request_id", pa.string()),
        ("row_index", pa.int32()),
        ("label", pa.string()),
        ("label_number", pa.float64()),
        ("label_ts", _INSTANT),
        ("ingest_ts", _INSTANT),
        ("source", pa.string()),
        ("weight", pa.float64()),
        ("batch_id", pa.string()),
        ("batch_row", pa.int64()),
    ]
)
"""A label is of a request (`row_index` null: of all its rows) or of an entity. A null `label` takes one back."""

_STATISTICS = "entity_key,databricks_request_id,label_ts,ingest_ts"


class LabelsTable(GrowingTable):
    """`{prefix}_labels`."""

    def __init__(self, path: Path) -> None:
        # A batch that comes again after so long would be taken again; its rows say the same.
        properties = {
            "delta.dataSkippingStatsColumns": _STATISTICS,
            "delta.setTransactionRetentionDuration": "interval 30 days",
        }
        super().__init__(path, SCHEMA, properties, ours=SCHEMA.names)
