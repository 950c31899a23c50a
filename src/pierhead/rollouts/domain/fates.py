"""What becomes of a rollout by what happens to its endpoint."""

from datetime import datetime

from pierhead.rollouts.domain import states
from pierhead.rollouts.domain.rollouts import Rollout
from pierhead.rollouts.domain.states import RolloutState, Status
from pierhead.serving.domain.endpoints import DeploymentState, Endpoint


def fate_of(rollout: Rollout, endpoint: Endpoint | None, now: datetime) -> RolloutState | None:
    """How an open rollout ends because its config is active, as it should be after all, or because it has lost its
    endpoint, config or ramp; None while it has them."""
    if endpoint is None:
        return states.abort(rollout.state, now, "the endpoint was deleted")
    newest = endpoint.newest
    if newest.version == rollout.config_version and endpoint.failed is not None:
        return states.fail(rollout.state, now, newest.failure)
    if rollout.state.status is Status.PROMOTING and _is_live(rollout, endpoint):
        return states.arrive(rollout.state, now)
    if endpoint.active is not None and endpoint.active.version >= rollout.config_version:
        return states.fail(rollout.state, now, f"config version {endpoint.active.version} became active without it")
    if endpoint.ramp is None or endpoint.ramp.rollout_id != rollout.id or newest.version != rollout.config_version:
        return states.fail(rollout.state, now, "somebody took its ramp away")
    return None


def has_broken(rollout: Rollout, endpoint: Endpoint | None) -> bool:
    """Whether the candidate's workers were given up although they had answered before: that is its own fault, and
    not that of another entity of its config."""
    failed = None if endpoint is None else endpoint.failed
    if failed is None or rollout.ready_at is None or failed.version != rollout.config_version:
        return False
    return failed.deployment(rollout.candidate.entity_name).state is DeploymentState.FAILED


def is_ready(rollout: Rollout, endpoint: Endpoint) -> bool:
    """Whether a worker of the candidate has answered since the config was asked for."""
    state = endpoint.newest.deployment(rollout.candidate.entity_name).state
    return state in (DeploymentState.READY, DeploymentState.RECOVERING)


def _is_live(rollout: Rollout, endpoint: Endpoint) -> bool:
    # Its ramp held up every other config until then.
    return endpoint.active is not None and endpoint.active.version >= rollout.config_version
