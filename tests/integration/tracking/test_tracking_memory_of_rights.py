"""What is remembered of rights and places, over a database of MLflow's form and one of ours."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete

from pierhead.identity.domain.grantees import Grantee, GranteeType
from pierhead.identity.domain.levels import Entry, Level
from pierhead.identity.domain.objects import Action, Experiment, Kind
from pierhead.identity.store.permissions import PermissionStore, object_permissions
from pierhead.kit.db import Database, metadata, sqlite_url
from pierhead.kit.errors import InvalidArgument, NotFound, PermissionDenied, Unavailable
from pierhead.kit.web.caller import Caller
from pierhead.tracking.domain.claims import IfUnknown, Named, Thing
from pierhead.tracking.services.rights import ArtifactGuard, ExperimentRights
from pierhead.tracking.services.whereabouts import RunPlace, Whereabouts

ADA, EVE = Caller("1", "ada", frozenset()), Caller("2", "eve", frozenset())
RUN = Named(Action.READ, Thing.RUN, "r")

MLFLOW = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE experiment_tags (key TEXT, value TEXT, experiment_id INTEGER);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, experiment_id INTEGER);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE logged_models (model_id TEXT PRIMARY KEY, experiment_id INTEGER);
CREATE TABLE trace_info (request_id TEXT PRIMARY KEY, experiment_id INTEGER);
CREATE TABLE assessments (assessment_id TEXT PRIMARY KEY, trace_id TEXT);
CREATE TABLE evaluation_datasets (dataset_id TEXT PRIMARY KEY);
CREATE TABLE entity_associations (source_type TEXT, source_id TEXT, destination_type TEXT, destination_id TEXT);
INSERT INTO experiments VALUES (7, 'own'), (8, 'nobody''s');
INSERT INTO experiment_tags VALUES ('pierhead.owner', 'ada', 7), ('other', 'x', 8);
INSERT INTO runs VALUES ('r', 7), ('old', 8);
INSERT INTO tags VALUES ('mlflow.user', 'ada', 'r'), ('other', 'x', 'old');
INSERT INTO logged_models VALUES ('m-1', 7);
INSERT INTO trace_info VALUES ('tr-1', 7);
INSERT INTO assessments VALUES ('a-1', 'tr-1');
INSERT INTO evaluation_datasets VALUES ('d-1'), ('d-2'), ('d-0');
INSERT INTO entity_associations VALUES
    ('evaluation_dataset', 'd-1', 'experiment', '7'),
    ('evaluation_dataset', 'd-2', 'experiment', '7'), ('evaluation_dataset', 'd-2', 'experiment', '8'),
    ('evaluation_dataset', 'd-0', 'run', 'r');
"""


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(MLFLOW)
    return path


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(sqlite_url(tmp_path / "pierhead.db"))
    metadata.create_all(database.engine)
    return database


def _give(database: Database, level: Level | None, experiment: str = "7") -> None:
    with database.transaction() as connection:
        connection.execute(delete(object_permissions).where(object_permissions.c.object_id == experiment))
        if level is not None:
            PermissionStore(connection).put(
                [Entry(Kind.EXPERIMENT, experiment, Grantee(GranteeType.USER, EVE.user_id), level)]
            )


def test_everything_has_its_place(place: Path) -> None:
    whereabouts = Whereabouts(place)

    assert whereabouts.experiment("7") == Experiment("7", "ada")
    assert whereabouts.experiment("8") == Experiment("8", None)
    assert whereabouts.experiment("9") is None
    assert whereabouts.run("r") == RunPlace("7", "ada")
    assert whereabouts.run("old") == RunPlace("8", None)
    for thing, id in (
        (Thing.EXPERIMENT, "7"),
        (Thing.EXPERIMENT_NAME, "own"),
        (Thing.RUN, "r"),
        (Thing.MODEL, "m-1"),
        (Thing.TRACE, "tr-1"),
        (Thing.ASSESSMENT, "a-1"),
        (Thing.DATASET, "d-1"),
    ):
        assert whereabouts.experiments_of(thing, id) == ("7",)
        assert whereabouts.experiments_of(thing, "9") is None
    assert sorted(whereabouts.experiments_of(Thing.DATASET, "d-2") or ()) == ["7", "8"]
    assert whereabouts.experiments_of(Thing.DATASET, "d-0") == ()


