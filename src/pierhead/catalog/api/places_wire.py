"""Catalogs and schemas in the field names of Databricks' Unity Catalog."""

from typing import Any

from pierhead.catalog.domain.object_ids import schema_id_of
from pierhead.catalog.domain.places import Catalog, Schema, Traces
from pierhead.kit.clock import to_ms

_STORES = "all files of the platform lie in its home"

NOT_OFFERED_IN_CATALOGS = {
    "connection_name": "foreign catalogs are not known here",
    "provider_name": "shares are not known here",
    "share_name": "shares are not known here",
    "storage_root": _STORES,
    "managed_encryption_settings": _STORES,
    "options": "foreign catalogs are not known here",
    "isolation_mode": "there is one workspace, so every catalog is OPEN",
    "enable_predictive_optimization": "nobody optimizes tables by themselves",
    "custom_max_retention_hours": "dropped folders are kept until an operator removes them",
}
NOT_OFFERED_IN_SCHEMAS = {
    field: NOT_OFFERED_IN_CATALOGS[field]
    for field in ("storage_root", "enable_predictive_optimization", "custom_max_retention_hours")
}


def catalog_info(catalog: Catalog, owner: str | None, metastore_id: str) -> dict[str, Any]:
    return {
        "name": catalog.name,
        "full_name": catalog.name,
        "catalog_type": "MANAGED_CATALOG",
        "securable_type": "CATALOG",
        "securable_kind": "CATALOG_STANDARD",
        "isolation_mode": "OPEN",
        "owner": owner or "",
        "comment": catalog.comment,
        "properties": dict(catalog.properties),
        "metastore_id": metastore_id,
        **traces_json(catalog.traces),
    }


def schema_info(schema: Schema, owner: str | None, metastore_id: str) -> dict[str, Any]:
    return {
        "name": schema.full_name.name,
        "catalog_name": schema.full_name.catalog,
        "full_name": str(schema.full_name),
        "schema_id": schema_id_of(metastore_id, schema.full_name),
        "catalog_type": "MANAGED_CATALOG",
        "securable_type": "SCHEMA",
        "securable_kind": "SCHEMA_STANDARD",
        "owner": owner or "",
        "comment": schema.comment,
        "properties": dict(schema.properties),
        "metastore_id": metastore_id,
        **traces_json(schema.traces),
    }


def traces_json(traces: Traces) -> dict[str, Any]:
    return {
        "created_at": to_ms(traces.created_at),
        "created_by": traces.created_by,
        "updated_at": to_ms(traces.updated_at),
        "updated_by": traces.updated_by,
    }
