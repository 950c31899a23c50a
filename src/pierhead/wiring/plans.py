"""How versions are to be run: serving's plans, out of what compilation proved."""

from collections.abc import Collection, Mapping
from pathlib import Path

from pierhead.compile.domain.certificate import Tier
from pierhead.compile.services.tiers import ServedAs, Tiers
from pierhead.kit.errors import PierheadError
from pierhead.serving.domain.plans import PLAIN, Plan


class CompiledPlans:
    """`serving.ports.Plans`. A version that is being compiled runs as its original until that is proved."""

    def __init__(self, tiers: Tiers, *, compiles_served: bool) -> None:
        self._tiers = tiers
        self._compiles_served = compiles_served
        self._folders: dict[str, Path] = {}

    def plan_of(self, digest: str, _model: Path, _python: Path, _log: Path) -> Plan:
        """As it stands now; what was never compiled is asked for."""
        if self._compiles_served:
            self._tiers.want(digest)
        return self.current([digest]).get(digest, PLAIN)

    def current(self, digests: Collection[str]) -> Mapping[str, Plan]:
        return {digest: self._plan(served) for digest, served in self._tiers.current(digests).items()}

    def _plan(self, served: ServedAs) -> Plan:
        if served.tier is not Tier.COMPILED or served.artifact is None:
            return Plan(served.tier.value, None, served.batches, "", served.reason)
        folder = self._folders.get(served.artifact)
        if folder is None:
            try:
                folder = self._folders[served.artifact] = self._tiers.folder_of(served.artifact)
            except (PierheadError, OSError) as error:
                # One artifact that is damaged must not keep the others from being read.
                return Plan(PLAIN.tier, None, served.batches, "", f"its artifact cannot be read: {error}")
        return Plan(served.tier.value, folder, served.batches, served.artifact)
