"""Compilation's loops on real databases and a real artifact store."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs
from sqlalchemy import update

from fakes.clock import FixedClock
from fakes.compilation import (
    DatedVersions,
    FakeEnvironments,
    FakeJobs,
    FakeVersions,
    HeardReports,
    Kept,
    KeptRequests,
    certificate,
)
from pierhead.compile.api.wire import compilation_json
from pierhead.compile.domain.certificate import Certificate, Runtime, Tier, Verdict
from pierhead.compile.domain.compilations import Compilation, CompilationState
from pierhead.compile.ports import Checked, Mismatch, Sample, Versions
from pierhead.compile.services.certificates import is_genuine
from pierhead.compile.services.compilations import Compilations
from pierhead.compile.services.compiler import Compiler, Workshop
from pierhead.compile.services.tiers import Tiers
from pierhead.compile.services.verification import Checks, Verification
from pierhead.compile.store.compilations import CompilationStore
from pierhead.compile.store.tables import compilations
from pierhead.identity.services.audit_keys import load_signer
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.db import Database

A, B = "a" * 64, "b" * 64
RUNTIME = Runtime("x86_64", "1.32.0")
MISMATCH = Mismatch(request="{}", original="[1]", compiled="[2]", difference="a decision flips")


class BreakableClock(FixedClock):
    is_broken = False

    def fail(self) -> None:
        self.is_broken = True

    def now(self) -> datetime:
        if self.is_broken:
            raise OSError("no time")
        return super().now()


class Rig:
    """One controller's compilation."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        jobs: FakeJobs,
        *,
        converter: Path | None = None,
        clock: FixedClock | None = None,
    ) -> None:
        self.database, self.clock, self.jobs = database, clock or FixedClock(), jobs
        self.reports = HeardReports()
        self.artifacts = ArtifactStore(folder / "store")
        self.audit = folder / "audit"
        self._folder = folder
        self._environments = FakeEnvironments(converter)
        self.logged = KeptRequests()
        self.tiers = Tiers(
            database,
            self.clock,
            self.artifacts,
            folder / "compiled",
            RUNTIME,
            lambda: load_signer(self.audit).verifier,
        )

    def compiler(
        self,
        *digests: str,
        compiles_registered: bool = True,
        runtime: Runtime = RUNTIME,
        versions: Versions | None = None,
    ) -> Compiler:
        workshop = Workshop(
            versions=versions or FakeVersions(digests, self._folder),
            environments=self._environments,
            jobs=self.jobs,
            logged=self.logged,
            reports=self.reports,
            artifacts=self.artifacts,
            signer=lambda: load_signer(self.audit),
            folder=self._folder / "jobs",
        )
        return Compiler(self.database, self.clock, workshop, runtime=runtime, compiles_registered=compiles_registered)

    def verification(self, kept: Kept) -> Verification:
        checks = Checks(
            take=kept.take,
            versions=FakeVersions((), self._folder),
            environments=self._environments,
            jobs=self.jobs,
            logged=self.logged,
            reports=self.reports,
            folder=self._folder / "jobs",
        )
        return Verification(self.database, self.clock, checks, self.tiers, pause=timedelta(seconds=60))

    def sampled(self, source: str, *requests: bytes, artifact: str | None = None) -> Kept:
        """Answers to these requests by an artifact, the present one if nothing is said."""
        found = self.get(source).certificate
        own = found.artifact if found is not None else None
        samples = [
            Sample("application/json", request, b"{}", artifact or own or "") for request in requests or (b"{}",)
        ]
        return Kept({source: samples})

    def get(self, source: str) -> Compilation:
        with self.database.reading() as connection:
            return Compilations(connection, self.clock).get(source)

    def ask(self, source: str) -> None:
        with self.database.transaction() as connection:
            Compilations(connection, self.clock).ask(source, "ada")


