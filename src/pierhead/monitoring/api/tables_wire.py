"""Inference tables as Pierhead's own API writes them."""

from typing import Any

from pierhead.monitoring.domain.tables import InferenceTable


def inference_table(table: InferenceTable) -> dict[str, Any]:
    return {
        "full_name": str(table.full_name),
        "storage_location": str(table.location),
        "version": table.version,
        "row_count": table.rows,
        "spool_backlog_bytes": table.backlog_bytes,
        "problem": table.problem,
        "records_dropped": table.dropped,
        "records_quarantined": table.quarantined,
    }
