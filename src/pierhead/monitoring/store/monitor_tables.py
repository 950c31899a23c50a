"""Tables of monitors and of their refreshes."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

monitors = Table(
    "monitor_monitors",
    metadata,
    Column("id", String(32), primary_key=True),
    # Three-part name; a table has one monitor at most.
    Column("table_name", String(255), nullable=False, unique=True),
    Column("output_schema", String(255), nullable=False),
    # JSON: profile, slices, custom metrics, baseline, notifications and what a dialect keeps.
    Column("definition", Text, nullable=False),
    Column("quartz_cron", String(255), nullable=True),
    Column("time_zone", String(64), nullable=True),
    # When the schedule asks for the next refresh; null without one, and while it is paused.
    Column("due_at", Moment, nullable=True, index=True),
    Column("status", String(16), nullable=False),
    Column("message", Text, nullable=False),
    # Rises with every change of the definition.
    Column("version", Integer, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("created_at", Moment, nullable=False),
)
refreshes = Table(
    "monitor_refreshes",
    metadata,
    # Grows over all monitors: the metric tables record the last one that they hold.
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("monitor_id", ForeignKey("monitor_monitors.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("monitor_version", Integer, nullable=True),
    Column("state", String(16), nullable=False, index=True),
    Column("trigger", String(16), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("began_at", Moment, nullable=True),
    Column("ended_at", Moment, nullable=True),
    Column("message", Text, nullable=False),
    # JSON: the versions of the tables that the refresh before it read, and those that it reads.
    Column("from_versions", Text, nullable=False),
    Column("to_versions", Text, nullable=False),
    sqlite_autoincrement=True,
)
