"""What a step has shown so far: sufficient statistics, of bounded size however many requests there were."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from pierhead.gateway.capture import is_sampled
from pierhead.kit.clock import to_ms
from pierhead.kit.errors import InvalidArgument
from pierhead.rollouts.domain.arm_readings import ArmReading
from pierhead.rollouts.domain.assignment_readings import AssignmentReading
from pierhead.rollouts.domain.early import Early
from pierhead.rollouts.domain.gate_terms import DisagreementTerms
from pierhead.rollouts.domain.halves import Half, Halves, Pair, half_of
from pierhead.rollouts.domain.observations import Ending, Observation, Route
from pierhead.rollouts.domain.pair_readings import Difference, PairReading
from pierhead.rollouts.domain.scales import Scale, scale_of
from pierhead.rollouts.domain.scores import Plain, Score, differ, plain_of, row_of
from pierhead.rollouts.domain.slice_readings import CANDIDATE, CHAMPION, UNREADABLE, SliceTable
from pierhead.rollouts.domain.specs import OnHold, RolloutSpec
from pierhead.rollouts.domain.states import RolloutState

SETTLING_MS = 2_000
"""Gateways follow a change of weights within a second."""

_LEAST_SAMPLE, _MOST_SAMPLE = 20, 64


@dataclass(frozen=True, slots=True)
class ReadingTerms:
    """The step that is read. The champion's first `sample` answers fix the scale; `tolerance` is None for automatic.
    What was asked before `since_ms`, and while gateways still dealt by the weights before, is of no concern."""

    points: int
    shadow_rate: float
    tolerance: float | None
    sample: int
    since_ms: int

    def is_of_step_before(self, at_ms: int) -> bool:
        return at_ms < self.since_ms + SETTLING_MS


def since_ms_of(spec: RolloutSpec, state: RolloutState) -> int:
    """From when on the traffic is that of the step that the state is in.

    A candidate whose traffic was withdrawn while it was held has it again since the rollout went on, from when on the
    step's busy time is counted anew.
    """
    idle = state.idle if spec.on_hold is OnHold.WITHDRAW else timedelta()
    return to_ms(state.step_started_at + idle)


def begin_reading(spec: RolloutSpec, state: RolloutState) -> "Reading":
    """An empty reading of the step that a rollout is in."""
    step = spec.steps[state.step]
    tolerance = next((each.tolerance for each in step.gates if isinstance(each, DisagreementTerms)), None)
    sample = min(max(step.least_requests // 4, _LEAST_SAMPLE), _MOST_SAMPLE)
    return Reading(ReadingTerms(step.points, step.shadow_rate, tolerance, sample, since_ms_of(spec, state)))


class Reading:
    """Accumulates the observations of one step.

    The candidate's arm are its answers to callers, in a step without points those to copies. Until the scale is fixed
    the answers themselves are kept (`early`), and counted then. `is_changed` says whether anything was counted since it
    began or was loaded.
    """

    __slots__ = (
        "assignments",
        "candidate",
        "champion",
        "dropped",
        "early",
        "halves",
        "is_changed",
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
        self.early = Early()
        self.is_changed = False
        self.dropped = 0
        """Shadows that the candidate never saw."""

    @property
    def requests(self) -> int:
        """What a step's least requests are counted in."""
        return self.candidate.requests if self.terms.points else self.pairs.pairs

    def begin_at(self, since_ms: int) -> None:
        """Counts from then on: a clock that was set back takes the beginning of the step with it."""
        self.terms = replace(self.terms, since_ms=since_ms)

    def close(self) -> None:
        """The step is over: what waits will not be counted any more, and answers are not kept."""
        self.halves.clear()
        self.early.clear()
        self.pairs.forget_excerpts()
        self.is_changed = True

    def fold(self, observation: Observation) -> None:
        """Counts one answer."""
        if self.terms.is_of_step_before(observation.at_ms):
            return
        self.is_changed = True
        if observation.ending is Ending.DROPPED:
            self.dropped += 1
            self.halves.forget(observation.request_id)
            return
        if self._may_have_copy(observation):
            pair = self.halves.join(half_of(observation, self._slices_of_half(observation)))
            if pair is not None:
                self._fold_pair(pair)
        if self.terms.points:
            if observation.route is Route.SHADOW:
                return
            self._assign(observation)
        self._fold_arm(observation)

    def _may_have_copy(self, observation: Observation) -> bool:
        """Whether this is a copy's answer, or one of the champion's of which gateways made a copy."""
        if observation.route is Route.SHADOW:
            return self.terms.shadow_rate > 0
        if observation.route is Route.CANDIDATE or observation.ending is Ending.CALLER_ERROR:
            return False
        return is_sampled(observation.request_id, self.terms.shadow_rate)

    def _slices_of_half(self, observation: Observation) -> dict[str, str]:
        return {} if observation.route is Route.SHADOW else self.slices.open(observation.slices)

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
        if observation.ending is Ending.ANSWERED:
            self._fold_answer(place, observation)

    def _fold_answer(self, place: int, observation: Observation) -> None:
        arm = self.candidate if place else self.champion
        slices = observation.slices if self.terms.points else {}
        if self.scale is None and not self.early.has_room(place, arm.unreadable, self.terms.sample):
            return
        if not observation.scores:
            arm.unreadable += 1
            for reading in self.slices.of(slices):
                reading.add_bin(place, UNREADABLE)
        elif self.scale is not None:
            self._count_score(place, plain_of(_score_of(observation)), slices, self.scale)
        else:
            self.early.add(place, _score_of(observation), self.slices.open(slices))
            self._fix_scale()

    def _fix_scale(self) -> None:
        scores = [each.score for each in self.early.answers if each.arm == CHAMPION]
        if len(scores) < self.terms.sample:
            return
        self.scale = scale_of(scores, self.terms.tolerance, self.early.span)
        self._count_early(self.scale)

    def _count_early(self, scale: Scale) -> None:
        early, self.early = self.early, Early()
        for answer in early.answers:
            self._count_score(*answer, scale)
        for pair in early.pairs:
            self._compare(pair, scale)

    def _count_score(self, arm: int, score: Plain, slices: Mapping[str, str], scale: Scale) -> None:
        place = scale.bin_of(score)
        (self.candidate if arm else self.champion).add_score(score, place, scale.bins)
        coarse = scale.coarse(place)
        for reading in self.slices.of(slices):
            reading.add_bin(arm, coarse)

    def answers(self) -> tuple[list[int], list[int]]:
        """How often champion and candidate answered in each bin, last what cannot be read; of two bins, what can be
        read and what not, as long as there is no scale."""
        bins = len(self.champion.bins or self.candidate.bins)
        if not bins:
            read = [self.early.count(arm) for arm in (CHAMPION, CANDIDATE)]
            return [read[0], self.champion.unreadable], [read[1], self.candidate.unreadable]
        champion, candidate = ([*(arm.bins or [0] * bins), arm.unreadable] for arm in (self.champion, self.candidate))
        return champion, candidate

    def _fold_pair(self, pair: Pair) -> None:
        self.pairs.add(*pair)
        if self.scale is not None:
            self._compare(pair, self.scale)
        elif pair[0].rows and len(self.early.pairs) < self.terms.sample:
            self.early.pairs.append(pair)

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
        self.early.merge(other.early)
        self.is_changed = True
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
            "early": self.early.to_json(),
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
        reading.early = Early.from_json(value["early"])
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


def _differs(primary: Half, shadow: Half, tolerance: float) -> bool:
    return primary.rows != shadow.rows or differ(primary.scores[0], shadow.scores[0], tolerance)
