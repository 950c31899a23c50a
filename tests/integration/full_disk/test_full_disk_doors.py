"""What calls meet when the disk of the database, or of the files, is really full."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select
from structlog.testing import capture_logs

from fakes.clock import FixedClock
from harness.asgi import LiveApp
from harness.http import Answer
from harness.small_disk import SmallDisk, small_disk
from integration.full_disk.conftest import Place
from pierhead.identity.domain.audit import parsed
from pierhead.identity.services.audit import Denials, recording
from pierhead.identity.services.audit_reading import AuditReader
from pierhead.identity.store.accounts import groups
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import to_ms
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.errors import DiskFull, PermissionDenied
from pierhead.kit.full_disk import full_disk_is_told
from pierhead.kit.schema import migrate
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Call, Routes

_MOST_CALLS = 2000


def _write(call: Call, connection: Connection) -> dict[str, str]:
    connection.execute(insert(groups).values(name=call.text("name")))
    return {}


def _refuse(call: Call, _connection: Connection) -> None:
    raise PermissionDenied(f"nobody may see {call.text('name')}")


class Doors:
    """Routes that write, and one that is closed to everybody."""

    def __init__(self, url: str) -> None:
        self.clock = FixedClock()
        self.database = Database(url, recording(self.clock))
        self.denials = Denials(self.database, self.clock)
        routes = Routes(self.database)
        routes.add("POST", "/2.0/write", _write)
        routes.add("GET", "/2.0/secret/{name}", _refuse)
        self.live = LiveApp(
            application(
                routes.routes,
                authenticate=lambda _token: Caller("1", "ada", frozenset()),
                is_public=lambda _path: False,
                workspace_id="7",
                on_refusal=self.denials.record,
            )
        )

    def write(self, name: str) -> Answer:
        body = json.dumps({"name": name}).encode()
        return self.live.request("POST", "/api/2.0/write", {"Authorization": "Bearer x"}, body)

    def secret(self, name: str) -> Answer:
        # So that each gets a record of its own.
        self.clock.advance(61)
        return self.live.get(f"/api/2.0/secret/{name}", {"Authorization": "Bearer x"})

    def write_until_refused(self) -> tuple[list[str], Answer]:
        """What was written, and how the first call after that was answered."""
        written: list[str] = []
        for number in range(_MOST_CALLS):
            name = f"{number:04}-" + "x" * 200
            answer = self.write(name)
            if answer.status != 200:
                return written, answer
            written.append(name)
        raise AssertionError("the disk never was full")

    def names(self) -> set[str]:
        with self.database.reading() as connection:
            return set(connection.scalars(select(groups.c.name)))

    def records(self) -> list[dict[str, Any]]:
        return [parsed(record.content) for record in AuditReader(self.database).all_after(0)]

    def denials_on_record(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Those of which there is a record, and the records of losses."""
        denied = [record for record in self.records() if record["denied"]]
        losses = [record for record in denied if record["action_name"] == "denials lost"]
        return [record for record in denied if record not in losses], losses


@pytest.fixture
def doors(place: Place) -> Iterator[Doors]:
    doors = Doors(place.url)
    with doors.live:
        # Disks become full under platforms that run.
        assert doors.write("before").status == 200
        yield doors
    doors.database.dispose()


def test_a_write_on_a_full_disk_is_one_clear_error_and_nothing_of_it_is_kept(place: Place, doors: Doors) -> None:
    place.disk.fill()
    with capture_logs() as logs:
        written, refused = doors.write_until_refused()

    assert (refused.status, refused.json()["error_code"]) == (507, "INVALID_STATE")
    assert refused.json()["message"] == (
        "POST /api/2.0/write failed: the disk that holds the database is full. Nothing of it was written; free some "
        "space on the server, then send it again"
    )
    assert "retry-after" not in refused.headers
    assert [event["event"] for event in logs] == ["disk full"]
    assert doors.names() == {"before", *written}
    assert len(doors.records()) == 1 + len(written)

    place.disk.free()
    assert doors.write("afterwards").status == 200


def test_a_denial_on_a_full_disk_stays_a_denial_and_its_loss_is_on_record_afterwards(
    place: Place, doors: Doors
) -> None:
    place.disk.fill()
    doors.write_until_refused()
    began = doors.clock.now()
    with capture_logs() as logs:
        answers = [doors.secret(f"{number}-" + "x" * 200) for number in range(40)]

    assert {answer.status for answer in answers} == {403}
    assert {event["event"] for event in logs} == {"denials could not be recorded"}

    place.disk.free()
    doors.denials.flush()
    kept, losses = doors.denials_on_record()
    assert len(kept) + sum(loss["notes"]["count"] for loss in losses) == 40
    assert sum(event["count"] for event in logs) == sum(loss["notes"]["count"] for loss in losses)
    assert (losses[-1]["denied"], losses[-1]["user_identity"]["email"]) == (True, "audit trail")
    assert to_ms(began) < losses[-1]["notes"]["since"] < losses[-1]["notes"]["until"] == to_ms(doors.clock.now())

    doors.denials.flush()
    assert doors.denials_on_record() == (kept, losses)


def test_the_next_denial_brings_the_record_of_those_that_were_lost(place: Place, doors: Doors) -> None:
    place.disk.fill()
    doors.write_until_refused()
    for number in range(40):
        doors.secret(f"{number}-" + "x" * 200)
    place.disk.free()
    doors.secret("plans")

    *_, loss, denial = doors.records()
    assert (loss["action_name"], denial["object"]) == ("denials lost", "plans")


def test_what_is_lost_when_the_platform_stops_is_told_for_good(place: Place, doors: Doors) -> None:
    place.disk.fill()
    for number in range(40):
        doors.secret(f"{number}-" + "x" * 200)
    with capture_logs() as logs:
        doors.denials.flush(is_last=True)

    assert [(event["event"], event["count"] > 0) for event in logs] == [("denials lost for good", True)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", megabytes=2) as disk:
        yield disk


def test_a_store_of_artifacts_that_is_full_keeps_nothing_half(disk: SmallDisk, tmp_path: Path) -> None:
    store, clock, logged = ArtifactStore(disk.folder / "store"), FixedClock(), tmp_path / "logged"
    logged.mkdir()
    (logged / "model.bin").write_bytes(b"x" * 3_000_000)

    with pytest.raises(DiskFull, match="the version failed: the disk that holds the platform's files"):
        _add(store, logged, clock)

    assert [file for file in disk.folder.rglob("*") if file.is_file()] == []
    (logged / "model.bin").write_bytes(b"x" * 1_000_000)
    assert store.manifest(_add(store, logged, clock)).files[0].size_bytes == 1_000_000


def _add(store: ArtifactStore, folder: Path, clock: FixedClock) -> str:
    with full_disk_is_told("the version"):
        return store.add_tree(folder, clock.now())


def test_a_database_that_is_opened_on_a_full_disk_says_so(disk: SmallDisk) -> None:
    database = Database(sqlite_url(disk.folder / "test.db"))
    migrate(database)
    database.dispose()
    disk.fill()

    again = Database(sqlite_url(disk.folder / "test.db"))
    with pytest.raises(DiskFull, match="the disk that holds the database"), full_disk_is_told("it"):  # noqa: SIM117
        with again.transaction() as connection:
            connection.execute(insert(groups).values(name="x" * 10_000))
    again.dispose()
