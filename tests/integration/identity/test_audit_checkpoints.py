"""Checkpoints: written in time, whatever dies in between, and never about a trail that was tampered with."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, text, update

from fakes.audit import call_of
from fakes.clock import FixedClock
from pierhead.identity.domain.audit_checkpoints import Checkpoint, parse_lines
from pierhead.identity.domain.audit_verification import Problem, Report
from pierhead.identity.services.audit import recording
from pierhead.identity.services.audit_checkpoints import Checkpoints, read_lines
from pierhead.identity.services.audit_keys import PRIVATE_NAME, PUBLIC_NAME, load_signer
from pierhead.identity.services.audit_reading import AuditReader
from pierhead.identity.store.accounts import groups
from pierhead.identity.store.audit import audit_records
from pierhead.kit.audit_context import under
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.errors import InvalidState, NotFound
from pierhead.migrations.tables import all_tables

_WRITER = Path(__file__).with_name("audit_writer.py")


class Rig:
    """A trail in a folder, and the loop that vouches for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FixedClock()
        self.database = Database(sqlite_url(folder / "test.db"), recording(self.clock))
        all_tables().create_all(self.database.engine)
        self.file = folder / "audit" / "checkpoints.jsonl"
        self.checkpoints = self.start()

    def start(self) -> Checkpoints:
        """A new process, as after a crash."""
        return Checkpoints(self.database, self.clock, self.file, load_signer(self.folder / "audit"))

    def append(self, count: int = 1) -> None:
        for _ in range(count):
            with under(call_of("ada")), self.database.transaction():
                pass

    def written(self) -> list[Checkpoint]:
        return [signed.checkpoint for signed in parse_lines(read_lines(self.file))]

    def verify(self) -> Report:
        public_key = self.folder / "audit" / PUBLIC_NAME
        return AuditReader(self.database).verify(self.file, public_key, is_own_file=True)

    def problem(self) -> tuple[Problem, int | None] | None:
        found = self.verify().first
        return None if found is None else (found.problem, found.number)

    def sql(self, statement: str) -> None:
        with self.database.transaction() as connection:
            connection.execute(text(statement))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.database.dispose()


def test_a_checkpoint_comes_a_minute_after_the_first_record_that_needs_it(rig: Rig) -> None:
    rig.append()
    rig.clock.advance(59)
    rig.append()
    rig.checkpoints.tick()
    assert rig.written() == []
    rig.clock.advance(1)
    rig.checkpoints.tick()
    rig.clock.advance(600)
    rig.checkpoints.tick()

    assert [(each.number, each.tree.size) for each in rig.written()] == [(1, 2)]


def test_a_thousand_records_do_not_wait_for_the_minute(rig: Rig) -> None:
    rig.append(1000)
    rig.checkpoints.tick()

    assert [each.tree.size for each in rig.written()] == [1000]
    assert rig.problem() is None


def test_stopping_vouches_for_the_rest(rig: Rig) -> None:
    rig.append(3)
    rig.checkpoints.finish()
    rig.checkpoints.finish()

    assert rig.verify().covered == 3
    assert len(rig.written()) == 1


def test_each_checkpoint_names_the_one_before_and_grows_from_it_without_reading_all_again(rig: Rig) -> None:
    for _ in range(3):
        rig.append(5)
        rig.start().finish()
    first, second, third = rig.written()

    assert (first.previous, second.previous, third.previous) == (None, first.digest, second.digest)
    assert rig.problem() is None
    # Records that a checkpoint vouches for already are not looked at by the next.
    rig.sql("UPDATE audit_records SET content = 'x' WHERE number = 2")
    rig.append()
    rig.checkpoints.finish()
    assert len(rig.written()) == 4
    assert rig.problem() == (Problem.EDITED, 2)


def test_the_key_is_for_the_owner_alone_and_its_public_half_for_everybody(rig: Rig) -> None:
    folder = rig.folder / "audit"

    assert (folder / PRIVATE_NAME).stat().st_mode & 0o777 == 0o600
    assert (folder / PUBLIC_NAME).stat().st_mode & 0o777 == 0o644
    assert folder.stat().st_mode & 0o777 == 0o700
    assert load_signer(folder).verifier.key_id == load_signer(folder).verifier.key_id


def test_a_line_that_a_crash_broke_off_is_passed_over(rig: Rig) -> None:
    rig.append(2)
    rig.checkpoints.finish()
    with rig.file.open("ab") as file:
        file.write(b'{"checkpoint":{"log_id":"')
    assert rig.problem() is None
    rig.append(2)
    rig.start().finish()

    assert [each.tree.size for each in rig.written()] == [2, 4]
    assert len(read_lines(rig.file)) == 3
    assert rig.problem() is None


def test_a_crash_between_file_and_database_is_harmless(rig: Rig) -> None:
    rig.append(2)
    rig.checkpoints.finish()
    rig.append(2)
    rig.checkpoints.finish()
    rig.sql(f"UPDATE audit_checkpoints SET number = 1, digest = '{rig.written()[0].digest}'")
    assert rig.problem() is None
    rig.append()
    rig.start().finish()

    assert [each.number for each in rig.written()] == [1, 2, 3]
    assert rig.problem() is None


