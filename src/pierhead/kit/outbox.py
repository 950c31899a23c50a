"""What must be told to the outside, kept in the transaction that made it true, and sent afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, String, Table, Text, delete, insert, select

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

outbox = Table(
    "outbox",
    metadata,
    # SQLite counts up only in a column of this very type.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("topic", String(64), nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index(None, "topic", "id"),
)


@dataclass(frozen=True, slots=True)
class Message:
    """`id` grows with time, but two transactions that overlap may commit in the other order."""

    id: int
    payload: Mapping[str, Any]
    created_at: datetime


class Outbox:
    """Messages in the caller's transaction: they are there if and only if it commits.

    Whoever takes messages deletes them in the transaction that keeps what became of them: none is lost, none is taken
    twice. There is one taker for each topic.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, topic: str, payload: Mapping[str, object], now: datetime) -> None:
        row = insert(outbox).values(topic=topic, payload=orjson.dumps(payload).decode(), created_at=now)
        self._connection.execute(row)

    def list(self, topic: str, limit: int) -> list[Message]:
        """The oldest messages of a topic."""
        query = select(outbox).where(outbox.c.topic == topic).order_by(outbox.c.id).limit(limit)
        return [Message(row.id, orjson.loads(row.payload), row.created_at) for row in self._connection.execute(query)]

    def delete(self, messages: Sequence[Message]) -> None:
        self._connection.execute(delete(outbox).where(outbox.c.id.in_([message.id for message in messages])))
