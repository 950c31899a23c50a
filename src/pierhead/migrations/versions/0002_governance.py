"""Governance."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "artifact_scans",
        sa.Column("files_digest", sa.String(length=64), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.Column("files_scanned", sa.Integer(), nullable=False),
        sa.Column("dangers", sa.Text(), nullable=False),
        sa.Column("scanned_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("files_digest", "rules", name=op.f("pk_artifact_scans")),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_audit_checkpoints")),
    )
    op.create_table(
        "audit_records",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=True),
        sa.Column("is_denied", sa.Boolean(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_records")),
    )
    with op.batch_alter_table("audit_records", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_audit_records_actor_audit_records_number"), ["actor", "number"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_audit_records_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_audit_records_object_audit_records_number"), ["object", "number"], unique=False
        )

    op.create_table(
        "audit_trail",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("log_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_trail")),
    )
    op.create_table(
        "catalogs",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_catalogs")),
    )
    op.create_table(
        "grants",
        sa.Column("securable_type", sa.String(length=20), nullable=False),
        sa.Column("securable_id", sa.String(length=800), nullable=False),
        sa.Column("grantee_type", sa.String(length=20), nullable=False),
        sa.Column("grantee_id", sa.String(length=255), nullable=False),
        sa.Column("privilege", sa.String(length=40), nullable=False),
        sa.Column("place", sa.String(length=800), nullable=False),
        sa.PrimaryKeyConstraint(
            "securable_type", "securable_id", "grantee_type", "grantee_id", "privilege", name=op.f("pk_grants")
        ),
    )
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.create_index("ix_grants_grantee", ["grantee_type", "grantee_id"], unique=False)

    op.create_table(
        "milestones",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_milestones")),
    )
    op.create_table(
        "object_permissions",
        sa.Column("object_kind", sa.String(length=20), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=False),
        sa.Column("grantee_type", sa.String(length=20), nullable=False),
        sa.Column("grantee_id", sa.String(length=255), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint(
            "object_kind", "object_id", "grantee_type", "grantee_id", name=op.f("pk_object_permissions")
        ),
    )
    with op.batch_alter_table("object_permissions", schema=None) as batch_op:
        batch_op.create_index("ix_object_permissions_grantee", ["grantee_type", "grantee_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_topic_outbox_id"), ["topic", "id"], unique=False)

    op.create_table(
        "placements",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("model_name", sa.String(length=256), nullable=False),
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(length=260), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("user_name", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("ended_by", sa.String(length=255), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("request_id", sa.String(length=32), nullable=True),
        sa.Column("policy", sa.String(length=300), nullable=True),
        sa.Column("subject_digest", sa.String(length=128), nullable=False),
        sa.Column("content_digest", sa.String(length=128), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("emergency_reason", sa.Text(), nullable=True),
        sa.Column("review_groups", sa.Text(), nullable=True),
        sa.Column("review_due", sa.BigInteger(), nullable=True),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=True),
        sa.Column("reviewed_by", sa.String(length=255), nullable=True),
        sa.Column("review_comment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_placements")),
        sa.UniqueConstraint("id", name=op.f("uq_placements_id")),
    )
    with op.batch_alter_table("placements", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_placements_model_id_placements_place_placements_until"),
            ["model_id", "place", "until"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_placements_model_name_placements_place_placements_since"),
            ["model_name", "place", "since"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_placements_version_id_placements_place"), ["version_id", "place"], unique=False
        )

    op.create_table(
        "policy_choices",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("set_name", sa.String(length=63), nullable=False),
        sa.Column("chosen_by", sa.String(length=255), nullable=False),
        sa.Column("chosen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_policy_choices")),
    )
    op.create_table(
        "policy_revisions",
        sa.Column("set_name", sa.String(length=63), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("applied_by", sa.String(length=255), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("set_name", "revision", name=op.f("pk_policy_revisions")),
    )
    op.create_table(
        "registry_activities",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("model_name", sa.String(length=256), nullable=False),
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("from_place", sa.String(length=260), nullable=True),
        sa.Column("to_place", sa.String(length=260), nullable=True),
        sa.Column("user_name", sa.String(length=255), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("system_comment", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_registry_activities")),
        sa.UniqueConstraint("id", name=op.f("uq_registry_activities_id")),
    )
    with op.batch_alter_table("registry_activities", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_registry_activities_version_id_registry_activities_position"),
            ["version_id", "position"],
            unique=False,
        )

    op.create_table(
        "registry_webhooks",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=32), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("verifies_tls", sa.Boolean(), nullable=False),
        sa.Column("reaches_private", sa.Boolean(), nullable=False),
        sa.Column("sealed_secret", sa.Text(), nullable=True),
        sa.Column("sealed_authorization", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("creator", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("next_try", sa.BigInteger(), nullable=True),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_registry_webhooks")),
        sa.UniqueConstraint("id", name=op.f("uq_registry_webhooks_id")),
    )
    with op.batch_alter_table("registry_webhooks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_registry_webhooks_model_id"), ["model_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_registry_webhooks_status_registry_webhooks_next_try"), ["status", "next_try"], unique=False
        )

    op.create_table(
        "securable_owners",
        sa.Column("securable_type", sa.String(length=20), nullable=False),
        sa.Column("securable_id", sa.String(length=800), nullable=False),
        sa.Column("grantee_type", sa.String(length=20), nullable=False),
        sa.Column("grantee_id", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("securable_type", "securable_id", name=op.f("pk_securable_owners")),
    )
    op.create_table(
        "table_pins",
        sa.Column("holder", sa.String(length=255), nullable=False),
        sa.Column("location_sha256", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=True),
        sa.Column("pinned_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "location_sha256", "version", name=op.f("pk_table_pins")),
    )
    with op.batch_alter_table("table_pins", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_table_pins_location_sha256_table_pins_version"), ["location_sha256", "version"], unique=False
        )

    op.create_table(
        "transition_requests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("model_name", sa.String(length=256), nullable=False),
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("from_stage", sa.String(length=16), nullable=False),
        sa.Column("place", sa.String(length=260), nullable=False),
        sa.Column("creator", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.String(length=255), nullable=True),
        sa.Column("closing_comment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transition_requests")),
    )
    with op.batch_alter_table("transition_requests", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_transition_requests_model_id_transition_requests_created_at"),
            ["model_id", "created_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_transition_requests_state_transition_requests_created_at"),
            ["state", "created_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_transition_requests_version_id_transition_requests_created_at"),
            ["version_id", "created_at"],
            unique=False,
        )

    op.create_table(
        "version_evaluations",
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("evaluations", sa.Text(), nullable=False),
        sa.Column("refreshed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_version_evaluations")),
    )
    op.create_table(
        "version_provenance",
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("run_id", sa.String(length=256), nullable=True),
        sa.Column("run_user", sa.String(length=255), nullable=True),
        sa.Column("record", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("messages", sa.Text(), nullable=False),
        sa.Column("late", sa.Text(), nullable=False),
        sa.Column("lost", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_version_provenance")),
    )
    op.create_table(
        "version_reports",
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", "name", name=op.f("pk_version_reports")),
    )
    op.create_table(
        "registry_webhook_deliveries",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("webhook_id", sa.String(length=32), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_try", sa.BigInteger(), nullable=True),
        sa.Column("last_outcome", sa.Text(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["registry_webhooks.id"],
            name=op.f("fk_registry_webhook_deliveries_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_registry_webhook_deliveries")),
        sa.UniqueConstraint("id", name=op.f("uq_registry_webhook_deliveries_id")),
    )
    with op.batch_alter_table("registry_webhook_deliveries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_registry_webhook_deliveries_delivered_at"), ["delivered_at"], unique=False)
        batch_op.create_index(
            batch_op.f(
                "ix_registry_webhook_deliveries_webhook_id_registry_webhook_deliveries_delivered_at_registry_webhook_deliveries_position"
            ),
            ["webhook_id", "delivered_at", "position"],
            unique=False,
        )

    op.create_table(
        "registry_webhook_events",
        sa.Column("webhook_id", sa.String(length=32), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["registry_webhooks.id"],
            name=op.f("fk_registry_webhook_events_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("webhook_id", "event", name=op.f("pk_registry_webhook_events")),
    )
    op.create_table(
        "schemas",
        sa.Column("catalog_name", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["catalog_name"], ["catalogs.name"], name=op.f("fk_schemas_catalog_name"), onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("catalog_name", "name", name=op.f("pk_schemas")),
    )
    op.create_table(
        "transition_approvals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("approver", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.Column("subject_digest", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["transition_requests.id"],
            name=op.f("fk_transition_approvals_request_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transition_approvals")),
    )
    with op.batch_alter_table("transition_approvals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transition_approvals_request_id"), ["request_id"], unique=False)

    op.create_table(
        "delta_tables",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("catalog_name", sa.String(length=255), nullable=False),
        sa.Column("schema_name", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["catalog_name", "schema_name"],
            ["schemas.catalog_name", "schemas.name"],
            name=op.f("fk_delta_tables_catalog_name_schema_name"),
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delta_tables")),
        sa.UniqueConstraint(
            "catalog_name", "schema_name", "name", name=op.f("uq_delta_tables_catalog_name_schema_name_name")
        ),
    )
    op.create_table(
        "volumes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("catalog_name", sa.String(length=255), nullable=False),
        sa.Column("schema_name", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["catalog_name", "schema_name"],
            ["schemas.catalog_name", "schemas.name"],
            name=op.f("fk_volumes_catalog_name_schema_name"),
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volumes")),
        sa.UniqueConstraint(
            "catalog_name", "schema_name", "name", name=op.f("uq_volumes_catalog_name_schema_name_name")
        ),
    )
    with op.batch_alter_table("groups", schema=None) as batch_op:
        batch_op.add_column(sa.Column("id", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("folded_name", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("external_id", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("entitlements", sa.Text(), nullable=True))
        batch_op.create_index("uq_groups_folded_name", ["folded_name"], unique=True)
        batch_op.create_index("uq_groups_id", ["id"], unique=True)

    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index("ix_memberships_group_name", ["group_name"], unique=False)

    with op.batch_alter_table("model_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("person", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("authors", sa.Text(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_model_versions_model_id_model_versions_updated_at_model_versions_number"),
            ["model_id", "updated_at", "number"],
            unique=False,
        )

    with op.batch_alter_table("registered_models", schema=None) as batch_op:
        batch_op.add_column(sa.Column("owner", sa.String(length=255), nullable=True))

    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("created_by", sa.String(length=255), nullable=True))

    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=32), server_default="user", nullable=False))
        batch_op.add_column(sa.Column("folded_name", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("display_name", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("external_id", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("owner_id", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("application_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("entitlements", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("deleted_at", sa.BigInteger(), nullable=True))
        batch_op.create_index(batch_op.f("ix_users_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index("uq_users_application_id", ["application_id"], unique=True)
        batch_op.create_index("uq_users_folded_name", ["folded_name"], unique=True)
