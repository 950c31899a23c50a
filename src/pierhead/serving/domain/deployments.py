"""What to tell people about the served entities of a config."""

from pierhead.serving.domain.builds import BuildFailed, Building, Built
from pierhead.serving.domain.endpoints import Deployment, DeploymentState, EndpointConfig
from pierhead.serving.domain.observed import Observed
from pierhead.serving.domain.plans import PLAIN
from pierhead.serving.domain.reconcile import FailConfig
from pierhead.serving.domain.roster import Post, Roster, needs


def deployments_of(config: EndpointConfig, roster: Roster, observed: Observed) -> dict[str, Deployment]:
    """The state of each entity of an active or pending config, by name."""
    posts = roster.posts_of(config)
    if not config.is_active:
        needed = needs(posts)
        return {post.entity.name: _arriving(post, needed[post.main], roster, observed) for post in posts}
    return {post.entity.name: _living(post, roster, observed) for post in posts}


def deployments_after(failure: FailConfig, config: EndpointConfig) -> dict[str, Deployment]:
    """The states of a config that is given up: one entity failed, the others are let go."""
    aborted = Deployment(DeploymentState.ABORTED, f"given up because {failure.entity_name!r} failed")
    return {
        entity.name: Deployment(DeploymentState.FAILED, failure.reason)
        if entity.name == failure.entity_name
        else aborted
        for entity in config.entities
    }


def _arriving(post: Post, needed: int, roster: Roster, observed: Observed) -> Deployment:
    if len(roster.ready(post.main)) >= needed:
        return Deployment(DeploymentState.READY, _tier(post))
    if post.waits_for:
        return Deployment(DeploymentState.CREATING, f"its first worker waits: {post.waits_for}")
    return Deployment(DeploymentState.CREATING, _progress(post, needed, roster, observed))


def _living(post: Post, roster: Roster, observed: Observed) -> Deployment:
    if post.replicas == 0:
        return Deployment(DeploymentState.READY, _joined("scaled to zero", _tier(post)))
    if len(roster.ready(post.main)) >= post.replicas:
        return Deployment(DeploymentState.READY, _tier(post))
    progress = _progress(post, post.replicas, roster, observed)
    # One worker answers for all; the others come while it does.
    if roster.ready(roster.answering(post)):
        return Deployment(DeploymentState.READY, _joined(progress, _tier(post)))
    if post.entity.spec.scale_to_zero_enabled and not _is_troubled(post, observed):
        return Deployment(DeploymentState.READY, _joined("waking up", _tier(post)))
    return Deployment(DeploymentState.RECOVERING, progress)


def _is_troubled(post: Post, observed: Observed) -> bool:
    is_failed = isinstance(observed.builds.get(post.source), BuildFailed) and not post.main.is_compiled
    return is_failed or bool(observed.crashes_of(post.main.key))


def _tier(post: Post) -> str:
    """Empty while nobody has looked into the version."""
    if post.plan == PLAIN:
        return ""
    return f"tier {post.plan.tier}: {post.plan.reason}" if post.plan.reason else f"tier {post.plan.tier}"


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _progress(post: Post, needed: int, roster: Roster, observed: Observed) -> str:
    ready, living = len(roster.ready(post.main)), roster.living(post.main)
    if living >= needed:
        return f"loading the model: {ready} of {needed} workers ready"
    crashes = observed.crashes_of(post.main.key)
    died = f"{ready} of {needed} workers ready; the last one died: {crashes[-1].message}" if crashes else ""
    starting = f"starting: {ready} of {needed} workers ready"
    if post.main.is_compiled:
        return died or starting
    match observed.builds.get(post.source):
        case None | Building():
            return "preparing the model's files and its environment"
        case BuildFailed(reason=reason):
            return reason
        case Built():
            return died or starting
