"""The ends of what evidence does not exclude: of one arm's chance, of the difference of two.

Newton's method on convex functions: after the first step every step stays outside of the interval, so that a stop is
conservative. From a Gaussian guess it takes 3 to 6 steps; the cap only ends a stall at the last digit.
"""

import math
from dataclasses import dataclass

from pierhead.statistics.sequential.arms import Arm

STEPS = 80
# From so many nats off, one more step of Newton's leaves less than a millionth.
LAST_STEP = 1e-3
# How far, in nats, evidence may stay above its least value over pairs with one difference.
SLACK = 1e-7


def lowest(arm: Arm, level: float) -> float:
    """The chance below the estimate at which the arm's evidence reaches `level`; 0 if it never does.

    Steps go in the log of the chance, in which the evidence is close to a line near 0.
    """
    if arm.evidence(0.0) <= level:
        return 0.0
    reach = math.sqrt(2.0 * (level - arm.base) * arm.variance) / arm.estimate
    chance = _falling(arm, arm.estimate * max(1.0 - reach, math.exp(-reach)))
    for _ in range(STEPS):
        slope, _ = arm.bend(chance)
        missing = level - arm.evidence(chance)
        chance *= math.exp(missing / (slope * chance))
        if abs(missing) <= LAST_STEP or chance < 1e-300:
            break
    return chance


def lowest_difference(a: Arm, b: Arm, level: float) -> float:
    """The least chance of `b` minus chance of `a` whose joint evidence stays within `level`."""
    return -highest_difference(b, a, level)


def highest_difference(a: Arm, b: Arm, level: float) -> float:
    """The largest chance of `b` minus chance of `a` whose joint evidence stays within `level`."""
    last = b.ceiling
    if last < math.inf and a.evidence(0.0) + b.evidence(last) <= level:
        return last
    spread = a.variance + b.variance
    reach = math.sqrt(2.0 * (level - a.base - b.base) / spread)
    chance = a.estimate - reach * a.variance
    difference = _towards(last, b.estimate - a.estimate, reach * spread)
    for _ in range(STEPS):
        pair = least_evidence(a, b, difference, chance)
        missing = level - pair.evidence
        step = missing / pair.slope if pair.slope > 0.0 else reach * spread
        chance = pair.chance + pair.follows * step
        difference = _towards(last, difference, step)
        if abs(missing) <= LAST_STEP:
            break
    return difference


@dataclass(frozen=True, slots=True)
class Pair:
    """Where joint evidence is least at a given difference: the first arm's chance, and how both change with it."""

    chance: float
    evidence: float
    slope: float
    follows: float


def least_evidence(a: Arm, b: Arm, difference: float, start: float) -> Pair:
    """Find the pair of chances with this difference (`b` minus `a`) that the data speak least against."""
    low, high = max(0.0, -difference), min(a.ceiling, b.ceiling - difference)
    for end in (low, high):
        held = _held_at(a, b, difference, end, 1.0 if end == low else -1.0)
        if held is not None:
            return held
    # Away from the end by more than a rounding, so that neither chance lands on it.
    high -= 1e-15
    chance = start
    for _ in range(STEPS):
        if not low < chance < high:
            chance = 0.5 * (low + high) if high < math.inf else 2.0 * low + a.estimate
        slope_a, bend_a = a.bend(chance)
        slope_b, bend_b = b.bend(chance + difference)
        slope, bend = slope_a + slope_b, bend_a + bend_b
        if slope * slope <= 2.0 * SLACK * bend:
            break
        low, high = (low, chance) if slope > 0.0 else (chance, high)
        chance -= slope / bend
    evidence = a.evidence(chance) + b.evidence(chance + difference)
    # The slope where one more step would lead: with one arm much stiffer than the other, the rest matters here.
    return Pair(chance, evidence, (slope_b * bend_a - slope_a * bend_b) / bend, -bend_b / bend)


def _held_at(a: Arm, b: Arm, difference: float, end: float, inwards: float) -> Pair | None:
    """The pair at an end of the range if evidence does not fall from there inwards, else None."""
    if not (a.finite_at(end) and b.finite_at(end + difference)):
        return None
    slope_a, slope_b = a.bend(end)[0], b.bend(end + difference)[0]
    if (slope_a + slope_b) * inwards < 0.0:
        return None
    # The arm at the end of its own range stays there, the other takes the whole change.
    moves_b = end in (0.0, a.ceiling)
    evidence = a.evidence(end) + b.evidence(end + difference)
    return Pair(end, evidence, slope_b if moves_b else -slope_a, 0.0 if moves_b else -1.0)


def _towards(last: float, difference: float, step: float) -> float:
    """A step that does not reach the last difference there is."""
    return difference + step if difference + step < last else 0.5 * (difference + last)


def _falling(arm: Arm, chance: float) -> float:
    """A chance not above this one where the evidence falls: left of its least value."""
    while arm.bend(chance)[0] >= 0.0:
        chance /= 4.0
    return chance
