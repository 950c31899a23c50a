"""How versions are to be served, for whoever serves them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pierhead.compile.domain.certificate import Runtime, Tier
from pierhead.compile.domain.compilations import Compilation, Signed
from pierhead.compile.services.certificates import is_genuine
from pierhead.compile.services.compilations import Compilations
from pierhead.identity.services.audit_keys import Verifier
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database


@dataclass(frozen=True, slots=True)
class ServedAs:
    """`artifact` is the digest of what tier A runs; `batches` says whether requests may share a batch."""

    tier: Tier
    artifact: str | None
    batches: bool
    reason: str


UNKNOWN = ServedAs(Tier.PYFUNC, None, batches=False, reason="not compiled yet")


class Tiers:
    """Every call is a transaction of its own."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        artifacts: ArtifactStore,
        folder: Path,
        runtime: Runtime,
        verifier: Callable[[], Verifier],
    ) -> None:
        """Artifacts are laid out in `folder` and run by `runtime`; certificates are believed if `verifier` does."""
        self._database = database
        self._clock = clock
        self._artifacts = artifacts
        self._folder = folder
        self._runtime = runtime
        self._verifier = verifier
        self._genuine: dict[str, Signed] = {}

    def current(self, sources: Collection[str]) -> Mapping[str, ServedAs]:
        """As it stands at this moment, by digest of the files; `UNKNOWN` while nothing is known."""
        with self._database.reading() as connection:
            known = Compilations(connection, self._clock).find_many(sources)
        return {source: self._served_as(known.get(source)) for source in sources}

    def _served_as(self, compilation: Compilation | None) -> ServedAs:
        if compilation is None or compilation.signed is None:
            return served_as(compilation)
        if not self._is_genuine(compilation.source, compilation.signed):
            return ServedAs(Tier.PYFUNC, None, batches=False, reason="its certificate is not what our key signed")
        served = served_as(compilation)
        if served.artifact is not None and not self._runtime.has_proof_in(compilation.signed.certificate):
            return ServedAs(Tier.PYFUNC, None, served.batches, "its certificate is for another runtime or processor")
        return served

    def _is_genuine(self, source: str, signed: Signed) -> bool:
        """Checked once for each certificate: this is asked all the time."""
        if self._genuine.get(source) != signed:
            if not is_genuine(signed, self._verifier()):
                return False
            self._genuine[source] = signed
        return True

    def want(self, source: str) -> None:
        """Have it compiled before others, if it was not."""
        with self._database.reading() as connection:
            known = Compilations(connection, self._clock).find(source)
        if known is None or not known.is_over:
            with self._database.transaction() as connection:
                Compilations(connection, self._clock).want(source, is_urgent=True)

    def folder_of(self, artifact: str) -> Path:
        """The artifact's files, to be read only. Raises NotFound, or InternalError if they are damaged."""
        return self._artifacts.lay_out(artifact, self._folder)


def served_as(compilation: Compilation | None) -> ServedAs:
    """What a compilation's result means for serving."""
    if compilation is not None and compilation.damage:
        return ServedAs(Tier.PYFUNC, None, batches=False, reason=compilation.damage)
    if compilation is None or compilation.certificate is None:
        broken = compilation.message if compilation is not None else ""
        return UNKNOWN if not broken else ServedAs(Tier.PYFUNC, None, batches=False, reason=broken)
    certificate, withdrawal = compilation.certificate, compilation.withdrawal
    is_compiled = compilation.tier is Tier.COMPILED
    reason = certificate.reason
    if withdrawal is not None:
        reason = f"the compiled artifact was withdrawn: {withdrawal.reason}"
    return ServedAs(
        tier=compilation.tier,
        artifact=certificate.artifact if is_compiled else None,
        batches=certificate.is_row_independent,
        reason=reason,
    )