def test_what_is_registered_is_compiled_and_its_certificate_signed(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    rig.compiler(A).tick()
    found = rig.get(A)
    assert (found.state, found.tier) == (CompilationState.DONE, Tier.COMPILED)
    assert found.signed is not None
    verifier = load_signer(rig.audit).verifier
    assert is_genuine(found.signed, verifier)
    edited = structs.replace(found.signed.certificate, verdict=Verdict.EQUIVALENT)
    assert not is_genuine(replace(found.signed, certificate=edited), verifier)
    assert rig.reports.heard == [(A, True, "exact, tier A")]


def test_the_artifact_that_was_proved_is_the_one_that_is_served(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    rig.compiler(A).tick()
    served = rig.tiers.current([A])[A]
    assert served.artifact is not None
    assert (rig.tiers.folder_of(served.artifact) / "artifact.json").read_text() == A


def test_a_version_is_compiled_once_however_often_it_is_seen(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    compiler = rig.compiler(A, A)
    for _ in range(3):
        compiler.tick()
    assert rig.jobs.compiled == [(A, None)]


def test_only_what_is_served_is_compiled_where_that_was_chosen(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    rig.compiler(A, compiles_registered=False).tick()
    assert rig.jobs.compiled == []


def test_what_somebody_waits_for_comes_first(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    compiler = rig.compiler(A, B)
    rig.ask(B)
    compiler.tick()
    assert [source for source, _ in rig.jobs.compiled] == [B]


def test_what_our_own_emitters_cannot_express_is_tried_with_the_stock_converters(
    database: Database, tmp_path: Path
) -> None:
    jobs = FakeJobs(certificate(A, Verdict.REFUSED, compared=False), certificate(A))
    rig = Rig(database, tmp_path, jobs, converter=Path("converter"))
    rig.compiler(A).tick()
    assert jobs.compiled == [(A, None), (A, Path("converter"))]
    assert rig.get(A).tier is Tier.COMPILED


def test_what_was_compiled_and_refused_is_not_tried_another_way(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A, Verdict.REFUSED)), converter=Path("converter"))
    rig.compiler(A).tick()
    assert rig.jobs.compiled == [(A, None)]
    assert rig.get(A).tier is Tier.PYFUNC
    assert rig.reports.heard == [(A, False, "nobody knows how to compile it")]


def test_a_job_that_breaks_says_so_and_the_version_is_served_by_pyfunc(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs("the disk is full"))
    rig.compiler(A).tick()
    assert (rig.get(A).state, rig.get(A).message) == (CompilationState.BROKEN, "the disk is full")
    assert rig.tiers.current([A])[A].tier is Tier.PYFUNC


def test_a_job_that_broke_is_tried_again_after_ever_longer_pauses_and_then_no_more(
    database: Database, tmp_path: Path
) -> None:
    rig = Rig(database, tmp_path, FakeJobs("no network"))
    compiler = rig.compiler(A)
    compiler.tick()
    for minutes in (1, 5, 30, 1000):
        before = len(rig.jobs.compiled)
        rig.clock.advance(minutes * 60 - 1)
        compiler.tick()
        assert len(rig.jobs.compiled) == before
        rig.clock.advance(1)
        compiler.tick()
    assert len(rig.jobs.compiled) == 4


def test_what_broke_while_there_was_no_network_is_compiled_once_there_is_one(
    database: Database, tmp_path: Path
) -> None:
    rig = Rig(database, tmp_path, FakeJobs("no network", certificate(A)))
    compiler = rig.compiler(A)
    compiler.tick()
    rig.clock.advance(60)
    compiler.tick()
    assert rig.get(A).tier is Tier.COMPILED


@pytest.mark.parametrize(("attempts", "runs"), [(1, 1), (2, 1), (3, 0)])
def test_a_job_whose_controller_died_runs_again_but_not_for_ever(
    database: Database, tmp_path: Path, attempts: int, runs: int
) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    rig.ask(A)
    with database.transaction() as connection:
        store = CompilationStore(connection)
        store.put(replace(rig.get(A), state=CompilationState.RUNNING, attempts=attempts))
    rig.compiler().tick()
    assert len(rig.jobs.compiled) == runs
    assert rig.get(A).state is (CompilationState.DONE if runs else CompilationState.BROKEN)


def test_live_answers_that_agree_are_counted(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A), checked=Checked(7, None)))
    rig.compiler(A).tick()
    rig.verification(rig.sampled(A)).tick()
    assert rig.get(A).verified_rows == 7
    assert rig.tiers.current([A])[A].tier is Tier.COMPILED


def test_the_first_live_answer_that_differs_withdraws_the_certificate_until_it_is_compiled_again(
    database: Database, tmp_path: Path
) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A), checked=Checked(7, MISMATCH)))
    compiler = rig.compiler(A)
    compiler.tick()
    rig.verification(rig.sampled(A)).tick()
    served = rig.tiers.current([A])[A]
    assert (served.tier, served.artifact) == (Tier.PYFUNC, None)
    assert "a decision flips" in served.reason
    assert rig.reports.heard[-1][1] is False
    rig.ask(A)
    rig.jobs.network = "another one"
    compiler.tick()
    assert rig.tiers.current([A])[A].tier is Tier.COMPILED


