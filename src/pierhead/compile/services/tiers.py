"""How versions are to be served, for whoever serves them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pierhead.compile.domain.certificate import Tier
from pierhead.compile.domain.compilations import Compilation
from pierhead.compile.services.compilations import Compilations
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

    def __init__(self, database: Database, clock: Clock, artifacts: ArtifactStore, folder: Path) -> None:
        """Artifacts are laid out in `folder`."""
        self._database = database
        self._clock = clock
        self._artifacts = artifacts
        self._folder = folder

    def current(self, sources: Collection[str]) -> Mapping[str, ServedAs]:
        """As it stands at this moment, by digest of the files; `UNKNOWN` while nothing is known."""
        with self._database.reading() as connection:
            known = Compilations(connection, self._clock).find_many(sources)
        return {source: served_as(known.get(source)) for source in sources}

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
