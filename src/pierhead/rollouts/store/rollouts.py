"""Rollouts, their readings and decisions as rows."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from pierhead.rollouts.domain.rollouts import Candidate, Look, Rollout
from pierhead.rollouts.domain.spec_yaml import parse_spec
from pierhead.rollouts.domain.specs import RolloutSpec
from pierhead.rollouts.domain.states import RolloutState
from pierhead.rollouts.store.tables import rollout_decisions, rollout_readings, rollouts, rollouts_under_way

_MOST_LISTED = 200

_STATE = msgspec.json.Decoder(RolloutState)


class RolloutStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, rollout: Rollout) -> None:
        """Raises IntegrityError while another one of the endpoint is under way."""
        values = {"id": rollout.id, "revision": rollout.revision, **_values(rollout)}
        self._connection.execute(insert(rollouts).values(values))
        self.begin(rollout)

    def begin(self, rollout: Rollout) -> None:
        """Take the endpoint's place. Raises IntegrityError while another one is under way."""
        self._connection.execute(
            insert(rollouts_under_way).values(endpoint_id=rollout.endpoint_id, rollout_id=rollout.id)
        )

    def put(self, rollout: Rollout) -> bool:
        """Replace what is known of it, under the next revision; False if somebody changed it since it was read."""
        changed = self._connection.execute(
            update(rollouts)
            .where(rollouts.c.id == rollout.id, rollouts.c.revision == rollout.revision)
            .values(revision=rollout.revision + 1, **_values(rollout))
        )
        if changed.rowcount == 1 and rollout.ended_at is not None:
            self._connection.execute(delete(rollouts_under_way).where(rollouts_under_way.c.rollout_id == rollout.id))
        return changed.rowcount == 1

    def find(self, rollout_id: str) -> Rollout | None:
        return self._one(select(rollouts).where(rollouts.c.id == rollout_id))

    def find_newest(self, endpoint_name: str) -> Rollout | None:
        """Of the endpoints that ever had this name."""
        query = select(rollouts).where(rollouts.c.endpoint_name == endpoint_name)
        return self._one(query.order_by(rollouts.c.created_at.desc(), rollouts.c.id).limit(1))

    def find_under_way(self, endpoint_id: str) -> Rollout | None:
        return self._one(
            select(rollouts)
            .join(rollouts_under_way, rollouts_under_way.c.rollout_id == rollouts.c.id)
            .where(rollouts_under_way.c.endpoint_id == endpoint_id)
        )

    def list_under_way(self) -> list[Rollout]:
        """Oldest first."""
        query = select(rollouts).join(rollouts_under_way, rollouts_under_way.c.rollout_id == rollouts.c.id)
        return [_rollout(row) for row in self._connection.execute(query.order_by(rollouts.c.created_at, rollouts.c.id))]

    def list_newest(self, endpoint_name: str | None = None) -> list[Rollout]:
        """The last two hundred, newest first."""
        query = select(rollouts).order_by(rollouts.c.created_at.desc(), rollouts.c.id).limit(_MOST_LISTED)
        if endpoint_name is not None:
            query = query.where(rollouts.c.endpoint_name == endpoint_name)
        return [_rollout(row) for row in self._connection.execute(query)]

    def _one(self, query: Select[Any]) -> Rollout | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _rollout(row)


class ReadingStore:
    """What was counted, step by step, as JSON; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, rollout_id: str, step: int) -> str | None:
        query = select(rollout_readings.c.reading).where(
            rollout_readings.c.rollout_id == rollout_id, rollout_readings.c.step == step
        )
        found: str | None = self._connection.scalar(query)
        return found

    def list_of(self, rollout_id: str) -> dict[int, str]:
        """By step, counted from 0; steps that nothing was read in are missing."""
        query = select(rollout_readings).where(rollout_readings.c.rollout_id == rollout_id)
        rows = self._connection.execute(query.order_by(rollout_readings.c.step))
        return {row.step: row.reading for row in rows}

    def put(self, rollout_id: str, step: int, reading: str) -> None:
        where = (rollout_readings.c.rollout_id == rollout_id, rollout_readings.c.step == step)
        changed = self._connection.execute(update(rollout_readings).where(*where).values(reading=reading))
        if not changed.rowcount:
            values = {"rollout_id": rollout_id, "step": step, "reading": reading}
            self._connection.execute(insert(rollout_readings).values(values))

    def forget(self, rollout_id: str) -> None:
        self._connection.execute(delete(rollout_readings).where(rollout_readings.c.rollout_id == rollout_id))


class LookStore:
    """Decisions as rows; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, rollout_id: str, look: Look) -> None:
        """`look.seq` is given here: one more than the last."""
        last = select(func.max(rollout_decisions.c.seq)).where(rollout_decisions.c.rollout_id == rollout_id)
        self._connection.execute(
            insert(rollout_decisions).values(
                rollout_id=rollout_id,
                seq=(self._connection.scalar(last) or 0) + 1,
                at=look.at,
                step=look.step,
                outcome=look.outcome,
                rule=look.rule,
                reason=look.reason,
                numbers=msgspec.json.encode(look.gates).decode(),
            )
        )

    def find_last(self, rollout_id: str) -> Look | None:
        return next(iter(self.list_newest(rollout_id, 1)), None)

    def list_newest(self, rollout_id: str, limit: int = 500) -> Sequence[Look]:
        """Newest first."""
        query = select(rollout_decisions).where(rollout_decisions.c.rollout_id == rollout_id)
        rows = self._connection.execute(query.order_by(rollout_decisions.c.seq.desc()).limit(limit))
        return [_look(row) for row in rows]


def _values(rollout: Rollout) -> dict[str, Any]:
    candidate, state = rollout.candidate, rollout.state
    return {
        "endpoint_id": rollout.endpoint_id,
        "endpoint_name": rollout.endpoint_name,
        "config_version": rollout.config_version,
        "entity_name": candidate.entity_name,
        "model_name": candidate.model_name,
        "model_version": candidate.model_version,
        "digest": candidate.digest,
        "champion": rollout.champion,
        "status": state.status.value,
        "spec": rollout.spec_text,
        "state": msgspec.json.encode(state).decode(),
        "step": state.step,
        "step_began_at": state.step_started_at,
        "created_by": rollout.created_by,
        "created_at": rollout.created_at,
        "ready_at": rollout.ready_at,
        "ended_at": rollout.ended_at,
        "reason": state.reason,
    }


def _rollout(row: Row[Any]) -> Rollout:
    return Rollout(
        id=row.id,
        endpoint_id=row.endpoint_id,
        endpoint_name=row.endpoint_name,
        config_version=row.config_version,
        candidate=Candidate(row.entity_name, row.model_name, row.model_version, row.digest),
        champion=row.champion,
        spec=_spec(row.spec),
        spec_text=row.spec,
        state=_STATE.decode(row.state),
        revision=row.revision,
        created_by=row.created_by,
        created_at=row.created_at,
        ready_at=row.ready_at,
        ended_at=row.ended_at,
    )


@lru_cache(maxsize=256)
def _spec(text: str) -> RolloutSpec:
    """Reading YAML takes tens of milliseconds, every tick asks, and what is read never changes."""
    return parse_spec(text.encode())


def _look(row: Row[Any]) -> Look:
    return Look(
        seq=row.seq,
        at=row.at,
        step=row.step,
        outcome=row.outcome,
        rule=row.rule,
        reason=row.reason,
        gates=tuple(msgspec.json.decode(row.numbers)),
    )
