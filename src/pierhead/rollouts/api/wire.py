"""Rollouts, decisions and the guard's books as JSON. Times are milliseconds since 1970, weights percent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from pierhead.kit.clock import to_ms
from pierhead.rollouts.domain.decisions import Decision
from pierhead.rollouts.domain.pair_readings import Difference
from pierhead.rollouts.domain.records import Override, PolicyRevision
from pierhead.rollouts.domain.rollouts import Look, Rollout
from pierhead.rollouts.domain.specs import Step
from pierhead.rollouts.domain.states import Status


def rollout_json(rollout: Rollout) -> dict[str, Any]:
    state, candidate = rollout.state, rollout.candidate
    return {
        "id": rollout.id,
        "endpoint": rollout.endpoint_name,
        "endpoint_id": rollout.endpoint_id,
        "config_version": rollout.config_version,
        "candidate": {
            "served_entity": candidate.entity_name,
            "model_name": candidate.model_name,
            "model_version": candidate.model_version,
            "digest": candidate.digest,
        },
        "champion": rollout.champion,
        "status": state.status.value,
        "reason": state.reason,
        "attempt": state.attempt,
        "is_by_hand": state.by_hand,
        "is_no_proof": {"canary": state.worth.canary, "shadow": state.worth.shadow, "report": state.worth.report},
        "step": state.step,
        "steps": [step_json(step, _standing(rollout, number)) for number, step in enumerate(rollout.spec.steps)],
        "step_started_at": to_ms(state.step_started_at),
        "ready_at": _ms(rollout.ready_at),
        "created_by": rollout.created_by,
        "created_at": to_ms(rollout.created_at),
        "ended_at": _ms(rollout.ended_at),
    }


def progress_json(
    rollout: Rollout, decision: Decision | None, reading: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """How the current step goes: `decision` is what a look at this moment would say, None unless it is under way."""
    step = rollout.spec.steps[rollout.state.step]
    busy = rollout.state.busy(now) if rollout.ready_at is not None else timedelta()
    return {
        "busy_s": round(busy.total_seconds(), 3),
        "least_left_s": round(max(step.least_duration - busy, timedelta()).total_seconds(), 3),
        "reading": reading,
        "decision": None if decision is None else decision_json(decision),
    }


def decision_json(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome.value,
        "rule": decision.rule,
        "reason": decision.reason,
        "gates": [msgspec.to_builtins(gate) for gate in decision.gates],
    }


def look_json(look: Look) -> dict[str, Any]:
    return {
        "seq": look.seq,
        "at": to_ms(look.at),
        "step": look.step,
        "outcome": look.outcome,
        "rule": look.rule,
        "reason": look.reason,
        "gates": list(look.gates),
    }


def step_json(step: Step, standing: str) -> dict[str, Any]:
    """`standing` is `passed`, `current`, `next` or `ended`: there the rollout ended."""
    return {
        "standing": standing,
        "weight": step.weight,
        "shadow_rate": step.shadow_rate,
        "least_duration_s": step.least_duration.total_seconds(),
        "least_requests": step.least_requests,
        "max_duration_s": None if step.max_duration is None else step.max_duration.total_seconds(),
        "gates": [terms.name for terms in step.gates],
    }


def policy_json(given: PolicyRevision) -> dict[str, Any]:
    return {
        "revision": given.revision,
        "digest": given.digest,
        "is_shipped": given.applied_at is None,
        "applied_by": given.applied_by,
        "applied_at": _ms(given.applied_at),
    }


def override_json(override: Override) -> dict[str, Any]:
    return {
        "id": override.id,
        "reason": override.reason,
        "granted_by": override.granted_by,
        "granted_at": to_ms(override.granted_at),
        "expires_at": to_ms(override.expires_at),
        "used_at": _ms(override.used_at),
        "used_by": override.used_by,
        "config_version": override.config_version,
    }


def comparison_json(
    rollout: Rollout, readings: Sequence[tuple[int, dict[str, Any], Sequence[Difference]]]
) -> dict[str, Any]:
    """`readings` are steps with their summary and their most different requests."""
    steps = rollout.spec.steps
    return {
        "rollout": rollout_json(rollout),
        "steps": [
            {
                "step": number,
                "weight": steps[number].weight,
                "reading": summary,
                "most_different": [msgspec.to_builtins(each) for each in different],
            }
            for number, summary, different in readings
        ],
    }


def _standing(rollout: Rollout, number: int) -> str:
    state = rollout.state
    if number < state.step or state.status is Status.PROMOTED:
        return "passed"
    if number > state.step:
        return "next"
    return "current" if state.status.is_open else "ended"


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)
