"""Tables of policies: every revision that was ever applied, and every choice of a set."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

policy_revisions = Table(
    "policy_revisions",
    metadata,
    Column("set_name", String(63), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    # The YAML as it was given.
    Column("text", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("applied_by", String(255), nullable=False),
    Column("applied_at", Moment, nullable=False),
)
policy_choices = Table(
    "policy_choices",
    metadata,
    # The last one counts.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("set_name", String(63), nullable=False),
    Column("chosen_by", String(255), nullable=False),
    Column("chosen_at", Moment, nullable=False),
)
