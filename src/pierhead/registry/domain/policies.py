"""Policies: who may make which version live where, on what evidence. As values; `policy_yaml` reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from pierhead.registry.domain.checks import external_names
from pierhead.registry.domain.gate import AliasTarget, EndpointTarget, PromotionTarget, StageTarget
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.windows import FreezeWindow

EVERYBODY = "users"
"""The group that every user is in without being told so."""

PRODUCTION_ALIAS = "production"
"""This alias and the stage Production are two views of one state."""


class Mode(Enum):
    """What an unmet condition does."""

    ENFORCE = "enforce"
    WARN = "warn"


class Provenance(Enum):
    """How much a version's training-data version matters."""

    OFF = "off"
    WARN = "warn"
    REQUIRE_FOR_PRODUCTION = "require_for_production"
    REQUIRE_AT_CREATE = "require_at_create"


class Role(Enum):
    """Parts that one person may not play together with that of the approver."""

    REQUESTER = "requester"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Match:
    """What a policy speaks of: models by glob, and any of the targets named.

    Everything but `stages` is in lower case, and compared without regard to case. Of `endpoint_tags` an endpoint must
    carry all.
    """

    models: tuple[str, ...]
    stages: frozenset[Stage] = frozenset()
    aliases: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    endpoint_tags: Mapping[str, str] = field(default_factory=dict)

    def speaks_of(self, model_name: str, target: PromotionTarget) -> bool:
        return self.speaks_of_model(model_name) and self._speaks_of_target(canonical(target))

    def speaks_of_model(self, model_name: str) -> bool:
        return _fits(self.models, model_name)

    @property
    def gates_production(self) -> bool:
        return self._speaks_of_target(StageTarget(Stage.PRODUCTION))

    def _speaks_of_target(self, target: PromotionTarget) -> bool:
        match target:
            case StageTarget(Stage.PRODUCTION):
                return Stage.PRODUCTION in self.stages or _fits(self.aliases, PRODUCTION_ALIAS)
            case StageTarget(stage):
                return stage in self.stages
            case AliasTarget(alias):
                return _fits(self.aliases, alias)
            case EndpointTarget(name, tags):
                carried = {(key.lower(), value.lower()) for key, value in tags.items()}
                return _fits(self.endpoints, name) or (
                    bool(self.endpoint_tags) and set(self.endpoint_tags.items()) <= carried
                )


def _fits(globs: tuple[str, ...], name: str) -> bool:
    return any(fnmatchcase(name.lower(), glob) for glob in globs)


@dataclass(frozen=True, slots=True)
class Approve:
    """Who approves: so many different persons of these groups who play none of these parts."""

    groups: frozenset[str]
    count: int = 1
    distinct_from: frozenset[Role] = frozenset(Role)


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Who may go past the policy in an emergency, and who looks at it afterwards."""

    groups: frozenset[str]
    review_by: frozenset[str]
    review_within: timedelta


@dataclass(frozen=True, slots=True)
class CheckUse:
    """A check of the registry `checks.CHECKS` with its parameters, a frozen dataclass of the check's own."""

    name: str
    params: Any
    mode: Mode = Mode.ENFORCE


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy of a set.

    `approve` is None where no approval is needed. `direct` lets an approver who is not an author move a version that
    nobody asked for. `from_stages`, unless empty, are the stages that a version must be in. `rollback_within` limits
    how old a former life at the target may be for the fast way back; None for no limit.
    """

    name: str
    match: Match
    mode: Mode
    provenance: Provenance
    request_groups: frozenset[str]
    approve: Approve | None
    direct: bool
    expires: timedelta
    from_stages: frozenset[Stage]
    freeze_windows: tuple[FreezeWindow, ...]
    rollback_within: timedelta | None
    break_glass: BreakGlass | None
    checks: tuple[CheckUse, ...]

    @property
    def groups(self) -> frozenset[str]:
        """Every group that the policy names."""
        approving = self.approve.groups if self.approve else frozenset()
        breaking = self.break_glass.groups | self.break_glass.review_by if self.break_glass else frozenset()
        return self.request_groups | approving | breaking


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Policies in their order: the first that speaks of a model and a target decides, and no other."""

    name: str
    revision: int
    policies: tuple[Policy, ...]

    def find(self, model_name: str, target: PromotionTarget) -> Policy | None:
        """The policy for this move; None if no policy speaks of it."""
        return next((policy for policy in self.policies if policy.match.speaks_of(model_name, target)), None)

    @property
    def groups(self) -> frozenset[str]:
        """Every group that the policies name."""
        return frozenset().union(*(policy.groups for policy in self.policies)) - {EVERYBODY}

    def reference(self, policy: Policy) -> str:
        """How decisions name a policy: SET/POLICY@REVISION."""
        return f"{self.name}/{policy.name}@{self.revision}"

    def external_names(self, model_name: str) -> frozenset[str]:
        """The systems outside that some policy for this model wants to be asked."""
        speaking = (policy for policy in self.policies if policy.match.speaks_of_model(model_name))
        return external_names(use for policy in speaking for use in policy.checks)

    @property
    def all_external_names(self) -> frozenset[str]:
        """The systems outside that some policy wants to be asked."""
        return external_names(use for policy in self.policies for use in policy.checks)

    def provenance_of(self, model_name: str) -> Provenance:
        """How much the training-data version of this model's versions matters, by the policy for Production."""
        policy = self.find(model_name, StageTarget(Stage.PRODUCTION))
        if policy is None:
            return Provenance.OFF
        if policy.mode is Mode.WARN and policy.provenance is not Provenance.OFF:
            return Provenance.WARN
        return policy.provenance


def canonical(target: PromotionTarget) -> PromotionTarget:
    """One spelling for what is one target: aliases in lower case, and the alias `production` as its stage.

    >>> canonical(AliasTarget("PRODUCTION"))
    StageTarget(stage=<Stage.PRODUCTION: 'Production'>)
    """
    match target:
        case AliasTarget(alias) if alias.lower() == PRODUCTION_ALIAS:
            return StageTarget(Stage.PRODUCTION)
        case AliasTarget(alias):
            return AliasTarget(alias.lower())
        case _:
            return target


def words_of(target: PromotionTarget) -> str:
    """A target in a sentence.

    >>> words_of(AliasTarget("champion")), words_of(StageTarget(Stage.STAGING))
    ("alias 'champion'", 'stage Staging')
    """
    match target:
        case StageTarget(stage):
            return f"stage {stage.value}"
        case AliasTarget(alias):
            return f"alias '{alias}'"
        case EndpointTarget(name, _):
            return f"endpoint '{name}'"
