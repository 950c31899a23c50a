"""What becomes of a rollout by what happens to its endpoint."""

from datetime import datetime

from pierhead.rollouts.domain import states
from pierhead.rollouts.domain.rollouts import Rollout
from pierhead.rollouts.domain.states import RolloutState
from pierhead.serving.domain.endpoints import DeploymentState, Endpoint


def fate_of(rollout: Rollout, endpoint: Endpoint | None, now: datetime) -> RolloutState | None:
    """How an open rollout ends because it has lost its endpoint, config or ramp; None while it has them."""
    if endpoint is None:
        return states.abort(rollout.state, now, "the endpoint was deleted")
    newest = endpoint.newest
    if newest.version == rollout.config_version and endpoint.failed is not None:
        return states.fail(rollout.state, now, newest.failure)
    if endpoint.active is not None and endpoint.active.version >= rollout.config_version:
        return states.fail(rollout.state, now, f"config version {endpoint.active.version} became active without it")
    if endpoint.ramp is None or endpoint.ramp.rollout_id != rollout.id or newest.version != rollout.config_version:
        return states.fail(rollout.state, now, "somebody took its ramp away")
    return None


def has_broken(rollout: Rollout, endpoint: Endpoint | None) -> bool:
    """Whether the candidate's workers were given up although they had answered before: that is its own fault."""
    if endpoint is None or endpoint.failed is None or rollout.ready_at is None:
        return False
    return endpoint.failed.version == rollout.config_version


def is_ready(rollout: Rollout, endpoint: Endpoint) -> bool:
    """Whether a worker of the candidate has answered since the config was asked for."""
    state = endpoint.newest.deployment(rollout.candidate.entity_name).state
    return state in (DeploymentState.READY, DeploymentState.RECOVERING)
