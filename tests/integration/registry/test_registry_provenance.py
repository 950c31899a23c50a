from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import pytest
from deltalake import DeltaTable, write_deltalake
from provenance_rig import NAME, TABLE, Rig, rows_of

from fakes.runs import a_run, an_input
from pierhead.catalog.services.pins import verify_pins
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, NotFound, Unavailable
from pierhead.registry.domain.gate import ProvenanceState
from pierhead.registry.domain.policies import Provenance as Mode

COMPLETE, PENDING = ProvenanceState.COMPLETE, ProvenanceState.PENDING
INVALID, MISSING = ProvenanceState.INVALID, ProvenanceState.MISSING


@pytest.fixture
def rig(tmp_path: Path, database: Database) -> Iterator[Rig]:
    rig = Rig(tmp_path, database)
    yield rig
    rig.world.close()


def test_version_0_of_a_named_table_is_recorded_and_pinned(rig: Rig) -> None:
    path = rig.table(versions=3)
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0)))

    found = rig.refresh(rig.register())

    assert (found.state, found.run_user) == (COMPLETE, "sam")
    assert found.record is not None
    (recorded,) = found.record.inputs
    assert (recorded.claimed, recorded.version, recorded.rows, recorded.is_kept) == (TABLE, 0, 1, True)
    assert len(recorded.manifest_sha256) == len(recorded.schema_sha256) == 64
    assert rig.pinned(path) == {0}


def test_a_vacuum_that_honours_pins_leaves_the_pinned_version_readable(rig: Rig) -> None:
    path = rig.table(versions=3)
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=1)))
    version = rig.register()

    table = DeltaTable(path)
    keep = sorted(rig.pinned(path))
    table.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True, keep_versions=keep)

    assert rows_of(path, 1) == [0, 1]
    assert verify_pins(rig.database, rig.world.clock).broken == ()
    assert rig.refresh(version).effective_state is COMPLETE


def test_a_dropped_version_0_is_named_with_its_remedy(rig: Rig) -> None:
    rig.table()
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE)))

    found = rig.refresh(rig.register())

    assert found.state is INVALID
    assert "MLflow's own client leaves version 0 out" in found.message
    assert f"log_delta_input('{TABLE}', version=0)" in found.message


def test_an_input_without_its_version_is_forgiven_once_the_version_is_logged(rig: Rig) -> None:
    rig.table()
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE)))
    version = rig.register()
    rig.runs.add_input("r1", an_input("again", delta_table_name=TABLE, delta_table_version=0))

    assert rig.refresh(version).state is COMPLETE


def test_data_that_is_logged_after_the_model_completes_the_record_later(rig: Rig) -> None:
    rig.table()
    rig.runs.put(a_run("r1"))
    version = rig.register()
    assert rig.refresh(version).state is PENDING

    rig.world.clock.advance(60)
    rig.runs.add_input("r1", an_input(delta_table_name=TABLE, delta_table_version=0))
    found = rig.refresh(version)

    assert (found.state, found.completed_at) == (COMPLETE, rig.world.clock.now())


def test_inputs_that_come_after_the_record_is_complete_are_reported_and_not_merged(rig: Rig) -> None:
    rig.table(versions=2)
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0)))
    version = rig.register()
    before = rig.refresh(version)
    rig.runs.add_input("r1", an_input("more", delta_table_name=TABLE, delta_table_version=1))

    after = rig.refresh(version)

    assert after.record == before.record
    assert (after.state, after.completed_at, after.late) == (COMPLETE, before.completed_at, (f"{TABLE} version 1",))
    assert after.digest != before.digest
    assert "not part of it" in after.message


def test_two_tables_are_both_recorded(rig: Rig) -> None:
    paths = [rig.table(), rig.table("main.churn.labels", versions=2)]
    rig.runs.put(
        a_run(
            "r1",
            an_input("features", delta_table_name=TABLE, delta_table_version=0),
            an_input("labels", context="fit", path=str(paths[1]), delta_table_version=1),
            an_input("holdout", context="eval", delta_table_name="main.churn.elsewhere", delta_table_version=7),
        )
    )

    record = rig.refresh(rig.register()).record

    assert record is not None
    assert [(each.dataset, each.version) for each in record.inputs] == [("features", 0), ("labels", 1)]
    assert [rig.pinned(path) for path in paths] == [{0}, {1}]


