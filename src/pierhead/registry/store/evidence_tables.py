"""Tables of what is known of versions: where they come from, and what was measured and found."""

from sqlalchemy import Boolean, Column, Integer, String, Table, Text

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

# Rows stay when their version is deleted: what it was trained on must still be told afterwards.
version_provenance = Table(
    "version_provenance",
    metadata,
    Column("version_id", String(32), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("run_id", String(256), nullable=True),
    Column("run_user", String(255), nullable=True),
    # JSON; this and the next two are written once.
    Column("record", Text, nullable=True),
    Column("digest", String(64), nullable=True),
    Column("completed_at", Moment, nullable=True),
    # JSON lists of texts.
    Column("messages", Text, nullable=False),
    Column("late", Text, nullable=False),
    Column("lost", Text, nullable=False),
    Column("checked_at", Moment, nullable=False),
)
version_evaluations = Table(
    "version_evaluations",
    metadata,
    Column("version_id", String(32), primary_key=True),
    Column("evaluations", Text, nullable=False),
    Column("refreshed_at", Moment, nullable=False),
)
# By digest: files that were scanned once need no second look until the scan itself gets better.
artifact_scans = Table(
    "artifact_scans",
    metadata,
    Column("files_digest", String(64), primary_key=True),
    Column("rules", Integer, primary_key=True),
    Column("files_scanned", Integer, nullable=False),
    Column("dangers", Text, nullable=False),
    Column("scanned_at", Moment, nullable=False),
)
version_reports = Table(
    "version_reports",
    metadata,
    Column("version_id", String(32), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("passed", Boolean, nullable=False),
    Column("message", Text, nullable=False),
    Column("digest", String(64), nullable=True),
    Column("reported_at", Moment, nullable=False),
)
