"""What compilation tells the registry: evidence of versions that hold the files."""

from datetime import UTC, datetime
from pathlib import Path

from tests.integration.registry.registry_world import World

from pierhead.compile.domain.reports import Report
from pierhead.kit.db import Database
from pierhead.registry.store.evidence import EvidenceStore
from pierhead.registry.store.versions import VersionStore
from pierhead.wiring.compilation import ParityReports

GOOD = Report(True, "exact, tier A", datetime(2026, 1, 1, tzinfo=UTC))


def test_every_version_with_the_files_has_the_report_and_a_later_copy_is_found(
    database: Database, tmp_path: Path
) -> None:
    world, reports = World(tmp_path, database), ParityReports()
    first = world.register("main.a.b")
    digest = first.digest
    with database.transaction() as connection:
        assert set(reports.untold(connection, [digest, "f" * 64])) == {digest}
        reports.tell(connection, digest, GOOD)
        assert set(reports.untold(connection, [digest])) == set()
    copy = world.register("main.a.c")
    assert copy.digest == digest
    with database.transaction() as connection:
        assert set(reports.untold(connection, [digest])) == {digest}
        reports.tell(connection, digest, GOOD)
        assert set(reports.untold(connection, [digest])) == set()
        told = EvidenceStore(connection).reports_of(copy.id)["parity"]
        assert (told.passed, told.message, told.digest) == (True, "exact, tier A", digest)
        assert VersionStore(connection).digests_among([digest, "f" * 64]) == {digest}
    world.close()