def test_what_is_new_is_seen_at_once(place: Path) -> None:
    whereabouts = Whereabouts(place)
    assert whereabouts.run("new") is None

    with closing(sqlite3.connect(place)) as connection:
        connection.execute("INSERT INTO runs VALUES ('new', 8)")
        connection.commit()

    assert whereabouts.run("new") == RunPlace("8", None)


def test_without_a_database_nobody_is_let_through(tmp_path: Path, place: Path) -> None:
    with pytest.raises(Unavailable):
        Whereabouts(tmp_path / "none.db").run("r")
    (tmp_path / "empty.db").touch()
    with pytest.raises(Unavailable):
        Whereabouts(tmp_path / "empty.db").run("r")
    assert not (tmp_path / "none.db").exists()

    whereabouts = Whereabouts(place)
    whereabouts.experiment("7")
    other = tmp_path / "other.db"
    other.write_bytes(place.read_bytes())
    other.replace(place)
    with pytest.raises(Unavailable, match="was replaced"):
        whereabouts.experiment("7")


def test_a_right_is_recalled_for_a_second_and_a_refusal_never(place: Path, database: Database) -> None:
    watch = Watch()
    rights = ExperimentRights(database, Whereabouts(place), watch)
    with pytest.raises(PermissionDenied):
        rights.require(EVE, [RUN])
    _give(database, Level.CAN_READ)
    rights.require(EVE, [RUN])

    assert rights.recall(EVE, [RUN])
    assert not rights.recall(EVE, [Named(Action.WRITE, Thing.RUN, "r")])
    assert not rights.recall(EVE, [RUN, Named(Action.READ, Thing.RUN, "old")])
    assert not rights.recall(Caller("2", "eve", frozenset({"more"})), [RUN])
    watch.now += 1.01
    assert not rights.recall(EVE, [RUN])
    _give(database, None)
    with pytest.raises(PermissionDenied):
        rights.require(EVE, [RUN])


def test_every_thing_that_is_named_is_asked_for(place: Path, database: Database) -> None:
    rights = ExperimentRights(database, Whereabouts(place))
    old = Named(Action.READ, Thing.RUN, "old")

    rights.require(ADA, [RUN])
    for named in ([RUN, old], [old, RUN], [Named(Action.READ, Thing.DATASET, "d-2")]):
        with pytest.raises(PermissionDenied):
            rights.require(ADA, named)


def test_what_does_not_exist_is_refused_let_by_or_left_out(place: Path, database: Database) -> None:
    rights = ExperimentRights(database, Whereabouts(place))

    with pytest.raises(NotFound, match="Run with id=x not found"):
        rights.require(ADA, [Named(Action.READ, Thing.RUN, "x")])
    assert rights.require(ADA, [Named(Action.WRITE, Thing.TRACE, "x", IfUnknown.PASS)]) == frozenset()
    left_out = Named(Action.READ, Thing.EXPERIMENT, "99", IfUnknown.LEAVE_OUT)
    assert rights.require(ADA, [left_out, RUN]) == {left_out}


def test_what_lies_nowhere_is_read_by_who_reads_everything_and_changed_by_admins(
    place: Path, database: Database
) -> None:
    rights = ExperimentRights(database, Whereabouts(place))
    read, write = (Named(action, Thing.DATASET, "d-0") for action in (Action.READ, Action.WRITE))
    for named in (read, write):
        with pytest.raises(PermissionDenied):
            rights.require(ADA, [named])

    _give(database, Level.CAN_MANAGE, "root")
    rights.require(EVE, [read])
    with pytest.raises(PermissionDenied):
        rights.require(EVE, [write])
    rights.require(Caller("3", "root", frozenset({"admins"})), [write])


def test_a_guard_of_files_asks_for_the_experiment_of_their_folder(place: Path, database: Database) -> None:
    guard = ArtifactGuard(ExperimentRights(database, Whereabouts(place)))

    for operation in ("read", "write"):
        guard(ADA, operation, "7/r/artifacts/a.txt")
        guard(ADA, operation, "7/Runs/r/artifacts/a.txt")
        with pytest.raises(PermissionDenied):
            guard(EVE, operation, "7/r/artifacts/a.txt")
        with pytest.raises(NotFound):
            guard(ADA, operation, "9/a.txt")
        with pytest.raises(InvalidArgument):
            guard(ADA, operation, "stray.txt")
        with pytest.raises(PermissionDenied):
            guard(ADA, operation, "")
    _give(database, Level.CAN_READ)
    guard(EVE, "read", "7/a")
    with pytest.raises(PermissionDenied):
        guard(EVE, "write", "7/a")
