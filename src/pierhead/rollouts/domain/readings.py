"""What a step has shown so far: sufficient statistics, of bounded size however many requests there were."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pierhead.kit.errors import InvalidArgument
from pierhead.rollouts.domain.arm_readings import ArmReading
from pierhead.rollouts.domain.assignment_readings import AssignmentReading
from pierhead.rollouts.domain.gate_terms import DisagreementTerms
from pierhead.rollouts.domain.halves import Halves, Pair, observation_json, observation_of
from pierhead.rollouts.domain.observations import Ending, Observation, Route
from pierhead.rollouts.domain.pair_readings import Difference, PairReading
from pierhead.rollouts.domain.scales import Scale, scale_of
from pierhead.rollouts.domain.scores import Score, differ, row_of
from pierhead.rollouts.domain.slice_readings import CANDIDATE, CHAMPION, SliceTable
from pierhead.rollouts.domain.specs import RolloutSpec
from pierhead.rollouts.domain.states import RolloutState

SETTLING_MS = 2_000
"""Gateways follow a change of weights within a second."""

_TAIL_MS = 120_000
_LEAST_SAMPLE, _MOST_SAMPLE = 20, 256


@dataclass(frozen=True, slots=True)
class ReadingTerms:
    """The step that is read. The champion's first `sample` answers fix the scale; `tolerance` is None for automatic."""

    points: int
    shadow_rate: float
    tolerance: float | None
    sample: int
    since_ms: int

    def is_of_step_before(self, at_ms: int) -> bool:
        """Calls of the two minutes before the step and its first seconds were still dealt out by other weights. Still
        older ones come from a clock that was set back."""
        return self.since_ms - _TAIL_MS <= at_ms < self.since_ms + SETTLING_MS


