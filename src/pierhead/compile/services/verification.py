"""Live answers of compiled versions, compared with the original's: the first that differs withdraws the certificate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from pierhead.compile.domain.certificate import Tier
from pierhead.compile.domain.compilations import Compilation, Withdrawal
from pierhead.compile.domain.reports import report_of
from pierhead.compile.ports import (
    Checked,
    Environments,
    JobBroke,
    Jobs,
    LoggedRequests,
    Mismatch,
    Reports,
    Sample,
    Versions,
)
from pierhead.compile.services.tiers import Tiers
from pierhead.compile.store.compilations import CompilationStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database

log = structlog.get_logger()

MOST_SAMPLES = 200
"""Compared in one job: the original takes some hundredths of a second for each, and a difference shall show soon."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What a comparison takes. `take` gives, by digest of the files, the samples that gateways kept, once."""

    take: Callable[[], Mapping[str, Sequence[Sample]]]
    versions: Versions
    environments: Environments
    jobs: Jobs
    logged: LoggedRequests
    reports: Reports
    folder: Path


class Verification:
    """One per controller; samples that a dead one had taken are lost, later ones are not."""

    def __init__(self, database: Database, clock: Clock, checks: Checks, tiers: Tiers, *, pause: timedelta) -> None:
        """Each version is compared at most once in `pause`."""
        self._database = database
        self._clock = clock
        self._checks = checks
        self._tiers = tiers
        self._pause = pause
        self._waiting: dict[str, list[Sample]] = {}
        self._last: dict[str, datetime] = {}

    def tick(self) -> None:
        """Take what gateways kept, and compare one version whose time has come."""
        for source, samples in self._checks.take().items():
            waiting = self._waiting.setdefault(source, [])
            waiting += samples[: MOST_SAMPLES - len(waiting)]
        now = self._clock.now()
        due = next((source for source in self._waiting if self._is_due(source, now)), None)
        if due is not None:
            self._last[due] = now
            self._compare(due, self._waiting.pop(due))

    def _is_due(self, source: str, now: datetime) -> bool:
        last = self._last.get(source)
        # A clock that was set back must not put it off.
        return last is None or not timedelta(0) <= now - last < self._pause

    def _compare(self, source: str, samples: Sequence[Sample]) -> None:
        with self._database.reading() as connection:
            compilation = CompilationStore(connection).find(source)
        self._checks.logged.keep(source, samples)
        if compilation is None or compilation.tier is not Tier.COMPILED:
            return
        own = answered_by(compilation, samples)
        if not own:
            return
        try:
            checked = self._ask_the_original(compilation, own)
        except JobBroke as error:
            log.warning("live answers could not be compared with the original's", source=source, reason=str(error))
            return
        self._conclude(compilation, checked)

    def _ask_the_original(self, compilation: Compilation, samples: Sequence[Sample]) -> Checked:
        shop, source = self._checks, compilation.source
        certificate = compilation.certificate
        assert certificate is not None
        assert certificate.artifact is not None
        model = shop.versions.folder(source)
        python = shop.environments.python_of(model, shop.folder / f"{source}.log")
        artifact = self._tiers.folder_of(certificate.artifact)
        return shop.jobs.verify(artifact, model, python, samples, shop.folder / f"{source}.verify")

    def _conclude(self, compared: Compilation, checked: Checked) -> None:
        now, source = self._clock.now(), compared.source
        with self._database.transaction() as connection:
            store = CompilationStore(connection)
            known = store.lock(source)
            if known is None or known.signed != compared.signed:
                # It was compiled again meanwhile: these were answers of another artifact.
                return
            store.add_verified(source, checked.rows)
            if checked.mismatch is not None:
                withdrawal = Withdrawal(now, describe(checked.mismatch))
                store.withdraw(source, withdrawal)
                report = report_of(replace(known, withdrawal=withdrawal))
                if report is not None:
                    self._checks.reports.tell(connection, source, report)
        if checked.mismatch is not None:
            reason = describe(checked.mismatch)
            log.error("a compiled version answers wrongly; the original takes over", source=source, reason=reason)


def answered_by(compilation: Compilation, samples: Sequence[Sample]) -> list[Sample]:
    """Those that its present artifact answered: what an older one said is no proof against it."""
    certificate = compilation.certificate
    artifact = None if certificate is None else certificate.artifact
    return [sample for sample in samples if sample.artifact == artifact]


def describe(mismatch: Mismatch) -> str:
    """One line with the request, short enough for a message."""
    return (
        f"{mismatch.difference}: to {_short(mismatch.request)} the original answers {_short(mismatch.original)}, "
        f"the compiled artifact answered {_short(mismatch.compiled)}"
    )


def _short(text: str, most: int = 300) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
