"""The Delta table with a row for each prediction."""

from pathlib import Path

from pierhead.monitoring.services.growing_table import GrowingTable
from pierhead.monitoring.services.request_columns import OWN

# Statistics of a few hundred features would be most of the log.
_STATISTICS = "databricks_request_id,timestamp,model_version,route,entity_key,row_index"


class RequestsTable(GrowingTable):
    """`{prefix}_requests`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, OWN, {"delta.dataSkippingStatsColumns": _STATISTICS}, ours=OWN.names)
