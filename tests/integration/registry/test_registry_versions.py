from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import rmtree

import pytest
from registry_world import ADA, World

from pierhead.kit.errors import AlreadyExists, InvalidArgument, InvalidState, NotFound, PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.gate import StageTarget
from pierhead.registry.domain.models import Failed, Pending, Ready, VersionDraft
from pierhead.registry.domain.stages import Stage
from pierhead.registry.services.models import Models
from pierhead.registry.services.versions import Versions


def _move(world: World, name: str, number: int, stage: Stage, *, archive_existing: bool = False) -> None:
    with world.promotions() as promotions:
        promotions.move(name, number, StageTarget(stage), archive_existing=archive_existing)


def _begin(world: World, name: str = "main.a.b") -> int:
    with world.database.transaction() as connection:
        return Versions(connection, world.clock).add(VersionDraft(name, "x"), Pending(), by=ADA).number


def test_a_version_keeps_its_files_when_the_source_is_edited_or_deleted(world: World) -> None:
    folder = world.logged_model("models:/m-1")
    world.register("main.a.b")
    (folder / "MLmodel").write_text("edited")
    rmtree(folder)

    laid = world.artifacts.lay_out(world.get("main.a.b", 1).digest, world.folder / "models")

    assert "python_function" in (laid / "MLmodel").read_text()


def test_concurrent_registrations_get_all_numbers_once(world: World) -> None:
    world.create_model("main.a.b")
    world.logged_model("models:/m-1")
    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(lambda _: world.register("main.a.b").number, range(24)))

    assert sorted(versions) == list(range(1, 25))


def test_of_many_that_create_one_model_one_succeeds(world: World) -> None:
    def create(_: int) -> bool:
        try:
            world.create_model("main.a.b")
        except AlreadyExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 1


def test_a_deleted_version_gives_its_number_to_nobody(world: World) -> None:
    world.register("main.a.b")
    world.register("main.a.b")
    with world.promotions() as promotions:
        promotions.delete_version("main.a.b", 2)

    assert world.register("main.a.b").number == 3
    with pytest.raises(NotFound):
        world.get("main.a.b", 2)


def test_a_version_without_a_model_is_refused_before_anything_is_copied(world: World, tmp_path: Path) -> None:
    world.logged_model("models:/m-1")
    with pytest.raises(NotFound, match=r"main\.a\.b"):
        world.registrations.register(VersionDraft("main.a.b", "models:/m-1"), by="ada")

    assert not (tmp_path / "store").exists()


def test_a_source_without_files_is_refused(world: World) -> None:
    world.create_model("main.a.b")
    (world.folder / "empty").mkdir()
    world.sources.folders["models:/m-1"] = world.folder / "empty"

    with pytest.raises(InvalidArgument, match="no files"):
        world.register("main.a.b")


def test_a_source_that_is_nowhere_is_refused(world: World) -> None:
    with pytest.raises(InvalidArgument, match="names nothing"):
        world.register("main.a.b", "runs:/r/model")


def test_the_run_is_read_from_the_files_if_nobody_names_it(world: World) -> None:
    assert world.register("main.a.b").run_id == "0123456789abcdef0123456789abcdef"
    assert world.register("main.a.b", run_id="mine").run_id == "mine"


def test_a_copy_shares_the_files_and_the_lineage(world: World) -> None:
    origin = world.register("main.a.b", logged_model_id="m-1")
    copy = world.register("main.a.c", "models:/main.a.b/1", tags={"a": "b"}, description="copy")

    assert copy.digest == origin.digest
    assert (copy.run_id, copy.logged_model_id) == (origin.run_id, "m-1")
    assert (copy.source, copy.tags, copy.description) == ("models:/main.a.b/1", {"a": "b"}, "copy")


def test_a_copy_by_alias_stage_or_latest_names_the_number(world: World) -> None:
    world.register("main.a.b")
    world.register("main.a.b")
    _move(world, "main.a.b", 1, Stage.PRODUCTION)
    with world.promotions() as promotions:
        promotions.set_alias("main.a.b", "champion", 1)

    sources = ("models:/main.a.b@champion", "models:/main.a.b/production", "models:/main.a.b/latest")
    assert [world.register("main.a.c", source).source for source in sources] == [
        "models:/main.a.b/1",
        "models:/main.a.b/1",
        "models:/main.a.b/2",
    ]