def test_the_very_artifact_that_was_withdrawn_does_not_come_back_by_compiling_it_again(
    database: Database, tmp_path: Path
) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A), checked=Checked(7, MISMATCH)))
    compiler = rig.compiler(A)
    compiler.tick()
    rig.verification(rig.sampled(A)).tick()
    rig.ask(A)
    compiler.tick()
    assert rig.tiers.current([A])[A].tier is Tier.PYFUNC
    _, passed, message = rig.reports.heard[-1]
    assert not passed
    assert "the artifact was withdrawn: a decision flips" in message


def test_a_certificate_that_is_withdrawn_while_a_job_runs_stays_so_when_the_job_breaks(
    database: Database, tmp_path: Path
) -> None:
    jobs = FakeJobs(certificate(A), "the disk is full", checked=Checked(7, MISMATCH))
    rig = Rig(database, tmp_path, jobs)
    compiler = rig.compiler(A)
    compiler.tick()
    rig.ask(A)
    verification = rig.verification(rig.sampled(A))
    jobs.meanwhile = verification.tick
    compiler.tick()
    assert rig.get(A).state is CompilationState.BROKEN
    assert rig.tiers.current([A])[A].tier is Tier.PYFUNC


def test_answers_of_an_artifact_that_was_replaced_while_they_were_compared_withdraw_nothing(
    database: Database, tmp_path: Path
) -> None:
    jobs = FakeJobs(certificate(A), checked=Checked(7, MISMATCH))
    rig = Rig(database, tmp_path, jobs)
    compiler = rig.compiler(A)
    compiler.tick()
    jobs.network = "another one"
    rig.ask(A)
    jobs.meanwhile = compiler.tick
    rig.verification(rig.sampled(A)).tick()
    assert rig.tiers.current([A])[A].tier is Tier.COMPILED
    assert rig.get(A).verified_rows == 0


def test_files_that_changed_since_they_were_proved_are_not_signed(database: Database, tmp_path: Path) -> None:
    jobs = FakeJobs(certificate(A))
    rig = Rig(database, tmp_path, jobs)
    jobs.meanwhile = lambda: (tmp_path / "jobs" / A / "artifact" / "artifact.json").write_text("something else")
    rig.compiler(A).tick()
    assert "not the one that was proved" in rig.get(A).message
    assert rig.tiers.current([A])[A].tier is Tier.PYFUNC


def test_a_result_that_could_not_be_written_down_is_not_waited_for_for_ever(database: Database, tmp_path: Path) -> None:
    clock, jobs = BreakableClock(), FakeJobs(certificate(A))
    rig = Rig(database, tmp_path, jobs, clock=clock)
    compiler = rig.compiler(A)
    jobs.meanwhile = clock.fail
    with pytest.raises(OSError, match="no time"):
        compiler.tick()
    assert rig.get(A).state is CompilationState.RUNNING
    clock.is_broken = False
    compiler.tick()
    assert rig.get(A).state is CompilationState.DONE


def test_a_comparison_that_breaks_withdraws_nothing(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A), checked="the original does not start"))
    rig.compiler(A).tick()
    rig.verification(rig.sampled(A)).tick()
    assert rig.tiers.current([A])[A].tier is Tier.COMPILED


def test_a_version_is_compared_once_in_a_while(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A), checked=Checked(1, None)))
    rig.compiler(A).tick()
    rig.verification(rig.sampled(A)).tick()
    verification = rig.verification(rig.sampled(A))
    verification.tick()
    verification.tick()
    assert len(rig.jobs.verified) == 2


