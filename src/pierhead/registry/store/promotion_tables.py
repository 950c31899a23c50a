"""Tables of requests, approvals, activities and placements.

They hold ids without foreign keys to models and versions: what was asked and done is remembered after those are gone.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

transition_requests = Table(
    "transition_requests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("model_id", String(32), nullable=False),
    Column("model_name", String(256), nullable=False),
    Column("version_id", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("from_stage", String(16), nullable=False),
    # A stage, or an alias after an @.
    Column("place", String(260), nullable=False),
    Column("creator", String(255), nullable=False),
    Column("person", String(255), nullable=False),
    Column("comment", Text, nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=True),
    Column("state", String(16), nullable=False),
    Column("closed_at", Moment, nullable=True),
    Column("closed_by", String(255), nullable=True),
    Column("closing_comment", Text, nullable=True),
    Index(None, "version_id", "created_at"),
    Index(None, "model_id", "created_at"),
    Index(None, "state", "created_at"),
)
transition_approvals = Table(
    "transition_approvals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("request_id", ForeignKey("transition_requests.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("approver", String(255), nullable=False),
    Column("person", String(255), nullable=False),
    # A JSON list of names.
    Column("groups", Text, nullable=False),
    Column("comment", Text, nullable=True),
    Column("approved_at", Moment, nullable=False),
    Column("subject_digest", String(128), nullable=False),
)
registry_activities = Table(
    "registry_activities",
    metadata,
    # The order in which things happened, however coarse the clock.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("kind", String(32), nullable=False),
    Column("model_id", String(32), nullable=False),
    Column("model_name", String(256), nullable=False),
    Column("version_id", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("from_place", String(260), nullable=True),
    Column("to_place", String(260), nullable=True),
    Column("user_name", String(255), nullable=False),
    Column("comment", Text, nullable=True),
    Column("system_comment", Text, nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index(None, "version_id", "position"),
)
placements = Table(
    "placements",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("model_id", String(32), nullable=False),
    Column("model_name", String(256), nullable=False),
    Column("version_id", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("place", String(260), nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=True),
    Column("user_name", String(255), nullable=False),
    Column("person", String(255), nullable=False),
    Column("ended_by", String(255), nullable=True),
    Column("comment", Text, nullable=True),
    Column("request_id", String(32), nullable=True),
    Column("policy", String(300), nullable=True),
    Column("subject_digest", String(128), nullable=False),
    Column("content_digest", String(128), nullable=False),
    Column("passed", Boolean, nullable=False),
    # JSON: what was known when the gate opened, and what it remarked.
    Column("evidence", Text, nullable=False),
    Column("notes", Text, nullable=False),
    # Set if the gate was closed and somebody went through it all the same.
    Column("emergency_reason", Text, nullable=True),
    # A JSON list of groups.
    Column("review_groups", Text, nullable=True),
    Column("review_due", Moment, nullable=True),
    Column("reviewed_at", Moment, nullable=True),
    Column("reviewed_by", String(255), nullable=True),
    Column("review_comment", Text, nullable=True),
    Index(None, "model_name", "place", "since"),
    Index(None, "model_id", "place", "until"),
    Index(None, "version_id", "place"),
)