def test_a_prompt_has_no_files(world: World) -> None:
    version = world.register("greeting", "dummy-source", tags={"mlflow.prompt.is_prompt": "true"})

    assert world.artifacts.manifest(version.digest).files == ()


def test_a_pending_version_becomes_ready_with_what_was_uploaded(world: World) -> None:
    world.create_model("main.a.b")
    number = _begin(world)
    world.upload(f"main/a/b/{number}/MLmodel", "flavors: {}")
    world.upload(f"main/a/b/{number}/code/x.py", "x = 1")

    version = world.registrations.finalize("main.a.b", number, by=ADA)

    assert [file.path for file in world.artifacts.manifest(version.digest).files] == ["MLmodel", "code/x.py"]
    assert list(world.pending.iterdir()) == []


def test_what_was_uploaded_goes_with_its_version_or_its_model(world: World) -> None:
    world.create_model("main.a.b")
    for number in (_begin(world), _begin(world), _begin(world)):
        world.upload(f"main/a/b/{number}/MLmodel", "flavors: {}")

    world.registrations.delete_version("main.a.b", 2, by=ADA)
    kept = {world.get("main.a.b", number).id for number in (1, 3)}
    assert {folder.name for folder in world.pending.iterdir()} == kept

    world.registrations.delete_model("main.a.b", by=ADA)
    assert list(world.pending.iterdir()) == []


def test_an_mlmodel_made_to_crash_us_is_a_version_like_any_other(world: World) -> None:
    world.logged_model("models:/m-evil", {"MLmodel": "[" * 100_000})

    version = world.register("main.a.b", "models:/m-evil")

    assert version.run_id is None
    assert len(world.artifacts.manifest(version.digest).files) == 1


def test_finalizing_again_changes_nothing(world: World) -> None:
    world.create_model("main.a.b")
    number = _begin(world)
    world.upload(f"main/a/b/{number}/MLmodel", "flavors: {}")
    first = world.registrations.finalize("main.a.b", number, by=ADA)
    world.clock.advance(60)

    assert world.registrations.finalize("main.a.b", number, by=ADA) == first


def test_many_that_finalize_at_once_agree(world: World) -> None:
    world.create_model("main.a.b")
    number = _begin(world)
    for index in range(20):
        world.upload(f"main/a/b/{number}/file{index}", "x" * index)
    with ThreadPoolExecutor(6) as pool:
        versions = list(pool.map(lambda _: world.registrations.finalize("main.a.b", number, by=ADA), range(6)))

    assert len({version.digest for version in versions}) == 1
    assert len(world.artifacts.manifest(versions[0].digest).files) == 20


def test_nobody_finalizes_what_somebody_else_is_filling(world: World) -> None:
    world.create_model("main.a.b")
    number = _begin(world)
    world.upload(f"main/a/b/{number}/MLmodel", "flavors: {}")

    with pytest.raises(PermissionDenied, match="being filled by ada"):
        world.registrations.finalize("main.a.b", number, by=Caller("2", "sam", frozenset({"admins"})))
    assert isinstance(world.get("main.a.b", number).state, Pending)


def test_a_version_that_is_finalized_without_files_has_failed(world: World) -> None:
    world.create_model("main.a.b")
    number = _begin(world)

    with pytest.raises(InvalidState, match="before any of its files"):
        world.registrations.finalize("main.a.b", number, by=ADA)
    assert isinstance(world.get("main.a.b", number).state, Failed)
    with pytest.raises(InvalidState):
        world.upload(f"main/a/b/{number}/MLmodel", "flavors: {}")


def test_a_pending_version_is_not_the_latest_and_cannot_go_live(world: World) -> None:
    world.register("main.a.b")
    number = _begin(world)

    with world.database.reading() as connection:
        latest = Versions(connection, world.clock).list_latest("main.a.b", [])
    assert [version.number for version in latest] == [1]
    with pytest.raises(InvalidState, match="not READY"):
        _move(world, "main.a.b", number, Stage.STAGING)
    with world.promotions() as promotions, pytest.raises(InvalidState, match="not READY"):
        promotions.set_alias("main.a.b", "champion", number)