def test_what_is_wanted_for_serving_goes_before_what_was_registered(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    compiler = rig.compiler(A, B)
    rig.tiers.want(B)
    rig.tiers.want(B)
    served = rig.tiers.current([B])[B]
    assert (served.tier, served.batches) == (Tier.PYFUNC, False)
    compiler.tick()
    assert [source for source, _ in rig.jobs.compiled] == [B]
    assert rig.tiers.current([B])[B].tier is Tier.COMPILED


def test_what_was_proved_for_another_runtime_is_not_served_and_proved_anew(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    rig.compiler(A).tick()
    newer = Runtime("x86_64", "1.33.0")
    tiers = Tiers(
        database, rig.clock, rig.artifacts, tmp_path / "compiled", newer, lambda: load_signer(rig.audit).verifier
    )
    assert (tiers.current([A])[A].tier, tiers.current([A])[A].artifact) == (Tier.PYFUNC, None)
    rig.compiler(runtime=newer).tick()
    assert len(rig.jobs.compiled) == 2


def test_a_certificate_that_somebody_edited_is_not_served_by(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    rig.compiler(A).tick()
    found = rig.get(A)
    assert found.signed is not None
    edited = replace(found.signed, certificate=structs.replace(found.signed.certificate, is_row_independent=False))
    with database.transaction() as connection:
        CompilationStore(connection).put(replace(found, signed=edited))
    served = rig.tiers.current([A])[A]
    assert served.tier is Tier.PYFUNC
    assert "not what our key signed" in served.reason


@pytest.mark.parametrize("altered", ["{}", "no JSON", '{"verdict": "exact"}'], ids=["empty", "text", "part"])
def test_a_certificate_that_is_none_any_more_is_told_and_keeps_nobody_else_waiting(
    database: Database, tmp_path: Path, altered: str
) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    rig.compiler(A).tick()
    with database.transaction() as connection:
        connection.execute(update(compilations).values(certificate=altered))
    found = rig.get(A)
    assert found.signed is None
    assert "its certificate in the database cannot be read" in found.damage
    served = rig.tiers.current([A, B])
    assert (served[A].tier, served[A].artifact, served[A].reason) == (Tier.PYFUNC, None, found.damage)
    assert compilation_json(found, is_genuine=False)["message"] == found.damage


def test_a_signature_that_is_no_text_of_ours_is_not_genuine(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    rig.compiler(A).tick()
    found = rig.get(A)
    assert found.signed is not None
    verifier = load_signer(rig.audit).verifier
    assert not is_genuine(replace(found.signed, signature="schöne Grüße"), verifier)
    assert not is_genuine(replace(found.signed, signature="AAAA"), verifier)


def test_certificates_survive_the_way_through_the_database(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A, Verdict.EQUIVALENT)))
    rig.compiler(A).tick()
    kept = rig.get(A).certificate
    assert isinstance(kept, Certificate)
    assert structs.replace(kept, artifact="job") == certificate(A, Verdict.EQUIVALENT)


def test_what_a_version_was_asked_is_asked_by_the_gate_when_it_is_compiled_again(
    database: Database, tmp_path: Path
) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A), checked=Checked(2, None)))
    compiler = rig.compiler(A)
    compiler.tick()
    rig.verification(rig.sampled(A, b"1", b"2", b"1")).tick()
    rig.ask(A)
    compiler.tick()
    assert rig.jobs.logged == [[], [b"2", b"1"]]


def test_answers_of_an_older_artifact_are_not_held_against_a_newer_one(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A), checked=Checked(1, MISMATCH)))
    rig.compiler(A).tick()
    rig.verification(rig.sampled(A, artifact="an older one")).tick()
    assert rig.jobs.verified == []
    assert rig.get(A).tier is Tier.COMPILED


def test_a_proof_and_what_is_told_of_it_stand_or_fall_together(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    compiler = rig.compiler(A)
    rig.reports.failing = True
    with pytest.raises(OSError, match="nobody listens"):
        compiler.tick()
    assert rig.get(A).signed is None
    rig.reports.failing = False
    compiler.tick()
    assert rig.get(A).tier is Tier.COMPILED
    assert rig.reports.heard == [(A, True, "exact, tier A")]


def test_a_copy_of_a_version_that_was_compiled_has_its_report_too(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    compiler = rig.compiler(A)
    compiler.tick()
    rig.reports.heard.clear()
    compiler.tick()
    assert rig.reports.heard == [(A, True, "exact, tier A")]
    assert len(rig.jobs.compiled) == 1


def test_what_is_registered_behind_a_clock_that_was_set_back_is_found(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    versions = DatedVersions(tmp_path, rig.clock)
    compiler = rig.compiler(versions=versions)
    versions.register(A)
    compiler.tick()
    compiler.tick()
    rig.clock.advance(-3600)
    versions.register(B)
    compiler.tick()
    assert [source for source, _ in rig.jobs.compiled] == [A, B]


def test_the_copy_of_an_artifact_goes_when_the_store_has_it(database: Database, tmp_path: Path) -> None:
    rig = Rig(database, tmp_path, FakeJobs(certificate(A)))
    rig.compiler(A).tick()
    assert list((tmp_path / "jobs" / A).glob("**/artifact.json")) == []
    assert rig.tiers.current([A])[A].tier is Tier.COMPILED
