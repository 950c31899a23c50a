"""Tables of compilations."""

from sqlalchemy import Boolean, Column, Integer, String, Table, Text

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

# By the digest of the files: rows stay when a version is deleted, for its files may be served on.
compilations = Table(
    "compilations",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("state", String(16), nullable=False, index=True),
    Column("is_urgent", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("asked_by", String(255), nullable=False),
    Column("ended_at", Moment, nullable=True),
    Column("message", Text, nullable=False),
    # Canonical JSON: what is signed.
    Column("certificate", Text, nullable=True),
    Column("key_id", String(64), nullable=True),
    Column("signature", Text, nullable=True),
    Column("withdrawn_at", Moment, nullable=True),
    Column("withdrawal", Text, nullable=True),
    Column("verified_rows", Integer, nullable=False),
)
