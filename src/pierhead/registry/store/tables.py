"""Tables of registered models, versions, their tags and aliases."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

registered_models = Table(
    "registered_models",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(256), nullable=False, unique=True),
    # Both are null unless the name has three parts.
    Column("catalog_name", String(256), nullable=True),
    Column("schema_name", String(256), nullable=True),
    Column("description", Text, nullable=True),
    Column("user_name", String(255), nullable=False),
    # Null in rows from before there were owners: the maker's then.
    Column("owner", String(255), nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    # The highest number ever given: a deleted version's number is not given again.
    Column("last_number", Integer, nullable=False),
    Index(None, "catalog_name", "schema_name", "name"),
    Index(None, "updated_at", "name"),
)
registered_model_tags = Table(
    "registered_model_tags",
    metadata,
    Column("model_id", ForeignKey("registered_models.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Index(None, "key", "model_id"),
)
model_versions = Table(
    "model_versions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("model_id", ForeignKey("registered_models.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("failure", Text, nullable=True),
    Column("digest", String(64), nullable=True, index=True),
    Column("source", Text, nullable=False),
    Column("run_id", String(256), nullable=True),
    Column("run_link", Text, nullable=True),
    Column("run_workspace_id", String(256), nullable=True),
    Column("logged_model_id", String(256), nullable=True, index=True),
    Column("description", Text, nullable=True),
    Column("user_name", String(255), nullable=False),
    # The human behind `user_name` at the time; null in versions of the first release.
    Column("person", String(255), nullable=True),
    # Of a copy: names of who made what it is a copy of, as a JSON list. The original may be gone.
    Column("authors", Text, nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("model_id", "number"),
    # The newest version of a stage is one step into this index.
    Index(None, "model_id", "stage", "status", "number"),
    # A search in one model gives them in this order.
    Index(None, "model_id", "updated_at", "number"),
    Index(None, "run_id", "updated_at"),
    Index(None, "updated_at"),
)
model_version_tags = Table(
    "model_version_tags",
    metadata,
    Column("version_id", ForeignKey("model_versions.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Index(None, "key", "version_id"),
)
registered_model_aliases = Table(
    "registered_model_aliases",
    metadata,
    Column("model_id", ForeignKey("registered_models.id", ondelete="CASCADE"), primary_key=True),
    Column("alias", String(255), primary_key=True),
    Column("version_id", ForeignKey("model_versions.id", ondelete="CASCADE"), nullable=False, index=True),
)
