"""The compilation of a version's files: asked for, run, told."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pierhead.compile.domain.certificate import Certificate, Tier

MOST_ATTEMPTS = 3
"""A job that dies this often is not tried again at once."""

RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
"""Pauses behind the first attempt that broke, the second and the third; behind the next nobody tries again by himself.

A job may break for what passes: a network that is down while the environment is built, a full disk, a busy machine.
"""


class CompilationState(StrEnum):
    WAITING = "WAITING"
    RUNNING = "RUNNING"
    DONE = "DONE"  # there is a certificate, whatever its verdict
    BROKEN = "BROKEN"  # the job itself failed; `message` says how


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why a certificate no longer counts: live answers differed from the original's."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate and the platform's signature over it, base64."""

    certificate: Certificate
    key_id: str
    signature: str


@dataclass(frozen=True, slots=True)
class Compilation:
    """`source` is the digest of the files: versions that are copies of each other share it."""

    source: str
    state: CompilationState
    attempts: int
    asked_at: datetime
    asked_by: str
    ended_at: datetime | None = None
    message: str = ""
    signed: Signed | None = None
    withdrawal: Withdrawal | None = None
    verified_rows: int = 0
    """Live answers that were compared with the original's since, and agreed."""
    damage: str = ""
    """Why the certificate that is in the books is none, so that `signed` is None: somebody altered it."""

    @property
    def certificate(self) -> Certificate | None:
        return None if self.signed is None else self.signed.certificate

    @property
    def tier(self) -> Tier:
        """How the version is to be served now."""
        certificate = self.certificate
        if certificate is None:
            return Tier.PYFUNC
        if certificate.tier is Tier.COMPILED and self.withdrawal is not None:
            return Tier.PYFUNC
        return certificate.tier

    @property
    def is_over(self) -> bool:
        return self.state in (CompilationState.DONE, CompilationState.BROKEN)


def after(compilation: Compilation, result: Signed | str, now: datetime) -> Compilation:
    """What becomes of a compilation whose job gave a certificate, or broke for this reason.

    A withdrawal holds until there is another artifact, or other versions execute it: what was proved wrong once is not
    made right by the same proof.
    """
    if isinstance(result, str):
        return replace(compilation, state=CompilationState.BROKEN, ended_at=now, message=result)
    before, new = compilation.certificate, result.certificate
    is_same = before is not None and (before.artifact, before.versions) == (new.artifact, new.versions)
    return replace(
        compilation,
        state=CompilationState.DONE,
        ended_at=now,
        message="",
        signed=result,
        withdrawal=compilation.withdrawal if is_same else None,
        verified_rows=0,
    )


def next_try(compilation: Compilation) -> datetime | None:
    """When a compilation that broke is run again; None if only somebody who asks brings it back."""
    tried, ended_at = compilation.attempts, compilation.ended_at
    if compilation.state is not CompilationState.BROKEN or ended_at is None or not 0 < tried <= len(RETRY_AFTER):
        return None
    return ended_at + RETRY_AFTER[tried - 1]


def is_due_again(compilation: Compilation, now: datetime) -> bool:
    """Whether it broke long enough ago; also if the clock was set back since."""
    due, ended_at = next_try(compilation), compilation.ended_at
    return due is not None and ended_at is not None and not ended_at <= now < due


def after_a_lost_job(compilation: Compilation, now: datetime) -> Compilation:
    """What becomes of a compilation whose process is gone without a word."""
    if compilation.attempts >= MOST_ATTEMPTS:
        message = f"the compile job died {compilation.attempts} times without a result; see its log"
        return replace(compilation, state=CompilationState.BROKEN, ended_at=now, message=message)
    return replace(compilation, state=CompilationState.WAITING)
