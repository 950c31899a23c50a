"""The guard: whether a change of an endpoint may give a version traffic that never stood a canary."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase

from pierhead.rollouts.domain.proofs import LEAST, canary_lacks
from pierhead.rollouts.domain.specs import ALL_POINTS, CANARY_POINTS, RolloutSpec

PRODUCTION_TAG = ("environment", "production")


class Mode(Enum):
    """What becomes of such a change: nothing is said, it is told, it is refused, or a rollout is made of it."""

    OFF = "off"
    WARN = "warn"
    ENFORCE = "enforce"
    AUTO = "auto"

    @property
    def holds(self) -> bool:
        """Whether nothing goes past it without leave."""
        return self in (Mode.ENFORCE, Mode.AUTO)


@dataclass(frozen=True, slots=True)
class Version:
    """A model version by its files: another digest under the same number is another version."""

    model: str
    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.model} version {self.version}"


@dataclass(frozen=True, slots=True)
class Share:
    """`points` (0-10000) of an endpoint's traffic for one served entity."""

    version: Version
    points: int


@dataclass(frozen=True, slots=True)
class GuardFacts:
    """The endpoint, whether the config serves a version in Production, the caller's groups, and the caller's reason
    for an override, None without one. `is_live` says whether it answers, and `former` is what was so of endpoints of
    this name that were deleted lately: what held for them still holds."""

    endpoint: str
    tags: Mapping[str, str] = field(default_factory=dict)
    serves_production: bool = False
    groups: frozenset[str] = frozenset()
    override: str | None = None
    is_live: bool = True
    former: tuple["GuardFacts", ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """Endpoints by glob or by tags, all of which they must carry; both in lower case. A rule without either speaks of
    every endpoint. Members of `override_groups` may go past it with a reason. `spec` is the rollout that AUTO runs, and
    what others are measured by; None for the usual one, and for the least that proves anything."""

    mode: Mode
    endpoints: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    override_groups: frozenset[str] = frozenset()
    spec: RolloutSpec | None = None

    def speaks_of(self, facts: GuardFacts) -> bool:
        if not self.endpoints and not self.tags:
            return True
        carried = {(key.lower(), value.lower()) for key, value in facts.tags.items()}
        is_named = any(fnmatchcase(facts.endpoint.lower(), glob) for glob in self.endpoints)
        return is_named or (bool(self.tags) and set(self.tags.items()) <= carried)


@dataclass(frozen=True, slots=True)
class RolloutPolicy:
    """Rules in their order: the first that speaks of an endpoint decides. Where none does, endpoints tagged
    `environment=production` and those that serve a version in Production are ENFORCE, all others WARN; the groups in
    `override_groups` may override there."""

    rules: tuple[Rule, ...] = ()
    override_groups: frozenset[str] = frozenset()

    def rule_of(self, facts: GuardFacts) -> Rule:
        """The rule for an endpoint; if it does not hold, that for a former one of the name, if that one does."""
        own = self._rule_of(facts)
        formers = () if own.mode.holds else map(self._rule_of, facts.former)
        return next((rule for rule in formers if rule.mode.holds), own)

    def _rule_of(self, facts: GuardFacts) -> Rule:
        found = next((rule for rule in self.rules if rule.speaks_of(facts)), None)
        if found is not None:
            return found
        carried = {(key.lower(), value.lower()) for key, value in facts.tags.items()}
        is_production = PRODUCTION_TAG in carried or facts.serves_production
        return Rule(Mode.ENFORCE if is_production else Mode.WARN, override_groups=self.override_groups)


class RulingKind(Enum):
    ALLOWED = "allowed"
    WARNED = "warned"
    REFUSED = "refused"
    ROLLOUT = "rollout"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the guard says of a change. `versions` are those that never stood a canary; `message` is empty only if there
    are none. With ROLLOUT the change is accepted, and `spec` (None for the usual one) runs to it. `is_overridden` if a
    person went past a refusal."""

    kind: RulingKind
    message: str = ""
    versions: tuple[Version, ...] = ()
    mode: Mode = Mode.OFF
    spec: RolloutSpec | None = None
    is_overridden: bool = False


ALLOWED = Ruling(RulingKind.ALLOWED)


def judge(
    policy: RolloutPolicy,
    before: Sequence[Share],
    after: Sequence[Share],
    proved: Collection[Version],
    facts: GuardFacts,
) -> Ruling:
    """What becomes of a change from the shares of the active config to others.

    A version may have more than 5 % if it has now, or if it is in `proved`: by a finished rollout, or live with more
    than 5 % in an earlier config of this endpoint. All others may have 5 % together, so that nothing is gained by
    copies and names, or what they have now. While nothing is live every change is allowed.
    """
    rule = policy.rule_of(facts)
    live = _by_version(before)
    if rule.mode is Mode.OFF or not any(live.values()):
        return ALLOWED
    stood = {version for version, points in live.items() if points > CANARY_POINTS} | set(proved)
    asked = _by_version(after)
    fresh = tuple(version for version in asked if version not in stood)
    is_more = any(asked[version] > live.get(version, 0) for version in fresh)
    if not is_more or sum(asked[version] for version in fresh) <= CANARY_POINTS:
        return ALLOWED
    told = _told(facts, fresh, asked)
    if rule.mode is Mode.WARN:
        return Ruling(RulingKind.WARNED, told, fresh, rule.mode)
    if facts.override is not None:
        return _overridden(rule, fresh, told, facts)
    if rule.mode is Mode.AUTO and facts.is_live and [asked[version] for version in fresh] == [ALL_POINTS]:
        message = f"{told}The change is pending; a rollout leads to it."
        return Ruling(RulingKind.ROLLOUT, message, fresh, rule.mode, rule.spec)
    if rule.mode is Mode.AUTO:
        told = f"{told}A rollout leads one version to all of the traffic, so that none was started."
    return Ruling(RulingKind.REFUSED, told, fresh, rule.mode)


def is_laxer(rule: Rule, before: Rule) -> bool:
    """Whether a rule lets something pass that another one held up: by its mode, its plan, or who may go past it."""
    if not before.mode.holds:
        return False
    is_open = not rule.mode.holds or not rule.override_groups <= before.override_groups
    return is_open or bool(canary_lacks(rule.spec or LEAST, before.spec))


def start_command(endpoint: str, version: Version) -> str:
    """What a person types to start a rollout.

    >>> start_command("fraud", Version("main.fraud.model", "7", "d"))
    'pierhead rollouts start fraud --model main.fraud.model --version 7'
    """
    words = ("pierhead", "rollouts", "start", endpoint, "--model", version.model, "--version", version.version)
    return shlex.join(words)


def _by_version(shares: Sequence[Share]) -> dict[Version, int]:
    points: dict[Version, int] = {}
    for share in shares:
        points[share.version] = points.get(share.version, 0) + share.points
    return points


def _told(facts: GuardFacts, fresh: Sequence[Version], asked: Mapping[Version, int]) -> str:
    given = ", ".join(f"{version} would get {asked[version] / 100:g} %" for version in fresh)
    told = (
        f"endpoint {facts.endpoint!r}: {given} of the traffic without ever having been in a canary; "
        f"at most {CANARY_POINTS / 100:g} % is safe. "
    )
    if not facts.is_live:
        return (
            f"{told}An endpoint of this name was live until less than a day ago: make it with a version that served "
            "there, and roll the new one out to it then.\n"
        )
    commands = "\n".join(f"  {start_command(facts.endpoint, version)}" for version in fresh)
    is_part = any(asked[version] < ALL_POINTS for version in fresh)
    then = "It leads to all of the traffic; split it afterwards.\n" if is_part else ""
    return f"{told}Start a rollout:\n{commands}\n{then}"


def _overridden(rule: Rule, fresh: tuple[Version, ...], told: str, facts: GuardFacts) -> Ruling:
    if not facts.groups & rule.override_groups:
        groups = ", ".join(sorted(rule.override_groups)) or "nobody"
        return Ruling(RulingKind.REFUSED, f"{told}You may not override this; who may: {groups}.", fresh, rule.mode)
    if not (facts.override or "").strip():
        return Ruling(RulingKind.REFUSED, f"{told}An override needs a reason.", fresh, rule.mode)
    names = ", ".join(map(str, fresh))
    message = f"endpoint {facts.endpoint!r}: {names} goes live without a canary: {facts.override}"
    return Ruling(RulingKind.ALLOWED, message, fresh, rule.mode, is_overridden=True)
