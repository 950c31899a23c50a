"""Records and changes come and go together, on SQLite and on Postgres."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update

from fakes.audit import call_of
from fakes.clock import FixedClock
from pierhead.identity.domain.audit import Record, parsed
from pierhead.identity.services.audit import Denials, recording
from pierhead.identity.services.audit_checkpoints import Checkpoints
from pierhead.identity.services.audit_keys import PUBLIC_NAME, load_signer
from pierhead.identity.services.audit_reading import AuditReader
from pierhead.identity.store.accounts import groups
from pierhead.identity.store.audit import AuditStore, Search, audit_records, audit_trail
from pierhead.kit.audit_context import ANONYMOUS, Acting, Actor, acting, current, note, under
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, PermissionDenied


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def audited(database: Database, clock: FixedClock) -> Iterator[Database]:
    """The same database as the wiring opens it."""
    audited = Database(database.url, recording(clock))
    yield audited
    audited.dispose()


def _records(database: Database) -> list[Record]:
    return list(AuditReader(database).all_after(0))


def _add_group(database: Database, name: str) -> None:
    with database.transaction() as connection:
        connection.execute(insert(groups).values(name=name))


def _groups(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.scalars(select(groups.c.name).where(groups.c.name.like("g%"))))


def test_every_transaction_of_a_call_leaves_exactly_one_record(audited: Database) -> None:
    with under(call_of("ada")):
        _add_group(audited, "g1")
        _add_group(audited, "g2")

    assert [(record.number, record.columns.actor) for record in _records(audited)] == [(1, "ada"), (2, "ada")]


def test_a_transaction_that_rolled_back_leaves_none(audited: Database) -> None:
    def add_and_fail() -> None:
        with audited.transaction() as connection:
            connection.execute(insert(groups).values(name="g1"))
            raise InvalidArgument("no")

    with under(call_of("ada")):
        with pytest.raises(InvalidArgument):
            add_and_fail()
        _add_group(audited, "g2")

    assert _groups(audited) == ["g2"]
    assert len(_records(audited)) == 1


def test_a_change_whose_record_cannot_be_written_is_not_made(audited: Database, database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("ALTER TABLE audit_records RENAME TO gone"))
    with under(call_of("ada")), pytest.raises(Exception, match="audit_records"):
        _add_group(audited, "g1")

    assert _groups(database) == []


def test_work_outside_of_calls_leaves_none_and_loops_may_open_one(audited: Database) -> None:
    _add_group(audited, "g1")
    with acting("controller", "expire requests", {"request_id": "7"}):
        _add_group(audited, "g2")

    fields = [parsed(record.content) for record in _records(audited)]
    assert [(each["user_identity"]["email"], each["action_name"]) for each in fields] == [
        ("controller", "expire requests")
    ]


def test_reading_leaves_none(audited: Database) -> None:
    with under(call_of("ada")), audited.reading() as connection:
        connection.execute(select(groups.c.name))

    assert _records(audited) == []


def test_notes_go_into_the_next_record_and_no_further(audited: Database) -> None:
    with under(call_of("ada")):
        note(decision="open", policy="default@1", subject_digest="ab")
        note(before={"stage": "None"}, object="main.risk.churn/1")
        _add_group(audited, "g1")
        _add_group(audited, "g2")

    first, second = (parsed(record.content) for record in _records(audited))
    assert (first["decision"], first["policy"], first["object"]) == ("open", "default@1", "main.risk.churn/1")
    assert (first["digests"], first["before"]) == ({"subject_digest": "ab"}, {"stage": "None"})
    assert (second["decision"], second["policy"]) == ("allowed", None)


def test_a_note_outside_of_any_call_is_no_error() -> None:
    note(decision="open")

    assert current() is None


def test_many_writers_at_once_make_one_chain_without_gaps(audited: Database, tmp_path: Path, clock: FixedClock) -> None:
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for turn in range(12):
                with under(call_of(f"user{writer}", {"name": f"m{turn}"})):
                    _add_group(audited, f"g{writer}.{turn}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    checkpoints = Checkpoints(audited, clock, tmp_path / "c.jsonl", load_signer(tmp_path / "audit"))
    checkpoints.finish()

    assert failures == []
    report = AuditReader(audited).verify(tmp_path / "c.jsonl", tmp_path / "audit" / PUBLIC_NAME, is_own_file=True)
    assert (report.size, report.covered, report.findings) == (96, 96, ())
    with audited.reading() as connection:
        assert len(connection.execute(select(audit_trail)).all()) == 1


def test_a_denial_is_recorded_although_its_transaction_was_rolled_back(audited: Database, clock: FixedClock) -> None:
    denials = Denials(audited, clock)
    refusal = PermissionDenied("user 'bob' may not manage registered model 'm'")

    def refuse() -> None:
        with audited.transaction():
            note(policy="default@1")
            raise refusal

    with under(call_of("bob", {"name": "m"})):
        with pytest.raises(PermissionDenied):
            refuse()
        denials.record(refusal, 403)

    (record,) = _records(audited)
    fields = parsed(record.content)
    assert (record.columns.is_denied, fields["decision"], fields["policy"]) == (True, "denied", "default@1")
    assert fields["response"] == {"status_code": 403, "error_message": refusal.message}


def test_a_closed_gate_is_a_denial_and_another_wrong_argument_is_none(audited: Database, clock: FixedClock) -> None:
    denials = Denials(audited, clock)
    with under(call_of("bob")):
        denials.record(InvalidArgument("no such stage"), 400)
        note(decision="closed", policy="default@1")
        denials.record(InvalidArgument("version 3 has no signature"), 400)

    assert [parsed(record.content)["decision"] for record in _records(audited)] == ["closed"]


def test_repeated_denials_end_in_one_count(audited: Database, clock: FixedClock) -> None:
    denials = Denials(audited, clock)
    for _ in range(50):
        with under(call_of("bob", {"name": "m"})):
            denials.record(PermissionDenied("no"), 403)
    clock.advance(61)
    denials.flush()

    first, counted = (parsed(record.content) for record in _records(audited))
    assert first["decision"] == "denied"
    assert (counted["user_identity"]["email"], counted["action_name"], counted["object"]) == (
        "bob",
        first["action_name"],
        "m",
    )
    assert counted["notes"]["count"] == 49
    with audited.reading() as connection:
        assert len(AuditStore(connection).search(Search(actor="bob", is_denied=True), 10)) == 2


def test_counts_that_are_not_over_yet_are_kept_when_the_api_stops(audited: Database, clock: FixedClock) -> None:
    denials = Denials(audited, clock)
    for _ in range(3):
        with under(call_of("bob")):
            denials.record(PermissionDenied("no"), 403)
    denials.flush()
    assert len(_records(audited)) == 1
    denials.flush(is_last=True)

    assert parsed(_records(audited)[1].content)["notes"]["count"] == 2


def test_refusals_of_nobody_in_particular_leave_none(audited: Database, clock: FixedClock) -> None:
    denials = Denials(audited, clock)
    with under(Acting(Actor(ANONYMOUS, ANONYMOUS), "GET /signed/download/{word}")):
        denials.record(PermissionDenied("the signature of this address is wrong"), 403)

    assert _records(audited) == []


def test_searches_take_names_by_letter_and_stars_for_any_text(audited: Database) -> None:
    for name in ("main.risk.churn", "main.risk_x.churn", "main.riskyx.churn", "other"):
        with under(call_of("ada", {"name": name})):
            _add_group(audited, f"g{name}")

    def found(search: Search) -> list[str | None]:
        with audited.reading() as connection:
            return [record.columns.object for record in AuditStore(connection).search(search, 10)]

    assert found(Search(object="main.risk_x.*")) == ["main.risk_x.churn"]
    assert found(Search(object="main.risk*")) == ["main.riskyx.churn", "main.risk_x.churn", "main.risk.churn"]
    assert found(Search(action="registered-models/*", before=2)) == ["main.risk.churn"]
    assert found(Search(actor="a*")) == []


def test_a_digest_written_in_another_way_is_an_edit(audited: Database, tmp_path: Path) -> None:
    with under(call_of("ada")):
        _add_group(audited, "g1")
    (record,) = _records(audited)
    with audited.transaction() as connection:
        connection.execute(update(audit_records).values(digest=record.digest.hex().upper()))

    assert _records(audited)[0].digest != record.digest
