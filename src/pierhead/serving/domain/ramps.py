"""A ramp: how much of an endpoint's traffic a pending config has already, and how much is copied to it."""

from dataclasses import dataclass

from pierhead.serving.domain.shares import ALL_POINTS

MOST_OBSERVERS = 10
"""Rollouts and A/B tests that see one endpoint's invocations: each gets its own copy of every record."""

LONGEST_SHADOW_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Ramp:
    """While there is one its config stays pending however ready it is; the active config answers the others, and all
    again as soon as the ramp is given up.
    """

    config_version: int
    points: int
    """Hundredths of a percent that the candidate answers, 0-10000."""
    shadow_rate: float
    """Share of the others' requests that are copied to the candidate, 0-1."""
    salt: str
    """Deals out units; the same for the whole ramp, so that who was with the candidate stays as its share grows."""
    rollout_id: str
    shadow_timeout_s: float = 5.0
    shadow_concurrency: int = 4
    """Copies under way at the same time in one gateway."""
    shadow_queue: int = 64
    """Copies that wait in one gateway."""
    is_finished: bool = False
    """Whether the config may become active, which it does as soon as all its workers are ready."""


@dataclass(frozen=True, slots=True)
class Observer:
    """A rollout or an A/B test that wants to see invocations: all of a candidate's, a share `rate` (0-1) of others."""

    id: str
    rate: float = 1.0


def ramp_problems(ramp: Ramp) -> list[str]:
    """What is wrong with a ramp, whatever endpoint it is for."""
    problems = []
    if not 0 <= ramp.points <= ALL_POINTS:
        problems.append(f"points must be from 0 to {ALL_POINTS}, not {ramp.points}")
    if not 0 <= ramp.shadow_rate <= 1:
        problems.append(f"shadow_rate must be from 0 to 1, not {ramp.shadow_rate}")
    if not 0 < ramp.shadow_timeout_s <= LONGEST_SHADOW_TIMEOUT_S:
        problems.append(
            f"shadow_timeout_s must be above 0 and at most {LONGEST_SHADOW_TIMEOUT_S}, not {ramp.shadow_timeout_s}"
        )
    if ramp.shadow_concurrency < 1 or ramp.shadow_queue < 0:
        problems.append("shadow_concurrency must be at least 1 and shadow_queue at least 0")
    if not 1 <= len(ramp.salt) <= 64:
        problems.append(f"salt must have 1 to 64 letters, not {len(ramp.salt)}")
    if not ramp.rollout_id:
        problems.append("rollout_id must not be empty")
    return problems
