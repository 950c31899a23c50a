"""How a model version is to be run: compiled, or as the original."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """`tier` is `A` (compiled), `B` (native object) or `C` (opaque model); `reason` says why it is no better.

    `artifact` is the folder that tier A runs. `batches` says whether requests may share a batch. Artifacts of different
    `revision` are never taken for one another.
    """

    tier: str
    artifact: Path | None
    batches: bool
    revision: str
    reason: str = ""

    @property
    def is_compiled(self) -> bool:
        return self.artifact is not None


PLAIN = Plan("C", None, batches=False, revision="")
"""What is right for every version: the original, one request at a time."""


def without_artifact(plan: Plan, reason: str) -> Plan:
    """The same version by its original alone."""
    return Plan(PLAIN.tier, None, plan.batches, plan.revision, reason)
