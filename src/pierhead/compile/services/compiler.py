"""The loop that compiles what was registered, one version at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog

from pierhead.compile.domain.certificate import Runtime, Verdict
from pierhead.compile.domain.compilations import Compilation, CompilationState, Signed, after, after_a_lost_job
from pierhead.compile.ports import Built, Environments, JobBroke, Jobs, Reports, Versions
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
        waiting = self._begin_next()
        if waiting is not None:
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
        digests, since = self._workshop.versions.new_digests(self._since)
        if digests:
            with self._database.reading() as connection:
                unknown = CompilationStore(connection).unknown(digests)
            for source in unknown:
                with self._database.transaction() as connection:
                    Compilations(connection, self._clock).want(source, is_urgent=False)
        self._since = since

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
        built = shop.jobs.compile(source, model, python, None, work)
        if is_for_the_converters(built):
            converter = shop.environments.converter_of(model, story)
            if converter is not None:
                built = shop.jobs.compile(source, model, python, converter, work)
        if built.artifact is not None:
            digest = shop.artifacts.add_tree(built.artifact, self._clock.now())
            if digest != built.certificate.artifact:
                raise JobBroke("the artifact is not the one that was proved: its files were changed since")
        return sign(built.certificate, shop.signer())

    def _finish(self, compilation: Compilation, result: Signed | str) -> None:
        now = self._clock.now()
        with self._database.transaction() as connection:
            store = CompilationStore(connection)
            # As it is by now: live answers may have differed in the meantime.
            ended = after(store.lock(compilation.source) or compilation, result, now)
            store.put(ended)
        if isinstance(result, str):
            log.warning("compilation broke", source=compilation.source, reason=result)
            return
        certificate, withdrawal = result.certificate, ended.withdrawal
        log.info("compiled", source=compilation.source, verdict=certificate.verdict.value)
        passed = certificate.verdict is not Verdict.REFUSED and withdrawal is None
        message = certificate.reason or f"{certificate.verdict.value}, tier {certificate.tier}"
        if withdrawal is not None:
            message = f"the very artifact that was withdrawn: {withdrawal.reason}"
        self._workshop.reports.tell(compilation.source, passed=passed, message=message, at=now)


def is_for_the_converters(built: Built) -> bool:
    """Whether nothing could be compiled at all, so that the stock converters deserve a try."""
    certificate = built.certificate
    return certificate.verdict is Verdict.REFUSED and certificate.differences is None
