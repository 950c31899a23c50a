"""Ids of schemas."""

import uuid

from pierhead.catalog.domain.names import SchemaName


def schema_id_of(metastore_id: str, name: SchemaName) -> str:
    """The UUID of the schema of this name: schemas need no row, so their names are all that they have."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{metastore_id} schema {name}"))
