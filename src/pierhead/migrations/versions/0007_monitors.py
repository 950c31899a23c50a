"""Monitors."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "monitor_monitors",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("table_name", sa.String(length=255), nullable=False),
        sa.Column("output_schema", sa.String(length=255), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("quartz_cron", sa.String(length=255), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitor_monitors")),
        sa.UniqueConstraint("table_name", name=op.f("uq_monitor_monitors_table_name")),
    )
    with op.batch_alter_table("monitor_monitors", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_monitor_monitors_due_at"), ["due_at"], unique=False)

    op.create_table(
        "monitor_refreshes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("monitor_id", sa.String(length=32), nullable=False),
        sa.Column("monitor_version", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("from_versions", sa.Text(), nullable=False),
        sa.Column("to_versions", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["monitor_id"], ["monitor_monitors.id"], name=op.f("fk_monitor_refreshes_monitor_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitor_refreshes")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("monitor_refreshes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_monitor_refreshes_monitor_id"), ["monitor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_monitor_refreshes_state"), ["state"], unique=False)
