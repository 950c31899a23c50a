"""What the parity check says of a version, for whoever decides about promotions."""

from dataclasses import dataclass
from datetime import datetime

from pierhead.compile.domain.certificate import Verdict
from pierhead.compile.domain.compilations import Compilation


@dataclass(frozen=True, slots=True)
class Report:
    """Whether the artifact gives the original's answers, in one line, and since when that is known."""

    passed: bool
    message: str
    at: datetime


def report_of(compilation: Compilation) -> Report | None:
    """What there is to tell; None while there is no certificate."""
    certificate, withdrawal, ended_at = compilation.certificate, compilation.withdrawal, compilation.ended_at
    if certificate is None or ended_at is None:
        return None
    if withdrawal is not None:
        return Report(False, f"the artifact was withdrawn: {withdrawal.reason}", max(withdrawal.at, ended_at))
    message = certificate.reason or f"{certificate.verdict.value}, tier {certificate.tier}"
    return Report(certificate.verdict is not Verdict.REFUSED, message, ended_at)