def test_a_table_that_gets_another_name_is_still_the_recorded_one(rig: Rig) -> None:
    path = rig.table()
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0)))
    version = rig.register()
    rig.tables.names = {"main.churn.renamed": path}

    found = rig.refresh(version)

    assert (found.effective_state, found.late, found.lost) == (COMPLETE, (), ())


def test_vacuumed_data_is_told_precisely_before_and_after_the_record(rig: Rig) -> None:
    path = rig.table(versions=2)
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0)))
    version = rig.register()
    DeltaTable(path).vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)

    recorded = rig.refresh(version)
    late = rig.refresh(rig.register(source="models:/m-2"))

    assert (recorded.state, recorded.effective_state, late.state) == (COMPLETE, INVALID, INVALID)
    assert "the recorded training data is lost: version 0 of the table" in recorded.message
    assert "has lost 1 of its 1 files to a vacuum" in late.message
    assert [broken.pin.version for broken in verify_pins(rig.database, rig.world.clock).broken] == [0]


def test_a_table_that_was_replaced_by_another_one_is_noticed(rig: Rig) -> None:
    path = rig.table()
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0)))
    version = rig.register()
    rmtree(path)
    rig.table()

    assert "was replaced" in rig.refresh(version).message
    assert "differ" in verify_pins(rig.database, rig.world.clock).broken[0].problem


def test_a_table_elsewhere_is_recorded_with_a_warning(rig: Rig, tmp_path: Path) -> None:
    path = rig.table()
    foreign = tmp_path / "foreign"
    path.rename(foreign)
    rig.runs.put(a_run("r1", an_input(path=f"file://{foreign}", delta_table_version=0)))

    found = rig.refresh(rig.register())

    assert found.state is COMPLETE
    assert "nothing here keeps its version 0 from a vacuum" in found.message
    assert rig.pinned(foreign) == {0}


def test_what_the_server_must_not_open_is_told_as_what_is_not_there(rig: Rig, tmp_path: Path) -> None:
    rig.table().rename(tmp_path / "secret")
    (tmp_path / "linked").symlink_to(tmp_path / "secret")
    told = []
    for number, path in enumerate(("secret", "linked", "none")):
        rig.runs.put(a_run(f"r{number}", an_input(path=str(tmp_path / path), delta_table_version=0)))
        found = rig.refresh(rig.register(run_id=f"r{number}", source=f"models:/m-{number}"))
        told.append(found.message.replace(path, "X"))

    assert len(set(told)) == 1, told


def test_a_version_that_is_not_there_yet_is_refused_whatever_its_size(rig: Rig) -> None:
    rig.table()
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=2**62)))

    assert f"has no version {2**62}; its newest is 0" in rig.refresh(rig.register()).message


def test_a_manifest_that_the_client_saw_must_be_the_one_that_is_here(rig: Rig) -> None:
    rig.table()
    seen = {"pierhead.manifest_sha256": "0" * 64}
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0, tags=seen)))

    assert "other files here than the run saw" in rig.refresh(rig.register()).message


def test_a_borrowed_run_does_not_count(rig: Rig) -> None:
    rig.table()
    rig.runs.put(a_run("good", an_input(delta_table_name=TABLE, delta_table_version=0)))
    rig.runs.put(a_run("own"))
    rig.runs.put_model("m-1", "own")
    rig.runs.put_model("m-2", None)

    by_model = rig.refresh(rig.register(run_id="good"))
    rig.world.logged_model("models:/m-2", {"MLmodel": "run_id: own\nflavors: {}\n"})
    by_file = rig.refresh(rig.world.register(NAME, "models:/m-2", run_id="good"))

    assert (by_model.state, by_file.state) == (INVALID, INVALID)
    assert by_model.message == "the version claims run good, but its model was logged by run own"
    assert by_file.message == "the version claims run good, but its MLmodel file was written by run own"


