"""What candidate and champion have shown in a step, for people: numbers with anytime-valid intervals of 95 %."""

from math import isfinite
from typing import Any

from pierhead.rollouts.domain.arm_readings import ArmReading
from pierhead.rollouts.domain.pair_readings import PairReading
from pierhead.rollouts.domain.readings import Reading
from pierhead.rollouts.domain.slice_readings import CANDIDATE, CHAMPION, SliceReading
from pierhead.statistics.sequential import means, paired, proportions
from pierhead.statistics.sequential.interval import Interval

_ALPHA = 0.05
_WORST = 5
_PERCENTILES = (50, 95, 99)


def comparison_of(reading: Reading) -> dict[str, Any]:
    """Both arms, the pairs of request and shadow, and the worst slices, as plain JSON. Differences are the candidate's
    less the champion's; shares are 0-1; an interval is None where there are too few observations for one."""
    return {
        "champion": _arm(reading.champion),
        "candidate": _arm(reading.candidate),
        "difference": _differences(reading.champion, reading.candidate),
        "pairs": _pairs(reading.pairs) | {"dropped_shadows": reading.dropped},
        "worst_slices": _slices(reading),
    }


def _arm(arm: ArmReading) -> dict[str, Any]:
    latencies = arm.latencies
    return {
        "requests": arm.requests,
        "endings": {ending.value: count for ending, count in arm.endings.items() if count},
        "score_mean": arm.numbers.mean if arm.numbers.n else None,
    } | {f"p{each}_ms": latencies.quantile(each / 100) if latencies.total else None for each in _PERCENTILES}


def _differences(champion: ArmReading, candidate: ArmReading) -> dict[str, Any]:
    found: dict[str, Any] = {"errors": None, "score_mean": None}
    if champion.requests and candidate.requests:
        found["errors"] = _between(
            candidate.failures / candidate.requests - champion.failures / champion.requests,
            proportions.difference(
                champion.failures, champion.requests, candidate.failures, candidate.requests, _ALPHA
            ),
        )
    if champion.numbers.n and candidate.numbers.n:
        found["score_mean"] = _between(
            candidate.numbers.mean - champion.numbers.mean,
            means.difference(champion.numbers, candidate.numbers, _ALPHA),
        )
    return found


def _pairs(pairs: PairReading) -> dict[str, Any]:
    found: dict[str, Any] = {
        "pairs": pairs.pairs,
        "candidate_failed": pairs.candidate_failed,
        "champion_failed": pairs.champion_failed,
    }
    if pairs.compared:
        share = pairs.disagreement / pairs.compared
        # A sum of shares is bounded like a count, so the same interval holds.
        found["disagreement"] = _between(share, proportions.interval(pairs.disagreement, pairs.compared, _ALPHA))
    for name, moments in (("score_difference", pairs.scores), ("latency_difference_ms", pairs.latencies_ms)):
        if moments.n:
            found[name] = _between(moments.mean, paired.mean_difference(moments, _ALPHA))
    return found


def _slices(reading: Reading) -> list[dict[str, Any]]:
    """The five with the most disagreement, without shadows with the most errors of the candidate above the champion."""
    found = [_slice(column, value, each) for column, value, each in reading.slices]
    return sorted(found, key=lambda each: (-each["harm"], each["column"], each["value"]))[:_WORST]


def _slice(column: str, value: str, each: SliceReading) -> dict[str, Any]:
    if each.pairs:
        harm = each.disagreement / each.pairs
        bounds = proportions.interval(each.disagreement, each.pairs, _ALPHA)
        return {"column": column, "value": value, "pairs": each.pairs, "harm": harm} | _bounds(bounds)
    failures, requests = each.failures, each.requests
    rates = [failures[arm] / requests[arm] if requests[arm] else 0.0 for arm in (CHAMPION, CANDIDATE)]
    bounds = proportions.difference(
        failures[CHAMPION], requests[CHAMPION], failures[CANDIDATE], requests[CANDIDATE], _ALPHA
    )
    told = {"column": column, "value": value, "requests": list(requests), "harm": rates[CANDIDATE] - rates[CHAMPION]}
    return told | _bounds(bounds)


def _between(estimate: float, interval: Interval) -> dict[str, Any]:
    return {"estimate": estimate} | _bounds(interval)


def _bounds(interval: Interval) -> dict[str, Any]:
    lower, upper = interval.lower, interval.upper
    return {"lower": lower if isfinite(lower) else None, "upper": upper if isfinite(upper) else None}
