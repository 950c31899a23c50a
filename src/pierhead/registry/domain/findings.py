"""What the gate looks at before it decides, each as a finding of its own."""

from dataclasses import dataclass
from enum import Enum

from pierhead.registry.domain.gate import Condition


class Outcome(Enum):
    MET = "met"
    UNMET = "unmet"
    WARNING = "warning"
    """Unmet, where the policy only wants to be told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `message` says what is so, and for an unmet one what to do about it."""

    code: str
    message: str
    outcome: Outcome
    is_check: bool

    def as_condition(self) -> Condition:
        return Condition(self.code, self.message, self.is_check)


def met(code: str, message: str, *, is_check: bool = False) -> Finding:
    return Finding(code, message, Outcome.MET, is_check)


def unmet(code: str, message: str, *, is_check: bool = False) -> Finding:
    return Finding(code, message, Outcome.UNMET, is_check)


def conditions_of(findings: tuple[Finding, ...]) -> tuple[Condition, ...]:
    """Those that stand in the way."""
    return tuple(finding.as_condition() for finding in findings if finding.outcome is Outcome.UNMET)


def warnings_of(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """What a policy wants to be told."""
    return tuple(f"{finding.code}: {finding.message}" for finding in findings if finding.outcome is Outcome.WARNING)
