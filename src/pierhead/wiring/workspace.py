"""What an installation calls itself: the same for its whole life."""

import hashlib
import uuid


def workspace_id_of(key: bytes) -> str:
    """The id that Databricks clients ask for: digits."""
    return str(int.from_bytes(hashlib.sha256(b"workspace" + key).digest()[:6]))


def metastore_id_of(workspace_id: str) -> str:
    """The id that Unity Catalog's clients ask for: a UUID."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, workspace_id))