def begin_reading(spec: RolloutSpec, state: RolloutState) -> "Reading":
    """An empty reading of the step that a rollout is in."""
    step = spec.steps[state.step]
    tolerance = next((each.tolerance for each in step.gates if isinstance(each, DisagreementTerms)), None)
    sample = min(max(step.least_requests // 4, _LEAST_SAMPLE), _MOST_SAMPLE)
    since_ms = int(state.step_started_at.timestamp() * 1000)
    return Reading(ReadingTerms(step.points, step.shadow_rate, tolerance, sample, since_ms))


class Reading:
    """Accumulates the observations of one step.

    The candidate's arm are its answers to callers, in a step without points those to copies. Until the scale is fixed
    the answers themselves are kept (`early`), and counted then.
    """

    __slots__ = (
        "assignments",
        "candidate",
        "champion",
        "dropped",
        "early",
        "early_pairs",
        "halves",
        "pairs",
        "scale",
        "slices",
        "terms",
    )

    def __init__(self, terms: ReadingTerms) -> None:
        self.terms = terms
        self.champion = ArmReading()
        self.candidate = ArmReading()
        self.pairs = PairReading()
        self.slices = SliceTable()
        self.assignments = AssignmentReading()
        self.halves = Halves()
        self.scale: Scale | None = None
        self.early: list[Observation] = []
        self.early_pairs: list[Pair] = []
        self.dropped = 0
        """Shadows that the candidate never saw."""

    @property
    def requests(self) -> int:
        """What a step's least requests are counted in."""
        return self.candidate.requests if self.terms.points else self.pairs.pairs

    def fold(self, observation: Observation) -> None:
        """Counts one answer."""
        if self.terms.is_of_step_before(observation.at_ms):
            return
        if observation.ending is Ending.DROPPED:
            self.dropped += 1
            return
        if self.terms.shadow_rate and observation.route is not Route.CANDIDATE:
            pair = self.halves.join(observation)
            if pair is not None:
                self._fold_pair(pair)
        if self.terms.points:
            if observation.route is Route.SHADOW:
                return
            self._assign(observation)
        self._fold_arm(observation)

    def _assign(self, observation: Observation) -> None:
        went = observation.route is Route.CANDIDATE
        bucket = observation.bucket
        is_candidates = went if bucket is None else bucket < self.terms.points
        self.assignments.add(is_candidates, went, observation.unit)

    def _fold_arm(self, observation: Observation) -> None:
        place = _arm_of(observation)
        (self.candidate if place else self.champion).add(observation)
        if self.terms.points:
            is_failure = observation.ending.is_failure
            for reading in self.slices.of(observation.slices):
                reading.requests[place] += 1
                reading.failures[place] += is_failure
        if observation.scores:
            self._fold_score(observation)

    def _fold_score(self, observation: Observation) -> None:
        if self.scale is not None:
            self._count_score(observation, self.scale)
        elif len(self.early) < 4 * self.terms.sample or not _arm_of(observation):
            self.early.append(observation._replace(excerpt=""))
            if not _arm_of(observation):
                self._fix_scale()

    def _fix_scale(self) -> None:
        scores = [_score_of(each) for each in self.early if not _arm_of(each)]
        if len(scores) < self.terms.sample:
            return
        self.scale = scale_of(scores, self.terms.tolerance)
        self._count_early(self.scale)

    def _count_early(self, scale: Scale) -> None:
        early, self.early = self.early, []
        early_pairs, self.early_pairs = self.early_pairs, []
        for observation in early:
            self._count_score(observation, scale)
        for pair in early_pairs:
            self._compare(pair, scale)

    def _count_score(self, observation: Observation, scale: Scale) -> None:
        score = _score_of(observation)
        place = scale.bin_of(score)
        arm = _arm_of(observation)
        (self.candidate if arm else self.champion).add_score(score, place, scale.bins)
        if self.terms.points:
            coarse = scale.coarse(place)
            for reading in self.slices.of(observation.slices):
                reading.add_bin(arm, coarse)

    def _fold_pair(self, pair: Pair) -> None:
        self.pairs.add(*pair)
        if self.scale is not None:
            self._compare(pair, self.scale)
        elif len(self.early_pairs) < 4 * self.terms.sample:
            self.early_pairs.append(pair)

    def _compare(self, pair: Pair, scale: Scale) -> None:
        primary, shadow = pair
        if self.pairs.compare(primary, shadow, scale.tolerance) is None:
            return
        differs = _differs(primary, shadow, scale.tolerance)
        for reading in self.slices.of(primary.slices):
            reading.pairs += 1
            reading.disagreement += differs

    def most_different(self) -> tuple[Difference, ...]:
        """The pairs whose answers are furthest apart, at most 20, the furthest first."""
        return tuple(self.pairs.most_different)

    def merge(self, other: "Reading") -> None:
        """Adds a reading of the same step. Raises InvalidArgument if the two count answers on different scales.

        Requests whose shadow's answer the other reading has are not joined.
        """
        if self.scale is not None and other.scale is not None and self.scale != other.scale:
            raise InvalidArgument("two readings with different scales cannot be added")
        self.scale = self.scale or other.scale
        self.champion.merge(other.champion)
        self.candidate.merge(other.candidate)
        self.pairs.merge(other.pairs)
        self.slices.merge(other.slices)
        self.assignments.merge(other.assignments)
        self.dropped += other.dropped
        self.early, self.early_pairs = self.early + other.early, self.early_pairs + other.early_pairs
        if self.scale is None:
            self._fix_scale()
        else:
            self._count_early(self.scale)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `from_json` gives the same reading, to the last digit."""
        return {
            "terms": asdict(self.terms),
            "champion": self.champion.to_json(),
            "candidate": self.candidate.to_json(),
            "pairs": self.pairs.to_json(),
            "slices": self.slices.to_json(),
            "assignments": self.assignments.to_json(),
            "halves": self.halves.to_json(),
            "scale": None if self.scale is None else self.scale.to_json(),
            "early": [observation_json(each) for each in self.early],
            "early_pairs": [[observation_json(each) for each in pair] for pair in self.early_pairs],
            "dropped": self.dropped,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Reading":
        reading = cls(ReadingTerms(**value["terms"]))
        reading.champion = ArmReading.from_json(value["champion"])
        reading.candidate = ArmReading.from_json(value["candidate"])
        reading.pairs = PairReading.from_json(value["pairs"])
        reading.slices = SliceTable.from_json(value["slices"])
        reading.assignments = AssignmentReading.from_json(value["assignments"])
        reading.halves = Halves.from_json(value["halves"])
        reading.scale = None if value["scale"] is None else Scale.from_json(value["scale"])
        reading.early = [observation_of(each) for each in value["early"]]
        reading.early_pairs = [
            (observation_of(primary), observation_of(shadow)) for primary, shadow in value["early_pairs"]
        ]
        reading.dropped = value["dropped"]
        return reading


def fold_all(reading: Reading, observations: Sequence[Observation]) -> Reading:
    """The reading, after it has counted all of them."""
    for observation in observations:
        reading.fold(observation)
    return reading


def _arm_of(observation: Observation) -> int:
    return CHAMPION if observation.route is Route.PRIMARY else CANDIDATE


def _score_of(observation: Observation) -> Score:
    """The score of the row that speaks for the request."""
    scores = observation.scores or ("",)
    return scores[row_of(observation.request_id, len(scores))]


def _differs(primary: Observation, shadow: Observation, tolerance: float) -> bool:
    one, other = primary.scores or (), shadow.scores or ()
    if len(one) != len(other):
        return True
    row = row_of(primary.request_id, len(one))
    return differ(one[row], other[row], tolerance)
