"""Which table keeps the invocations of an endpoint."""

from dataclasses import dataclass

from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """An inference table as it was asked for; None is what the client left out."""

    catalog: str | None = None
    schema: str | None = None
    table_name_prefix: str | None = None
    enabled: bool | None = None

    @property
    def is_enabled(self) -> bool:
        """Whoever names a table and says nothing else wants it."""
        return self.enabled is not False

    def table_name(self, endpoint_name: str) -> str:
        """The last part of the table's name.

        >>> CaptureConfig("main", "fraud").table_name("fraud-detection")
        'fraud-detection_payload'
        """
        return f"{self.table_name_prefix or endpoint_name}_payload"

    def table(self, endpoint_name: str) -> str:
        """The three-part name of the table.

        >>> CaptureConfig("main", "fraud", "live").table("fraud-detection")
        'main.fraud.live_payload'
        """
        return f"{self.catalog}.{self.schema}.{self.table_name(endpoint_name)}"

    def problems(self, endpoint_name: str) -> list[str]:
        """Everything that stands in the way of keeping invocations there."""
        if not self.is_enabled:
            return []
        missing = [
            f"the inference table needs a {field}"
            for field, value in (("catalog_name", self.catalog), ("schema_name", self.schema))
            if not value
        ]
        if missing:
            return missing
        try:
            FullName.parse(self.table(endpoint_name))
        except InvalidArgument as error:
            return [f"inference table: {error.message}"]
        return []
