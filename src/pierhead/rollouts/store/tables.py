"""Tables of rollouts, of what was measured and decided in them, of the guard and of A/B tests."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, String, Table, Text

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

# Rows stay when their endpoint is deleted: what a rollout found out is evidence for the version.
rollouts = Table(
    "rollouts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("endpoint_id", String(32), nullable=False, index=True),
    Column("endpoint_name", String(63), nullable=False),
    Column("config_version", Integer, nullable=False),
    Column("entity_name", String(63), nullable=False),
    Column("model_name", String(255), nullable=False),
    Column("model_version", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    # What answered when it began, in words.
    Column("champion", Text, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    # JSON: the plan, and how far it is. Steps count from 0.
    Column("spec", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("step_began_at", Moment, nullable=False),
    # Rises with every change: whoever read an older one may not write.
    Column("revision", Integer, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("created_at", Moment, nullable=False),
    # When the candidate's first worker answered, in this attempt.
    Column("ready_at", Moment, nullable=True),
    Column("ended_at", Moment, nullable=True),
    Column("reason", Text, nullable=False),
)
# At most one rollout of an endpoint is under way: the row is that one's place, and goes with its end.
rollouts_under_way = Table(
    "rollouts_under_way",
    metadata,
    Column("endpoint_id", String(32), primary_key=True),
    Column("rollout_id", ForeignKey("rollouts.id", ondelete="CASCADE"), nullable=False),
)
rollout_readings = Table(
    "rollout_readings",
    metadata,
    Column("rollout_id", ForeignKey("rollouts.id", ondelete="CASCADE"), primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    # JSON of what was counted in the step.
    Column("reading", Text, nullable=False),
)
rollout_decisions = Table(
    "rollout_decisions",
    metadata,
    Column("rollout_id", ForeignKey("rollouts.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("step", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    # JSON: every gate with its numbers.
    Column("numbers", Text, nullable=False),
)
# How far the observations of a rollout or an A/B test are in its reading; written together with the reading.
observation_positions = Table(
    "observation_positions",
    metadata,
    Column("observer_id", String(48), primary_key=True),
    Column("stream", String(160), primary_key=True),
    Column("position", BigInteger, nullable=False),
)
canaried_versions = Table(
    "canaried_versions",
    metadata,
    Column("endpoint_id", String(32), primary_key=True),
    Column("model_name", String(255), primary_key=True),
    Column("model_version", String(64), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("rollout_id", String(32), nullable=False),
    Column("at", Moment, nullable=False),
)
rollout_policies = Table(
    "rollout_policies",
    metadata,
    # The highest decides.
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("applied_by", String(255), nullable=False),
    Column("applied_at", Moment, nullable=False),
)
# Leave to go past the guard once.
rollout_overrides = Table(
    "rollout_overrides",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("endpoint_id", String(32), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("granted_by", String(255), nullable=False),
    Column("granted_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=True),
    Column("used_by", String(255), nullable=True),
    Column("config_version", Integer, nullable=True),
)
# Endpoints that the guard held, for as long as it remembers them after they were deleted.
departed_endpoints = Table(
    "departed_endpoints",
    metadata,
    Column("endpoint_id", String(32), primary_key=True),
    Column("endpoint_name", String(63), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    # JSON: tags, what was live, what was proved.
    Column("standing", Text, nullable=False),
)
abtests = Table(
    "abtests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(63), nullable=False),
    Column("endpoint_id", String(32), nullable=False, index=True),
    Column("endpoint_name", String(63), nullable=False),
    Column("config_version", Integer, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    # JSON: the plan, and what was counted.
    Column("spec", Text, nullable=False),
    Column("reading", Text, nullable=False),
    Column("observe_rate", Float, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=True),
    Column("reason", Text, nullable=False),
)