def test_a_file_that_lost_its_end_is_noticed_and_stays_noticeable(rig: Rig) -> None:
    for _ in range(3):
        rig.append(2)
        rig.checkpoints.finish()
    lines = rig.file.read_bytes().splitlines(keepends=True)
    rig.file.write_bytes(b"".join(lines[:2]))
    assert rig.problem() == (Problem.CHECKPOINTS_DAMAGED, None)
    rig.append()
    rig.start().finish()

    assert [each.number for each in rig.written()] == [1, 2, 4]
    assert rig.problem() == (Problem.CHECKPOINTS_DAMAGED, None)


def test_a_file_that_is_gone_is_told_from_one_that_was_never_written(rig: Rig) -> None:
    assert rig.problem() is None
    rig.append()
    assert rig.problem() == (Problem.NO_CHECKPOINTS, None)
    rig.checkpoints.finish()
    rig.file.unlink()
    assert rig.problem() == (Problem.NO_CHECKPOINTS, None)
    rig.append()
    rig.start().finish()

    assert rig.problem() == (Problem.CHECKPOINTS_DAMAGED, None)


def test_a_trail_that_lost_its_end_gets_no_new_checkpoint(rig: Rig) -> None:
    rig.append(5)
    rig.checkpoints.finish()
    with rig.database.transaction() as connection:
        connection.execute(delete(audit_records).where(audit_records.c.number > 3))
    with pytest.raises(InvalidState, match=r"has 3 records, but checkpoint .* vouches for 5"):
        rig.checkpoints.tick()

    assert rig.problem() == (Problem.TRUNCATED, 4)
    # Nor do new records hide it.
    rig.clock.advance(1)
    rig.append(4)
    with pytest.raises(InvalidState, match="record 6 does not follow"):
        rig.start().finish()
    assert rig.problem() == (Problem.EDITED, 1)


def test_an_edit_before_its_checkpoint_is_not_vouched_for(rig: Rig) -> None:
    rig.append(5)
    with rig.database.transaction() as connection:
        connection.execute(update(audit_records).where(audit_records.c.number == 3).values(content="{}"))
    with pytest.raises(InvalidState, match="audit record 3 does not follow"):
        rig.checkpoints.finish()

    assert rig.written() == []


def test_a_line_that_somebody_else_wrote_is_nothing_to_build_on(rig: Rig, tmp_path: Path) -> None:
    rig.append(2)
    rig.checkpoints.finish()
    (genuine,) = parse_lines(read_lines(rig.file))
    forged = load_signer(tmp_path / "other").sign(genuine.checkpoint)
    with rig.file.open("ab") as file:
        file.write(forged.line + b"\n")
    rig.append()
    rig.start().finish()

    assert rig.written()[-1].previous == genuine.checkpoint.digest
    assert rig.problem() == (Problem.BAD_SIGNATURE, None)


def test_a_new_key_begins_a_new_file_over_the_whole_trail(rig: Rig) -> None:
    rig.append(3)
    rig.checkpoints.finish()
    rig.sql("DELETE FROM audit_records WHERE number = 3")
    (rig.folder / "audit").rename(rig.folder / "evidence")
    rig.start().finish()

    assert [(each.number, each.tree.size, each.previous) for each in rig.written()] == [(1, 2, None)]
    assert rig.problem() is None


def test_a_copy_elsewhere_may_be_older_and_still_finds_what_it_saw(rig: Rig, tmp_path: Path) -> None:
    rig.append(5)
    rig.checkpoints.finish()
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(rig.file.read_bytes())
    rig.append(5)
    rig.checkpoints.finish()
    reader, key = AuditReader(rig.database), rig.folder / "audit" / PUBLIC_NAME
    assert reader.verify(copy, key, is_own_file=False).findings == ()
    rig.sql("DELETE FROM audit_records WHERE number > 4")
    found = reader.verify(copy, key, is_own_file=False).first

    assert found is not None
    assert (found.problem, found.number) == (Problem.TRUNCATED, 5)


def test_a_public_key_that_is_missing_is_said(rig: Rig, tmp_path: Path) -> None:
    rig.append()
    rig.checkpoints.finish()
    with pytest.raises(NotFound, match="--public-key"):
        AuditReader(rig.database).verify(rig.file, tmp_path / "nowhere", is_own_file=True)


def test_writers_that_are_killed_in_the_middle_leave_a_whole_trail(rig: Rig) -> None:
    changes = 0
    for _ in range(3):
        with subprocess.Popen([sys.executable, str(_WRITER), str(rig.folder)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline() for _ in range(40)]
            rig.checkpoints.finish()
            writer.send_signal(signal.SIGKILL)
        with rig.database.transaction() as connection:
            made = connection.execute(delete(groups).where(groups.c.name.like("g%"))).rowcount
        assert made >= len(said)
        changes += made
    rig.start().finish()

    report = rig.verify()
    assert (report.size, report.covered, report.findings) == (changes, changes, ())
