"""The loop that compiles what was registered, one version at a time."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog

from pierhead.compile.domain.certificate import Runtime, Verdict
from pierhead.compile.domain.compilations import (
    RETRY_AFTER,
    Compilation,
    CompilationState,
    Signed,
    after,
    after_a_lost_job,
    is_due_again,
    next_try,
)
from pierhead.compile.domain.reports import report_of
from pierhead.compile.ports import Built, Environments, JobBroke, Jobs, LoggedRequests, Material, Reports, Versions
from pierhead.compile.services.certificates import sign
from pierhead.compile.services.compilations import PLATFORM, Compilations
from pierhead.compile.store.compilations import CompilationStore
from pierhead.identity.services.audit_keys import Signer
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import PierheadError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Workshop:
    """What compiling takes, besides the books. `folder` holds one working folder and one log per digest."""

    versions: Versions
    environments: Environments
    jobs: Jobs
    logged: LoggedRequests
    reports: Reports
    artifacts: ArtifactStore
    signer: Callable[[], Signer]
    folder: Path


class Compiler:
    """One per controller. Its memory can be lost: a job that a dead controller left is run again."""

    def __init__(
        self, database: Database, clock: Clock, workshop: Workshop, *, runtime: Runtime, compiles_registered: bool
    ) -> None:
        """`compiles_registered` is whether every version is compiled, or only those that somebody asks for.

        What was proved for another runtime than `runtime` is proved anew.
        """
        self._database = database
        self._runtime = runtime
        self._is_upgraded = False
        self._clock = clock
        self._workshop = workshop
        self._compiles_registered = compiles_registered
        self._since: datetime | None = None
        self._looked_at: datetime | None = None
        """When we looked for new versions; None if time may have gone anywhere since."""
        self._are_books_right = False
        """Whether what is `RUNNING` in the books is run by us."""

    def tick(self) -> None:
        """Take up what is new; run the next job to its end."""
        if not self._are_books_right:
            self._recover()
            self._are_books_right = True
        if not self._is_upgraded:
            self._prove_anew()
            self._is_upgraded = True
        if self._compiles_registered:
            self._discover()
        self._try_again()
        waiting = self._begin_next()
        if waiting is not None:
            self._looked_at = None
            self._are_books_right = False
            self._finish(waiting, self._run(waiting))
            self._are_books_right = True

    def _recover(self) -> None:
        with self._database.transaction() as connection:
            store = CompilationStore(connection)
            for lost in store.list_running():
                store.put(after_a_lost_job(lost, self._clock.now()))

    def _prove_anew(self) -> None:
        with self._database.reading() as connection:
            done = CompilationStore(connection).list_done()
        for each in done:
            proof = each.certificate
            if proof is not None and proof.artifact is not None and not self._runtime.has_proof_in(proof):
                with self._database.transaction() as connection:
                    Compilations(connection, self._clock).ask(each.source, PLATFORM)

    def _discover(self) -> None:
        now = self._clock.now()
        if self._looked_at is None or now < self._looked_at:
            # What became ready behind a clock that was set back is older than what was seen before.
            self._since = None
        digests, since = self._workshop.versions.new_digests(self._since)
        if digests:
            with self._database.reading() as connection:
                store = CompilationStore(connection)
                unknown = store.unknown(digests)
                untold = store.find_many(self._workshop.reports.untold(connection, digests))
            for source in unknown:
                with self._database.transaction() as connection:
                    Compilations(connection, self._clock).want(source, is_urgent=False)
            for source, known in untold.items():
                if report_of(known) is not None:
                    self._tell(source)
        self._since, self._looked_at = since, now

    def _tell(self, source: str) -> None:
        """Of a version whose files were compiled before it came: a copy of another one."""
        with self._database.transaction() as connection:
            known = CompilationStore(connection).lock(source)
            report = None if known is None else report_of(known)
            if report is not None:
                self._workshop.reports.tell(connection, source, report)

    def _try_again(self) -> None:
        now = self._clock.now()
        with self._database.reading() as connection:
            broken = CompilationStore(connection).list_broken(most_attempts=len(RETRY_AFTER))
        for each in broken:
            if is_due_again(each, now):
                with self._database.transaction() as connection:
                    store = CompilationStore(connection)
                    known = store.lock(each.source)
                    if known is not None and is_due_again(known, now):
                        store.put(replace(known, state=CompilationState.WAITING))

    def _begin_next(self) -> Compilation | None:
        with self._database.reading() as connection:
            if CompilationStore(connection).next_waiting() is None:
                return None
        with self._database.transaction() as connection:
            store = CompilationStore(connection)
            waiting = store.next_waiting()
            if waiting is None:
                return None
            begun = replace(waiting, state=CompilationState.RUNNING, attempts=waiting.attempts + 1)
            store.put(begun)
            return begun

    def _run(self, compilation: Compilation) -> Signed | str:
        """The certificate, or how the job broke."""
        try:
            return self._compile(compilation.source)
        except JobBroke as error:
            return str(error)
        except PierheadError as error:
            return error.message
        except Exception as error:
            # A compilation without an end would be waited for for ever.
            log.exception("compilation failed", source=compilation.source)
            return f"{type(error).__name__}: {error}"

    def _compile(self, source: str) -> Signed:
        shop = self._workshop
        model = shop.versions.folder(source)
        work, story = shop.folder / source, shop.folder / f"{source}.log"
        python = shop.environments.python_of(model, story)
        material = Material(source, model, python, shop.logged.of(source))
        built = shop.jobs.compile(material, None, work)
        if is_for_the_converters(built):
            converter = shop.environments.converter_of(model, story)
            if converter is not None:
                built = shop.jobs.compile(material, converter, work)
        if built.artifact is not None:
            self._store(built.artifact, built.certificate.artifact)
        return sign(built.certificate, shop.signer())

    def _store(self, artifact: Path, proved: str | None) -> None:
        try:
            digest = self._workshop.artifacts.add_tree(artifact, self._clock.now())
        finally:
            shutil.rmtree(artifact, ignore_errors=True)
        if digest != proved:
            raise JobBroke("the artifact is not the one that was proved: its files were changed since")

    def _finish(self, compilation: Compilation, result: Signed | str) -> None:
        now = self._clock.now()
        with self._database.transaction() as connection:
            store = CompilationStore(connection)
            # As it is by now: live answers may have differed in the meantime.
            ended = after(store.lock(compilation.source) or compilation, result, now)
            store.put(ended)
            report = None if isinstance(result, str) else report_of(ended)
            if report is not None:
                self._workshop.reports.tell(connection, ended.source, report)
        if isinstance(result, str):
            log.warning("compilation broke", source=ended.source, reason=result, next_try_at=next_try(ended))
        else:
            log.info("compiled", source=ended.source, verdict=result.certificate.verdict.value)


def is_for_the_converters(built: Built) -> bool:
    """Whether nothing could be compiled at all, so that the stock converters deserve a try."""
    certificate = built.certificate
    return certificate.verdict is Verdict.REFUSED and certificate.differences is None