def test_a_version_whose_run_is_gone_or_was_never_named_is_missing(rig: Rig) -> None:
    rig.world.logged_model("models:/m-9", {"MLmodel": "flavors: {}\n"})

    assert rig.refresh(rig.register()).message == "run r1 does not exist (any more)"
    nameless = rig.refresh(rig.world.register(NAME, "models:/m-9"))
    assert nameless.state is MISSING
    assert "names no run" in nameless.message


def test_a_silent_tracking_server_leaves_a_version_pending_and_a_record_as_it_is(rig: Rig) -> None:
    rig.table()
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0)))
    rig.runs.is_silent = True
    version = rig.register()
    assert rig.refresh(version).state is PENDING

    rig.runs.is_silent = False
    complete = rig.refresh(version)
    rig.runs.is_silent = True

    assert complete.state is COMPLETE
    assert rig.refresh(version).record == complete.record


def test_a_copy_follows_the_record_of_its_origin(rig: Rig) -> None:
    path = rig.table()
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0)))
    origin = rig.register()
    del rig.runs.runs["r1"]

    copy = rig.register("prod.churn.classifier", source=f"models:/{NAME}/{origin.number}", run_id=None)
    found, original = rig.refresh(copy), rig.refresh(origin)
    rig.delete(origin)

    assert found.record is not None
    assert original.record is not None
    assert found.state is COMPLETE
    assert found.record.inputs == original.record.inputs
    assert found.record.digest != original.record.digest
    assert rig.pinned(path) == {0}


def test_a_copy_of_a_pending_origin_completes_with_it(rig: Rig) -> None:
    rig.table()
    rig.runs.put(a_run("r1"))
    origin = rig.register()
    copy = rig.register("prod.churn.classifier", source=f"models:/{NAME}/{origin.number}", run_id=None)
    rig.runs.add_input("r1", an_input(delta_table_name=TABLE, delta_table_version=0))

    assert rig.refresh(copy).state is COMPLETE


def test_deleting_a_version_lets_its_table_go(rig: Rig) -> None:
    path = rig.table()
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0)))
    first, second = rig.register(), rig.register(source="models:/m-2")

    rig.delete(first)
    assert rig.pinned(path) == {0}
    rig.delete(second)
    assert rig.pinned(path) == frozenset()


def test_a_policy_that_wants_data_at_once_refuses_with_the_lines_that_fix_it(rig: Rig) -> None:
    rig.table()
    rig.mode = Mode.REQUIRE_AT_CREATE
    rig.runs.put(a_run("r1"))

    with pytest.raises(InvalidArgument) as refused:
        rig.register()

    assert "run r1 has no Delta table as an input of context 'training'" in refused.value.message
    assert refused.value.message.endswith(
        'from pierhead.client import log_delta_input\nlog_delta_input("catalog.schema.table", version=VERSION)'
    )
    with pytest.raises(NotFound):
        rig.world.get(NAME, 1)
    rig.runs.is_silent = True
    with pytest.raises(Unavailable):
        rig.register(source="models:/m-2")
    rig.runs.is_silent = False
    rig.runs.add_input("r1", an_input(delta_table_name=TABLE, delta_table_version=0))
    assert rig.register(source="models:/m-3").number == 1


def test_where_no_policy_asks_no_table_is_opened_but_the_run_s_user_is_known(rig: Rig) -> None:
    path = rig.table()
    rig.mode = Mode.OFF
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0)))

    found = rig.refresh(rig.register())

    assert (found.state, found.run_user, rig.pinned(path)) == (PENDING, "sam", frozenset())


def test_a_table_that_grows_on_keeps_the_recorded_version(rig: Rig) -> None:
    path = rig.table()
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0)))
    version = rig.register()
    write_deltalake(path, DeltaTable(path).to_pyarrow_table(), mode="append")

    assert rig.refresh(version).effective_state is COMPLETE
