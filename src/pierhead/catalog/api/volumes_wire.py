"""Volumes in the field names of Databricks' Unity Catalog."""

from typing import Any

from pierhead.catalog.api.places_wire import traces_json
from pierhead.catalog.domain.volumes import Volume


def volume_info(volume: Volume, metastore_id: str) -> dict[str, Any]:
    name = volume.full_name
    return {
        "name": name.name,
        "catalog_name": name.catalog,
        "schema_name": name.schema,
        "full_name": str(name),
        "volume_id": volume.id,
        "volume_type": volume.type.value,
        "storage_location": str(volume.location),
        "owner": volume.owner,
        "comment": volume.comment,
        "metastore_id": metastore_id,
        **traces_json(volume.traces),
    }
