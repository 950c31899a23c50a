"""Tables of accounts, groups and tokens.

`users` holds service principals too: they came later. Its rows are never deleted, so that names stay taken; therefore
`owner_id` needs no foreign key. Columns that came with 0002 are nullable or have a default.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Text

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("kind", String(32), nullable=False, server_default="user"),
    # None only for names of older releases that differ from another one by case alone.
    Column("folded_name", String(255), nullable=True),
    Column("display_name", String(255), nullable=True),
    Column("external_id", String(255), nullable=True),
    Column("owner_id", String(32), nullable=True, index=True),
    Column("application_id", String(36), nullable=True),
    Column("entitlements", Text, nullable=True),
    Column("deleted_at", Moment, nullable=True),
    # Indexes rather than constraints: SQLite adds those without rebuilding the table.
    Index("uq_users_folded_name", "folded_name", unique=True),
    Index("uq_users_application_id", "application_id", unique=True),
)
groups = Table(
    "groups",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("id", String(32), nullable=True),
    Column("folded_name", String(255), nullable=True),
    Column("external_id", String(255), nullable=True),
    Column("entitlements", Text, nullable=True),
    Index("uq_groups_id", "id", unique=True),
    Index("uq_groups_folded_name", "folded_name", unique=True),
)
memberships = Table(
    "memberships",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("group_name", ForeignKey("groups.name", ondelete="CASCADE"), primary_key=True),
    Index("ix_memberships_group_name", "group_name"),
)
tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("comment", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=True),
    Column("created_by", String(255), nullable=True),
)