def test_archiving_moves_only_the_versions_of_that_stage(world: World) -> None:
    for _ in range(4):
        world.register("main.a.b")
    world.register("main.a.other")
    _move(world, "main.a.other", 1, Stage.PRODUCTION)
    _move(world, "main.a.b", 1, Stage.PRODUCTION)
    _move(world, "main.a.b", 2, Stage.PRODUCTION)
    _move(world, "main.a.b", 3, Stage.STAGING)

    _move(world, "main.a.b", 4, Stage.PRODUCTION, archive_existing=True)

    stages = [world.get("main.a.b", number).stage for number in (1, 2, 3, 4)]
    assert stages == [Stage.ARCHIVED, Stage.ARCHIVED, Stage.STAGING, Stage.PRODUCTION]
    assert world.get("main.a.other", 1).stage is Stage.PRODUCTION


def test_archiving_keeps_the_version_that_moves_to_its_own_stage(world: World) -> None:
    world.register("main.a.b")
    _move(world, "main.a.b", 1, Stage.PRODUCTION)
    _move(world, "main.a.b", 1, Stage.PRODUCTION, archive_existing=True)

    assert world.get("main.a.b", 1).stage is Stage.PRODUCTION


def test_the_latest_of_a_stage_is_the_highest_number(world: World) -> None:
    for _ in range(3):
        world.register("main.a.b")
    _move(world, "main.a.b", 3, Stage.STAGING)
    _move(world, "main.a.b", 1, Stage.STAGING)

    with world.database.reading() as connection:
        versions = Versions(connection, world.clock)
        assert [v.number for v in versions.list_latest("main.a.b", [Stage.STAGING])] == [3]
        assert sorted(v.number for v in versions.list_latest("main.a.b", [])) == [2, 3]
        assert versions.get_by_alias("main.a.b", "latest").number == 3


def test_an_alias_points_to_one_version_at_a_time_and_ends_with_it(world: World) -> None:
    world.register("main.a.b")
    world.register("main.a.b")
    with world.promotions() as promotions:
        promotions.set_alias("main.a.b", "champion", 1)
        promotions.set_alias("main.a.b", "champion", 2)
    assert (world.get("main.a.b", 1).aliases, world.get("main.a.b", 2).aliases) == ((), ("champion",))

    with world.promotions() as promotions:
        promotions.delete_version("main.a.b", 2)

    with world.database.reading() as connection:
        assert Models(connection, world.clock).get("main.a.b").aliases == {}
        with pytest.raises(NotFound):
            Versions(connection, world.clock).get_by_alias("main.a.b", "champion")


def test_a_rename_takes_versions_aliases_and_tags_along(world: World) -> None:
    world.register("main.a.b", tags={"k": "v"})
    with world.promotions() as promotions:
        promotions.set_alias("main.a.b", "champion", 1)
        promotions.rename("main.a.b", "main.c.d")

    version = world.get("main.c.d", 1)
    assert (version.aliases, version.tags) == (("champion",), {"k": "v"})
    assert world.by_parts.find("main/c/d/1/MLmodel") is not None
    assert world.by_parts.find("main/a/b/1/MLmodel") is None


def test_a_rename_to_a_taken_name_is_refused(world: World) -> None:
    world.create_model("main.a.b")
    world.create_model("main.a.c")

    with world.promotions() as promotions, pytest.raises(AlreadyExists, match=r"main\.a\.c"):
        promotions.rename("main.a.b", "main.a.c")


def test_deleting_a_model_deletes_all_that_belongs_to_it(world: World) -> None:
    version = world.register("main.a.b", tags={"k": "v"})
    with world.promotions() as promotions:
        promotions.set_alias("main.a.b", "champion", 1)
        promotions.delete_model("main.a.b")

    world.create_model("main.a.b")
    with pytest.raises(NotFound):
        world.get("main.a.b", 1)
    # Somebody may still serve these files.
    assert world.artifacts.file(version.digest).is_file()


def test_states_survive_the_database(world: World) -> None:
    version = world.register("main.a.b")
    number = _begin(world)

    assert world.get("main.a.b", 1).state == Ready(version.digest)
    assert world.get("main.a.b", number).state == Pending()


def test_a_registered_version_takes_no_files(world: World) -> None:
    world.register("main.a.b")

    with pytest.raises(InvalidState, match="never change"):
        world.upload("main/a/b/1/MLmodel", "evil")
    with pytest.raises(InvalidState):
        world.by_parts.delete("main/a/b/1/MLmodel", by=ADA)
    with pytest.raises(InvalidState):
        world.by_parts.make_directory("main/a/b/1/new", by=ADA)
